"""Common slips in the values of a manifest: the text to write instead. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping

from reconciler.model.record import Json
from reconciler.text.quoting import flow

from .document import suggestion

_SHELLS = frozenset({"bash", "sh", "zsh", "fish", "dash", "ksh", "terminal"})
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>.*)", re.DOTALL)
_WORDS = frozenset({"args", "from_command", "new", "resume", "wrap"})  # lists that people write as one line


def mapping_instead(path: str, value: Json) -> str:
    """The text to write where a mapping is wanted; empty when it cannot be told from the value."""
    key = path.rpartition(".")[2]
    names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    if not names or not all(isinstance(name, str) and name for name in names):
        return _example(path, key)
    words = [str(name) for name in names]
    if key == "env":
        found = [_ASSIGNMENT.fullmatch(word) for word in words]
        pairs: dict[str, Json] = {each["name"]: each["value"] for each in found if each}
        return f"write `env: {flow(pairs)}`" if all(found) else _example(path, key)
    if key == "tmux":
        return f"write `tmux: {flow({'socket': words[0]})}`"
    if path == "workspaces":
        return f"write `workspaces: {flow({word: {'path': word} for word in words})}`"
    if key == "agents":
        return f"write `agents: {flow({word: {} for word in words})}`"
    return _example(path, key)


def _example(path: str, key: str) -> str:
    """An example for the mappings that every manifest has."""
    if path.rpartition(".")[0].endswith(".agents"):
        return f"write `{key}: {{}}`, or its settings in the braces"
    examples: Mapping[str, str] = {
        "workspaces": "workspaces: {lab: {path: lab}}",
        "agents": "agents: {shell: {}}",
        "env": "env: {NAME: value}",
        "tmux": "tmux: {socket: lab}",
        "defaults": "defaults: {agent: {protect: true}}",
        "git": "git: {repo: ~/src/site, branch: main}",
    }
    return f"write a mapping: `{examples[key]}`" if key in examples else ""


def list_instead(path: str, value: Json) -> str:
    """The list to write in place of one text; empty when the value is no text."""
    if not isinstance(value, str) or not value.strip():
        return ""
    try:
        words = shlex.split(value) if path.rpartition(".")[2] in _WORDS else [value]
    except ValueError:  # a quote that is not closed
        words = value.split()
    return f"write `{path.rpartition('.')[2]}: {flow(list(words))}`"


def value_source_instead(value: Json) -> str:
    """The key that was meant in a value of `env`; empty when none is similar."""
    if not isinstance(value, dict):
        return ""
    said = [suggestion(key, ["from_env", "from_file", "from_command"]) for key in value]
    return next((each for each in said if each.startswith("did you mean")), "")


def type_instead(name: str, types: Collection[str], *, named: bool) -> str:
    """What to write for the unknown agent type `name`, which is `named` in the block or is the agent's name."""
    if name in _SHELLS and "shell" in types:
        return "did you mean `shell`?"
    parts = set(re.split(r"[-_\d]+", name.lower()))
    inside = sorted((each for each in types if each in parts), key=len, reverse=True)
    return f"add `type: {inside[0]}`" if inside and not named else ""


def own_program(parents: list[str], key: str, value: Json) -> str:
    """The key for the program of an agent; empty for other keys."""
    if key not in {"cmd", "program"} or parents[-2:-1] != ["agents"]:
        return ""
    words = value if isinstance(value, list) else shlex.split(value) if isinstance(value, str) else []
    program = flow({"command": words or ["PROGRAM"]})
    return f"write `{program[1:-1]}`; a CLI of your own also belongs to `agent_types`"

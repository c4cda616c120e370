"""Common slips in the values of a manifest: the text to write instead. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping
from typing import NamedTuple

from reconciler.model.address import is_name
from reconciler.model.record import Json
from reconciler.text.quoting import flow

from .document import suggestion

_SHELLS = frozenset({"bash", "sh", "zsh", "fish", "dash", "ksh", "terminal"})
_ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>.*)", re.DOTALL)
_SHOWN = 40  # characters of the user's text in a message
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


class ItemSlip(NamedTuple):
    """What is wrong with one item of `for_each`, and what to write. `item` is its index or key; empty for all."""

    item: str
    what: str
    fix: str


def items_instead(value: Json) -> ItemSlip | None:
    """What is wrong with the value of `for_each`; None when it cannot be told."""
    match value:
        case str() if value.strip():
            return ItemSlip(
                "", f"the text `{value[:_SHOWN]}` is not a list of items", f"write `for_each: {flow([*value.split()])}`"
            )
        case bool() | None:
            return None
        case int():
            return ItemSlip("", f"the number `{value}` is not a list of items", f"write `count: {value}`")
        case list():
            found = (_wrong_key(str(index), item) for index, item in enumerate(value))
        case dict():
            found = (_wrong_key(key, key) or _wrong_item_value(key, item) for key, item in value.items())
        case _:
            return None
    return next(filter(None, found), None)


def _wrong_key(item: str, key: Json) -> ItemSlip | None:
    if isinstance(key, str):
        if is_name(key):
            return None
        better = re.sub(r"[^A-Za-z0-9_]+", "-", key).strip("-_") or "a"
        fix = f"name it, and write `${{each.value}}` for the text: `for_each: {flow({better: key[:_SHOWN]})}`"
        return ItemSlip(item, f"`{key[:_SHOWN]}` is not a valid key (letters, digits, `_` and `-`)", fix)
    if isinstance(key, int | float) and not isinstance(key, bool):
        return ItemSlip(item, f"the number `{key}` is not a valid key", f'write "{key}" in quotes')
    return ItemSlip(item, "not a text", "write the name of the item: `for_each: [a, b]`")


def _wrong_item_value(key: str, value: Json) -> ItemSlip | None:
    plain = (str, int, float, bool)
    if isinstance(value, plain) or (
        isinstance(value, dict) and all(isinstance(each, plain) for each in value.values())
    ):
        return None
    return ItemSlip(key, f"the value of `{key}` is not a text", f"write `{key}: text` or `{key}: {{field: text}}`")


def value_source_instead(value: Json) -> str:
    """The key that was meant in a value of `env`; empty when none is similar."""
    if not isinstance(value, dict):
        return ""
    sources = ["from_env", "from_file", "from_command"]
    said = [suggestion(key, sources) for key in value if key not in sources]
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

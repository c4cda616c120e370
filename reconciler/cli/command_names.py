"""What Tab offers where a command is expected, without typer: names from the catalogue.

A test holds that bash, zsh and fish get what typer prints for them. Options and the names in the registry come from
typer, and so does everything after a command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .catalogue import COMMANDS, Entry, Group

_QUOTED = frozenset("'\"\\#")
_ZSH = str.maketrans({'"': '""', "'": "''", "$": "\\$", "`": "\\`", ":": "\\\\:"})


def offered_commands(env: Mapping[str, str]) -> list[str] | None:
    """The lines for the shell that asks; None where no command is expected, or none begins so."""
    shell = env.get("_RECONCILER_COMPLETE", "").removeprefix("complete_")
    words = _words(shell, env)
    entries = _group(words[:-1]) if words else None
    if entries is None or words[-1].startswith("-"):
        return None
    found = {name: each.summary for name, each in entries.items() if name.startswith(words[-1]) and not each.hidden}
    return _for_shell(shell, found) if found else None


def _words(shell: str, env: Mapping[str, str]) -> list[str]:
    """The words after the program's name, the last one unfinished; empty unless they are plain."""
    line = env.get("COMP_WORDS" if shell == "bash" else "_TYPER_COMPLETE_ARGS", "")
    words = line.split()
    if _QUOTED.intersection(line) or not words:
        return []
    if shell == "bash":
        place = env.get("COMP_CWORD", "")
        return [*words, ""][1 : int(place) + 1] if place.isdecimal() else []
    is_read = shell == "zsh" or (shell == "fish" and env.get("_TYPER_COMPLETE_FISH_ACTION") == "get-args")
    return [*words[1:], *([""] if line.endswith(" ") or not words[1:] else [])] if is_read else []


def _group(words: Sequence[str]) -> Mapping[str, Entry] | None:
    entries = COMMANDS
    for word in words:
        entry = entries.get(word)
        if not isinstance(entry, Group):
            return None
        entries = entry.commands
    return entries


def _for_shell(shell: str, found: Mapping[str, str]) -> list[str]:
    if shell == "bash":
        return list(found)
    if shell == "fish":
        return [f"{name}\t{summary}" for name, summary in found.items()]
    described = "\n".join(f'"{name}":"{summary.translate(_ZSH)}"' for name, summary in found.items())
    return f"_arguments '*: :(({described}))'".split("\n")

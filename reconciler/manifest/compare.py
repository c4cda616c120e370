"""Compare two sets of manifests block by block. Files and layout do not count, only what they declare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from reconciler.model.deep import DeepChange, Path, compare, masked
from reconciler.model.desired import names_a_secret
from reconciler.model.manifest_difference import AddressDifference, ManifestsDifference
from reconciler.model.record import Json

from .document import Source
from .merge import DEFAULT_BROKER
from .source import Reading, read


class _Block(Struct, frozen=True):
    """The content of one address, and the file that declares it."""

    file: str
    content: Json


def compare_manifests(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> ManifestsDifference:
    """The differences between the manifests `old` and `new`, given by file. Secrets in them are hidden.

    A file that is not a YAML mapping is left out on both sides, with the reason.
    """
    before, after = ({file: read(Source(file, data)) for file, data in files.items()} for files in (old, new))
    unreadable = _unreadable(before) | _unreadable(after)
    was, now = (_blocks(each, unreadable) for each in (before, after))
    changed = {file for file in old.keys() & new.keys() if old[file] != new[file]} - unreadable.keys()
    same = (file for file in changed if not compare(_declared_in(before[file]), _declared_in(after[file])))
    return ManifestsDifference(
        blocks=tuple(_differences(was, now)),
        same_meaning=frozenset(same),
        unreadable=unreadable,
        secrets=frozenset(_secrets([each.content for each in (*was.values(), *now.values())])),
    )


def blocks_of(content: Mapping[str, Any]) -> dict[str, Json]:
    """Everything that a manifest declares, by address. Settings without an address are listed by their key."""
    found: dict[str, Json] = {}
    for key, value in content.items():
        found |= _declared(key, value)
    return found


def _declared(key: str, value: Any) -> dict[str, Json]:
    match key, value:
        case "workspaces", dict():
            return {name: each for home, block in value.items() for name, each in _workspace(home, block).items()}
        case "agent_types", dict():
            return {f"agent_types.{name}": block for name, block in value.items()}
        case "broker", dict():
            return {f"broker.{value.get('name', DEFAULT_BROKER)}": value}
        case _:
            return {key: value}


def _workspace(home: str, block: Any) -> dict[str, Json]:
    if not isinstance(block, dict):
        return {f"workspace.{home}": block}
    agents = block.get("agents")
    own = {key: value for key, value in block.items() if key != "agents"}
    if not isinstance(agents, dict):
        return {f"workspace.{home}": block if agents else own}
    return {
        f"workspace.{home}": own,
        # an empty block is an agent with all defaults
        **{f"agent.{home}.{name}": {} if each is None else each for name, each in agents.items()},
    }


def _unreadable(readings: Mapping[str, Reading]) -> dict[str, str]:
    return {file: _reason(each) for file, each in readings.items() if not isinstance(each.content, dict)}


def _reason(reading: Reading) -> str:
    return reading.mistakes[0].summary if reading.mistakes else "it is not a mapping"


def _blocks(readings: Mapping[str, Reading], unreadable: Mapping[str, str]) -> dict[str, _Block]:
    """Every block by its address. If several files repeat a setting, the first file wins."""
    found: dict[str, _Block] = {}
    for file in sorted(readings.keys() - unreadable.keys(), reverse=True):
        found |= {address: _Block(file, each) for address, each in _declared_in(readings[file]).items()}
    return found


def _declared_in(reading: Reading) -> dict[str, Json]:
    return blocks_of(reading.content) if isinstance(reading.content, dict) else {}


def _differences(old: Mapping[str, _Block], new: Mapping[str, _Block]) -> Iterator[AddressDifference]:
    for address in sorted(old.keys() | new.keys()):
        before, after = old.get(address), new.get(address)
        changes = _changes(before, after)
        files = before.file if before else "", after.file if after else ""
        if changes or (files[0] != files[1] and address != "version"):  # every file has a version
            yield AddressDifference(address, *files, changes)


def _changes(before: _Block | None, after: _Block | None) -> tuple[DeepChange, ...]:
    if before and after:
        return compare(before.content, after.content, _is_secret)
    if after:
        return (DeepChange("", "add", after=masked(after.content, _is_secret)),)
    return (DeepChange("", "remove", masked(before.content, _is_secret)),) if before else ()


def _is_secret(path: Path, value: Json) -> bool:
    """Whether a value is a secret in plain text: a variable in `env` whose name says so."""
    is_variable = len(path) > 1 and path[-2] == "env"
    return is_variable and isinstance(value, str) and names_a_secret(str(path[-1]))


def _secrets(value: Json, path: Path = ()) -> Iterator[str]:
    if isinstance(value, str) and _is_secret(path, value):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _secrets(each, (*path, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _secrets(each, (*path, index))

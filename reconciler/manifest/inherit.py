"""Fill in what agents and agent types take over from the block that their `extends` names. Pure.

What a block gives itself replaces what it takes over; only `env` is merged name by name, as in `defaults`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct, field

from reconciler.model.address import parse_address
from reconciler.model.diagnostic import Diagnostic

from .document import Document, mistake, suggestion
from .rules import REPEATED

_Block: TypeAlias = Mapping[str, Any]
_LONGEST = 20  # blocks that extend one another
_OWN_CONVERSATION = frozenset({"auto", "never"})  # other values of `resume` name one conversation, for one agent


class _Extendable(Struct, frozen=True):
    """One block that can be extended: what it declares and where, and its name for the user."""

    label: str
    document: Document
    path: str
    block: _Block
    workspace: str = ""
    """The workspace of an agent; empty for a template or a type."""


class _Family(Struct, frozen=True):
    """All blocks of one kind by label, and the mistakes found in their `extends`."""

    known: Mapping[str, _Extendable]
    roots: Collection[str] = frozenset()
    """Names that may be extended although no manifest declares them."""
    stand_in: _Block = {}
    """What a block gets that extends nothing usable, so that only that is a mistake."""
    implied_type: bool = False
    """Whether an agent without a `type` has its own name as its type."""
    types: Collection[str] = frozenset()
    """The agent types, which an agent names with `type`, not with `extends`."""
    mistakes: dict[str, Diagnostic] = field(default_factory=dict)


class Inherited(Struct, frozen=True):
    """The content of each document with what its blocks take over, in the order of the documents; and the mistakes."""

    contents: tuple[dict[str, Any], ...]
    mistakes: tuple[Diagnostic, ...]


def inherited(documents: Sequence[Document], contents: Sequence[_Block], builtin_types: Collection[str]) -> Inherited:
    """`contents`, the content of each of `documents`, with everything that their blocks take over."""
    pairs = list(zip(documents, contents, strict=True))
    types = _Family(dict(_named(pairs, "agent_types")), roots=frozenset(builtin_types), stand_in={"command": ["true"]})
    agents = _Family(
        dict(_agents(pairs)),
        stand_in={"type": min(builtin_types, default="")},
        implied_type=not any(_default_type(content) for content in contents),
        types={*builtin_types, *types.known},
    )
    found = tuple(_content(content, agents, types) for content in contents)
    return Inherited(found, (*agents.mistakes.values(), *types.mistakes.values()))


def _agents(pairs: Iterable[tuple[Document, _Block]]) -> Iterable[tuple[str, _Extendable]]:
    for document, content in pairs:
        for home, workspace in content.get("workspaces", {}).items():
            for name, block in workspace.get("agents", {}).items():
                label = f"agent.{home}.{name}"
                yield label, _Extendable(label, document, f"workspaces.{home}.agents.{name}", block or {}, home)
        yield from _named([(document, content)], "templates")


def _named(pairs: Iterable[tuple[Document, _Block]], section: str) -> Iterable[tuple[str, _Extendable]]:
    for document, content in pairs:
        for name, block in content.get(section, {}).items():
            label = name if section == "agent_types" else f"{section}.{name}"
            yield label, _Extendable(label, document, f"{section}.{name}", block)


def _default_type(content: _Block) -> bool:
    return "type" in content.get("defaults", {}).get("agent", {})


def _content(content: _Block, agents: _Family, types: _Family) -> dict[str, Any]:
    result = dict(content)
    if homes := content.get("workspaces"):
        result["workspaces"] = {name: _workspace(name, block, agents) for name, block in homes.items()}
    if own_types := content.get("agent_types"):
        result["agent_types"] = {name: _whole(name, block, types) for name, block in own_types.items()}
    for name, block in content.get("templates", {}).items():
        _whole(f"templates.{name}", block, agents)  # only for the mistakes in templates that no agent extends
    return result


def _workspace(home: str, block: _Block, agents: _Family) -> _Block:
    if not any(inner and "extends" in inner for inner in block.get("agents", {}).values()):
        return block
    inner = {name: _whole(f"agent.{home}.{name}", each, agents) for name, each in block["agents"].items()}
    return {**block, "agents": inner}


def _whole(label: str, block: _Block | None, family: _Family) -> _Block | None:
    return _resolved(family.known[label], family, ()) if block and "extends" in block else block


def _resolved(each: _Extendable, family: _Family, behind: tuple[str, ...]) -> _Block:
    """The block with everything that it takes over. `behind` are the labels that lead to it."""
    if "extends" not in each.block:
        return each.block
    chain = (*behind, each.label)
    wanted = each.block["extends"]
    base = _base(each, wanted, family)
    if base is None:
        if wanted not in family.roots:
            _note(family, each, f"`{each.path}` extends `{wanted}`, which is not declared", _nearest(each, family))
            return _over(family.stand_in, each.block)
        return each.block  # the agents room knows what a built-in type is
    if base.label in chain:
        circle = (*chain[chain.index(base.label) :], base.label)
        if min(circle) == base.label:
            fix = _type_meant(wanted, family) or "remove one `extends` of the cycle"
            _note(family, base, f"a cycle of `extends`: {' -> '.join(circle)}", fix)
        return _over(family.stand_in, each.block)
    if len(chain) > _LONGEST:
        _note(family, each, f"more than {_LONGEST} blocks extend one another", "extend a block nearer to the last one")
        return _over(family.stand_in, each.block)
    return _over(_taken_over(base, each, family, _resolved(base, family, chain)), each.block)


def _base(each: _Extendable, wanted: str, family: _Family) -> _Extendable | None:
    """The block that `each` extends: beside it, else a template; itself only if there is no other of that name."""
    labels = (f"agent.{each.workspace}.{wanted}", f"templates.{wanted}", wanted)
    found = [label for label in labels if label in family.known]
    others = [label for label in found if label != each.label] or [
        label for label in found if wanted not in family.roots
    ]
    return family.known[others[0]] if others else None


def _taken_over(base: _Extendable, each: _Extendable, family: _Family, whole: _Block) -> _Block:
    """What the block of `base` hands on."""
    result = dict(whole)
    if base.workspace and family.implied_type:
        result.setdefault("type", base.path.rpartition(".")[2])
    if result.get("resume", "auto") not in _OWN_CONVERSATION:
        del result["resume"]
    if base.workspace and base.workspace != each.workspace and "depends_on" in result:
        result["depends_on"] = [_absolute(base.workspace, text) for text in result["depends_on"]]
    if not REPEATED.isdisjoint(each.block):
        result = {key: value for key, value in result.items() if key not in REPEATED}
    return result


def _absolute(workspace: str, text: str) -> str:
    return text if parse_address(text) else f"agent.{workspace}.{text}"


def _over(base: _Block, own: _Block) -> _Block:
    result = {**base, **_without(own)}
    if "env" in base and "env" in own:
        result["env"] = {**base["env"], **own["env"]}
    return result


def _without(block: _Block) -> _Block:
    return {key: value for key, value in block.items() if key != "extends"}


def _note(family: _Family, each: _Extendable, summary: str, fix: str) -> None:
    family.mistakes[each.label] = mistake(summary, each.document.place(f"{each.path}.extends"), fix=fix)


def _type_meant(wanted: str, family: _Family) -> str:
    return f"for the agent type, write `type: {wanted}`" if wanted in family.types else ""


def _nearest(each: _Extendable, family: _Family) -> str:
    if fix := _type_meant(each.block["extends"], family):
        return fix
    beside = [
        known.path.rpartition(".")[2] for known in family.known.values() if known.workspace in {"", each.workspace}
    ]
    known = {*beside, *family.roots} if "." not in each.block["extends"] else set(family.known)
    others = sorted(known - {each.label, each.path.rpartition(".")[2]})
    return suggestion(each.block["extends"], others) or "declare it, or remove `extends`"

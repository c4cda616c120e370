"""Find what a short name stands for: an exact name wins, then any part of a name. Several matches are an error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from .address import Address, block_name, broker_address, parse_address, workspace_address
from .errors import UsageError
from .similar import similar

if TYPE_CHECKING:
    from .desired import Desired
    from .record import Record

_LISTED = 20
_OFFERED = 6  # names in one message


class NamedResource(Struct, frozen=True, order=True):
    """Something that a user can name: its address, and the session if it is an agent."""

    address: Address
    session: str = ""

    @property
    def full_names(self) -> tuple[str, ...]:
        """The names that always mean this one."""
        return (str(self.address), self.session) if self.session else (str(self.address),)

    @property
    def short_address(self) -> str:
        """The address without its kind, because a part of the kind would match every address."""
        return str(self.address).partition(".")[2]

    def __str__(self) -> str:
        return f"{self.address}  {self.session}".rstrip()


def everything_named(desired: Desired, record: Record) -> list[NamedResource]:
    """Everything that is declared or recorded, with the names that each has."""
    workspaces = [*desired.workspaces, *map(workspace_address, record.workspaces)]
    brokers = [*desired.brokers, *map(broker_address, record.brokers)]
    recorded = [NamedResource(row.address, row.session) for row in record.sessions.values()]
    declared = [NamedResource(spec.address, spec.session) for spec in desired.agents.values()]
    return list(dict.fromkeys([*map(NamedResource, workspaces), *map(NamedResource, brokers), *recorded, *declared]))


def the_one(name: str, known: Iterable[NamedResource], what: str = "agent") -> NamedResource:
    """The one that `name` stands for. `what` is the kind of all in the list; empty if it has several kinds.

    Raises:
        UsageError: Several match: they are listed. Or none does: similar names are offered.
    """
    everything = sorted(known)
    meant = {each.address: each for each in exactly(name, everything) or partly(name, everything)}
    match list(meant.values()):
        case [one]:
            return one
        case []:
            raise _unknown(name, everything, what)
        case more:
            raise several(name, more)


def all_of(name: str, known: Iterable[NamedResource], what: str = "agent") -> list[NamedResource]:
    """All instances of the block with `for_each` that `name` stands for; else the one. Raises as `the_one`."""
    everything = sorted(known)
    meant = exactly(name, everything)
    blocks = [{*each.address.blocks} for each in meant]
    return meant if len(meant) > 1 and set.intersection(*blocks) else [the_one(name, everything, what)]


def exactly(name: str, known: Sequence[NamedResource]) -> list[NamedResource]:
    """The one with this address or session; else those with this own name, and the agents of that workspace."""
    whole = [each for each in known if name in each.full_names or (each.address.agent and name == each.short_address)]
    whole = whole or [each for each in known if "[" in each.short_address and name in _with_dots(each)]
    if whole:
        return whole
    named = [each for each in known if name in _own_names(each.address)]
    listed = any(each.address.kind == "workspace" for each in named)
    inside = [] if listed else [each for each in known if each.address.agent and each.address.workspace == name]
    return sorted({*named, *inside})


def _own_names(address: Address) -> tuple[str, ...]:
    """The name in its workspace; for an instance also the names of the blocks that it is of."""
    name = address.agent or address.workspace
    if "[" not in name:
        return (name,)
    texts = (str(block) for block in address.blocks)
    return (name, block_name(name), *(each for text in texts for each in (text, text.partition(".")[2])))


def _with_dots(named: NamedResource) -> tuple[str, ...]:
    """The names of an instance without brackets, which a shell could take for a pattern."""
    texts = (str(named.address), named.short_address, named.address.agent or named.address.workspace)
    return tuple(text.replace("[", ".").replace("]", "") for text in texts)


def partly(name: str, known: Iterable[NamedResource]) -> list[NamedResource]:
    """Those with `name` in their workspace, agent or session."""
    return [each for each in known if name and (name in each.short_address or name in each.session)]


def several(name: str, meant: Sequence[NamedResource]) -> UsageError:
    """The error that lists all matches of `name`, one per line."""
    listed = [str(each) for each in meant[:_LISTED]]
    more = len(meant) - len(listed)
    lines = [*listed, f"and {more} more"] if more else listed
    return UsageError(f"{name} matches {len(meant)} names", detail="\n".join(lines), fix="type more of the name")


def nearest(name: str, names: Iterable[str]) -> str:
    """What to type in place of an unknown name: those that are spelled alike, or else what there is."""
    known = sorted(names)
    if close := similar(name, known, 3):
        return f"did you mean {' or '.join(close)}?"
    if not known:
        return "nothing is declared or recorded here; `reconciler init` writes a manifest"
    more = f" and {len(known) - _OFFERED} more" if len(known) > _OFFERED else ""
    return f"there are: {', '.join(known[:_OFFERED])}{more}"


def _unknown(name: str, known: Sequence[NamedResource], what: str) -> UsageError:
    if not name:
        return UsageError("the name is empty", fix="`reconciler status` lists all agents")
    address = parse_address(name)
    if what and address and address.kind != what:
        article = "an" if what == "agent" else "a"
        return UsageError(f"{name} is not {article} {what}", fix=_instead(address, known))
    names = [each for one in known for each in one.full_names]
    if what == "agent" and not similar(name, names):
        return UsageError(f"there is no agent {name}", fix="`reconciler status` lists all agents")
    return UsageError(f"there is no {what} {name}" if what else f"there is no {name}", fix=nearest(name, names))


def _instead(address: Address, known: Sequence[NamedResource]) -> str:
    """What to type in place of an address of another kind."""
    if address.kind == "broker":
        return "`reconciler broker -h` lists the commands for brokers"
    if address.kind == "agent":
        return f"name its workspace: {address.workspace}"
    agents = [str(each.address) for each in known if each.address.workspace == address.workspace]
    return f"name an agent in it: {agents[0]}" if agents else "`reconciler status` lists all agents"

"""What a short name stands for: an exact name wins, any part of one will do, and several are never guessed among."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from .address import Address
from .errors import UsageError
from .similar import similar

_LISTED = 20


class Named(Struct, frozen=True, order=True):
    """What a name may stand for: its address, and the session of an agent."""

    address: Address
    session: str = ""

    @property
    def full_names(self) -> tuple[str, ...]:
        """What always means this one."""
        return (str(self.address), self.session) if self.session else (str(self.address),)

    @property
    def short_address(self) -> str:
        """The address without its kind: a part of that kind would be a part of every address."""
        return str(self.address).partition(".")[2]

    def __str__(self) -> str:
        return f"{self.address}  {self.session}".rstrip()


def the_one(name: str, known: Iterable[Named], what: str = "agent") -> Named:
    """The one that `name` stands for. Raises UsageError that lists them when there are several, or offers the nearest.

    `what` is what the list has: `agent`, `workspace`; nothing where it has several kinds.
    """
    everything = sorted(known)
    meant = {each.address: each for each in exactly(name, everything) or partly(name, everything)}
    match list(meant.values()):
        case [one]:
            return one
        case []:
            called = f"{what} {name}" if what else name
            raise UsageError(f"there is no {called}", fix=_nearest(name, everything))
        case more:
            raise several(name, more)


def exactly(name: str, known: Sequence[Named]) -> list[Named]:
    """The one whose address or session it is, else those whose own name it is, and the agents of that workspace."""
    whole = [each for each in known if name in each.full_names or (each.address.agent and name == each.short_address)]
    if whole:
        return whole
    named = [each for each in known if name == (each.address.agent or each.address.workspace)]
    listed = any(each.address.kind == "workspace" for each in named)
    inside = [] if listed else [each for each in known if each.address.agent and each.address.workspace == name]
    return sorted({*named, *inside})


def partly(name: str, known: Iterable[Named]) -> list[Named]:
    """Those whose workspace, agent or session has `name` in it."""
    return [each for each in known if name and (name in each.short_address or name in each.session)]


def several(name: str, meant: Sequence[Named]) -> UsageError:
    """The error that lists all that `name` may stand for, one a line."""
    listed = [str(each) for each in meant[:_LISTED]]
    more = len(meant) - len(listed)
    lines = [*listed, f"and {more} more"] if more else listed
    return UsageError(f"{name} matches {len(meant)} names", detail="\n".join(lines), fix="type more of the name")


def _nearest(name: str, known: Iterable[Named]) -> str:
    names = [each for one in known for each in one.full_names]
    close = similar(name, names, 3)
    return f"did you mean {' or '.join(close)}?" if close else "`reconciler status` lists all agents"

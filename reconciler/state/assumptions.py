"""List everything that was assumed about an older registry, with its place in the file. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.adoption import Assumption, LeftAlone, OlderShape
from reconciler.model.diagnostic import Diagnostic, Place, Severity
from reconciler.text.characters import decoded

from .older import OlderRegistry, Taken
from .places import Places
from .registry import StoredRegistry

WAY_OUT = "`reconciler adopt --write` completes the file"
# The summary of each kind of warning, for one place and for several; `{n}` is the count.
_SUMMARIES = {
    OlderShape.ID_ONLY_IN_ROW: (
        "1 conversation is recorded only in the row of its session",
        "{n} conversations are recorded only in the rows of their sessions",
    ),
    OlderShape.IDENTITIES_AT_TOP: (
        "1 conversation is recorded at the top level, under an agent's name without a workspace",
        "{n} conversations are recorded at the top level, under agents' names without workspaces",
    ),
    OlderShape.ID_AS_TEXT: (
        "1 conversation is recorded as a string instead of a mapping or list",
        "{n} conversations are recorded as strings instead of mappings or lists",
    ),
    OlderShape.NAME_ONLY: (
        "1 row has no workspace or agent; they are taken from the session's name",
        "{n} rows have no workspace or agent; they are taken from the sessions' names",
    ),
    OlderShape.STATUS_IS_TEXT: (
        "1 status is not one of running, stopped, terminated, archived",
        "{n} statuses are not one of running, stopped, terminated, archived",
    ),
    OlderShape.NO_STATUS: ("1 row has no `status`", "{n} rows have no `status`"),
    OlderShape.LIST_OF_SESSIONS: ("`sessions` is a list instead of a mapping",) * 2,
    OlderShape.NUMBER_AS_TEXT: ("1 number is written in quotes", "{n} numbers are written in quotes"),
    OlderShape.FLAG_AS_TEXT: (
        "1 true or false is written as a string",
        "{n} true or false values are written as strings",
    ),
    OlderShape.TEXT_AS_NUMBER: ("1 string is written without quotes", "{n} strings are written without quotes"),
    OlderShape.FOREIGN_KEY: (
        "1 key has a value of another tool, which is ignored",
        "{n} keys have values of other tools, which are ignored",
    ),
}


def assumptions(stored: StoredRegistry, file: str) -> tuple[Assumption, ...]:
    """Everything that had to be assumed to read the registry; `file` is its name for the user."""
    if stored.older is None:
        return ()
    places, older = _places(stored), stored.older
    return tuple(_assumption(each, older, places, file) for each in older.taken)


def left_alone(stored: StoredRegistry, file: str) -> tuple[LeftAlone, ...]:
    """The rows and conversations that cannot be interpreted. They stay in the file and have no effect."""
    if stored.older is None:
        return ()
    places, older = _places(stored), stored.older
    return tuple(
        LeftAlone(".".join(each.path), each.why, _fix(each.path), _place(older, each.path, places, file))
        for each in older.left
    )


def warnings(stored: StoredRegistry, file: str) -> Iterator[Diagnostic]:
    """One warning for each kind of older form, with the place of its first occurrence."""
    if stored.older is None:
        return
    places, kinds = _places(stored), _by_kind(stored.older)
    for shape, found in kinds.items():
        one, several = _SUMMARIES[shape]
        first = _assumption(found[0], stored.older, places, file)
        summary = one if len(found) == 1 else several.format(n=len(found))
        detail = f"{'first: ' * (len(found) > 1)}{first.subject}: {first.found} -> {first.assumed}"
        yield Diagnostic(severity=Severity.WARNING, summary=summary, detail=detail, fix=WAY_OUT, place=first.place)
    if stored.older.left:
        yield _left_warning(left_alone(stored, file))


def _left_warning(left: tuple[LeftAlone, ...]) -> Diagnostic:
    several = f"{len(left)} entries of the registry are" if len(left) > 1 else "1 entry of the registry is"
    first = left[0]
    return Diagnostic(
        severity=Severity.WARNING,
        summary=f"{several} left alone",
        detail=f"{first.what}: {first.why}",
        fix=first.fix,
        place=first.place,
    )


def _by_kind(older: OlderRegistry) -> dict[OlderShape, list[Taken]]:
    kinds: dict[OlderShape, list[Taken]] = {}
    for each in older.taken:
        kinds.setdefault(each.shape, []).append(each)
    return kinds


def _assumption(taken: Taken, older: OlderRegistry, places: Places, file: str) -> Assumption:
    place = _place(older, taken.path, places, file)
    return Assumption(taken.shape, ".".join(taken.path), taken.found, taken.assumed, place)


def _place(older: OlderRegistry, path: tuple[str, ...], places: Places, file: str) -> Place:
    return Place(file, *places.of(older.in_file(path)))


def _fix(path: tuple[str, ...]) -> str:
    if path[0] == "sessions":
        return "write `workspace` and `agent` into the row"
    return "move it to `agent_identities` of the agent's workspace"


def _places(stored: StoredRegistry) -> Places:
    return Places(decoded(stored.text).replace("\r\n", "\n"))

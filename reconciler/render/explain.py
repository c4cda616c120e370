"""Explain why an address will change, or why it will not: the JSON document, and its text."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from reconciler.model.action import Reason

from .documents import FORMAT_VERSION
from .documents.change import ResourceChangeDoc
from .documents.common import DiagnosticDoc
from .documents.explanation import ExplanationDoc, SourceDoc
from .documents.plan import PlanDoc
from .subject import AddressView
from .text import diagnostic_text, fields_text, heading

_GONE = "No manifest declares it any more"
WHY: Mapping[Reason, str] = {
    Reason.NONE: "It matches its manifest block.",
    Reason.DECLARED: "A manifest declares it, and it does not exist yet.",
    Reason.SESSION_GONE: "The registry says it was started, but its tmux session is gone.",
    Reason.AGENT_EXITED: "Its session still exists, but the agent in it has exited.",
    Reason.SPEC_CHANGED: "Its manifest block changed since it was started or made.",
    Reason.LABEL_CHANGED: "A label in its manifest block changed. Only the registry is written.",
    Reason.SESSION_RENAMED: "Its session has another name than in its manifest block. The agent keeps running.",
    Reason.STATE_CHANGED: "Its manifest block asks for another state than it is in.",
    Reason.UNRECORDED: "It runs with this project's tags, but the registry has no row for it.",
    Reason.REQUESTED: "You requested it on the command line.",
    Reason.NOT_DECLARED: f"{_GONE}.",
    Reason.KEPT_DIRTY: f"{_GONE}. Its worktree is kept because it has uncommitted files.",
    Reason.KEPT_UNPUSHED: f"{_GONE}. Its worktree is kept because it has commits that exist nowhere else.",
    Reason.KEPT_NOT_EMPTY: f"{_GONE}. Its folder is kept because it is not empty.",
    Reason.KEPT_NOT_OURS: f"{_GONE}. Its folder is kept because reconciler did not make it.",
    Reason.KEPT_IN_USE: f"{_GONE}, but it is kept because an agent still works in it.",
    Reason.BY_HAND: "A command stopped or archived it. It stays so until `resume`, whatever its manifest block says.",
    Reason.PROTECTED: f"{_GONE}, but it is kept because the registry says that it is protected.",
    Reason.BUSY: "It would have to be interrupted, but it is busy.",
    Reason.WAITING: "It would have to be interrupted, but it waits at a permission prompt.",
    Reason.STATE_UNKNOWN: "It would have to be interrupted, but reconciler cannot tell whether it is busy.",
    Reason.AMBIGUOUS: "reconciler cannot tell which of the stored conversations is its own.",
    Reason.ELSEWHERE: "A process outside its session uses its conversation. A second process in it could damage it.",
    Reason.MISSING: "Its stored conversation is missing from the disk. A start would replace it with a new one.",
    Reason.MOVED: "Its conversation began in another folder, and its CLI may not find it from the agent's new folder.",
    Reason.GUEST: "It shares its session with something else, so the session cannot be ended and made again.",
    Reason.UNCERTAIN: f"{_GONE}. Its worktree is kept because git could not tell whether the work in it is saved.",
    Reason.NOT_RUNNING: "Its files match the settings, but its process is not running.",
    Reason.MADE_BY_HAND: "Its folder has a Mosquitto that was made by hand. reconciler takes it over.",
    Reason.EDITED: "Its files were changed by hand after reconciler wrote them.",
    Reason.WITHHELD: "An error stops reconciler from changing it. Nothing is done until the error is fixed.",
}
_AT_REST = "No manifest declares it, and it is not running: there is nothing to do."
_ONLY_WATCHED = "This project has no manifest, so reconciler only compares its registry row with what runs."
_RESTS = "It is not running, as its manifest block says."
_NOT_COMPARED = "It could not be compared, so nothing is done about it (see the messages below)."

_APPLY = "`reconciler apply` does this"
_COMMITTED = "commit or push the work in it; then `reconciler apply` removes it"
NEXT: Mapping[Reason, tuple[str, ...]] = {
    Reason.NONE: ("edit its manifest block, then run `reconciler plan`",),
    Reason.DECLARED: (_APPLY, "remove its manifest block if you do not want it"),
    Reason.SESSION_GONE: (_APPLY, "`reconciler stop {session}` stops it until you resume it"),
    Reason.AGENT_EXITED: (_APPLY, "`reconciler stop {session}` stops it until you resume it"),
    Reason.SPEC_CHANGED: (_APPLY, "undo the edit of its manifest block"),
    Reason.LABEL_CHANGED: (_APPLY, "undo the edit of its manifest block"),
    Reason.SESSION_RENAMED: (_APPLY, "rename the session back, or change `role` in its manifest block"),
    Reason.STATE_CHANGED: (_APPLY, "change `state` in its manifest block"),
    Reason.UNRECORDED: (_APPLY,),
    Reason.REQUESTED: ("run the command without the option",),
    Reason.NOT_DECLARED: (_APPLY, "declare it again", "`reconciler apply --exclude {address}` leaves it alone for now"),
    Reason.KEPT_DIRTY: (_COMMITTED, "declare it again"),
    Reason.KEPT_UNPUSHED: (_COMMITTED, "declare it again"),
    Reason.KEPT_NOT_EMPTY: ("empty the folder; then `reconciler apply` removes it", "declare it again"),
    Reason.KEPT_NOT_OURS: ("remove the folder by hand", "declare it again"),
    Reason.KEPT_IN_USE: ("stop the agents in it, or declare it again",),
    Reason.BY_HAND: ("`reconciler resume {session}` starts it again",),
    Reason.PROTECTED: (
        "declare it again",
        "to end it: declare it with `protect: false`, apply, then remove the block and apply again",
    ),
    Reason.BUSY: ("wait until it is idle, then run `reconciler apply`", "`reconciler apply --force` interrupts it"),
    Reason.WAITING: ("run `reconciler attach {session}` and answer", "`reconciler apply --force` interrupts it"),
    Reason.STATE_UNKNOWN: ("run `reconciler attach {session}` and look", "`reconciler apply --force` interrupts it"),
    Reason.AMBIGUOUS: (
        "`reconciler conversations {workspace}` lists what is stored",
        "`reconciler resume {session} --session-id ID` chooses one of them",
        "`reconciler resume {session} --fresh` starts a new one",
    ),
    Reason.ELSEWHERE: ("end that process, then run `reconciler apply`",),
    Reason.MISSING: (
        "restore the file (mount the disk that it is on), then run `reconciler apply`",
        "`reconciler resume {session} --session-id ID` continues another conversation",
        "`reconciler resume {session} --fresh` starts a new one",
    ),
    Reason.MOVED: (
        "move the folder back, then run `reconciler apply`",
        "stop the agent, then `reconciler resume {session} --fresh` starts a new conversation",
        "`reconciler apply --force` tries anyway",
    ),
    Reason.GUEST: ("`reconciler stop {session}`, then `reconciler resume {session}` starts it in its own session",),
    Reason.UNCERTAIN: ("run `git status` in its folder", "declare it again"),
    Reason.NOT_RUNNING: (_APPLY, "`reconciler broker run` starts it by hand"),
    Reason.MADE_BY_HAND: (_APPLY, "set another `dir` for the broker to make a new one beside it"),
    Reason.EDITED: (_APPLY, "put the changes you want to keep into its manifest block first"),
    Reason.WITHHELD: (),
}
_DECLARE = (
    "write a manifest with `reconciler init` and declare it there",
    "`reconciler refresh` updates the registry",
)
_RUNNING = (
    "`reconciler stop {session}` stops it until you resume it",
    "`reconciler apply --replace {address}` restarts it",
)


def explanation_document(plan: PlanDoc, subject: AddressView) -> ExplanationDoc:
    """The document of `explain --json`, made from the document of the plan."""
    name = str(subject.address)
    change = next((each for each in plan["resource_changes"] if each["address"] == name), None)
    said = [each for each in plan["diagnostics"] if _is_about(each, name, compared=change is not None)]
    reason, watched = Reason(change["reason"] if change else ""), plan["options"]["mode"] == "refresh-only"
    ways = _DECLARE if watched else (*NEXT[reason], *_more(change, subject))
    return {
        "format_version": FORMAT_VERSION,
        "address": name,
        "kind": subject.address.kind,
        "session": subject.session or None,
        "why": _why(change, subject, said, _ONLY_WATCHED if watched else _AT_REST),
        "change": change,
        "declared": subject.declared,
        "recorded": subject.recorded,
        "live": subject.live,
        "drift": list(subject.drift),
        "diagnostics": said,
        "next": [_filled(way, subject) for way in ways],
    }


def _is_about(diagnostic: DiagnosticDoc, name: str, *, compared: bool) -> bool:
    """Whether it is about `name`; if the address was not compared, a diagnostic about the whole project counts, too."""
    return diagnostic["address"] == name or (not compared and not diagnostic["address"])


def _why(change: ResourceChangeDoc | None, subject: AddressView, said: list[DiagnosticDoc], nothing: str) -> str:
    if change is None:
        return _NOT_COMPARED if any(each["severity"] != "warning" for each in said) else nothing
    if change["reason"]:
        return WHY[Reason(change["reason"])]
    if subject.declared is None:
        return _AT_REST
    state = subject.declared["facts"].get("state", "running")
    return WHY[Reason.NONE] if state == "running" else _RESTS


def _more(change: ResourceChangeDoc | None, subject: AddressView) -> tuple[str, ...]:
    """What the user can do with an agent that runs and matches its manifest block."""
    runs = subject.declared is not None and subject.declared["facts"].get("state") == "running"
    return _RUNNING if runs and change and not change["reason"] else ()


def _filled(way: str, subject: AddressView) -> str:
    return way.format(address=subject.address, session=subject.session, workspace=subject.address.workspace)


# --- text -------------------------------------------------------------------------------------


_LONGEST_FACT = 100  # characters; a longer list is cut, unless the user asks for all of it
_LONGEST_WORD = 32


def explanation_text(document: ExplanationDoc, *, full: bool = False) -> Iterator[str]:
    """A heading, the reason, what each source says, the differences, and what would change the outcome.

    Long lists are cut unless `full`.
    """
    change = document["change"]
    acted_on = change is not None and change["reason"] != Reason.WITHHELD
    yield f"# {document['address']} {heading(change) if change and acted_on else 'is left alone'}"
    yield ""
    yield f"{document['why']}{_code(change)}"
    yield from _noted(change)
    yield from _source_text("declared", document["declared"], "in no manifest", full=full)
    yield from _source_text("recorded", document["recorded"], "not in the registry", full=full)
    yield from _source_text("live", document["live"], "", full=full)
    yield from _differences(change)
    yield from _section("drift", (f"{each['class']}  {each['message']}" for each in document["drift"]))
    yield from _section("what would change this", document["next"])
    for diagnostic in document["diagnostics"]:
        yield ""
        yield from diagnostic_text(diagnostic)


def _code(change: ResourceChangeDoc | None) -> str:
    return f" ({change['reason']})" if change and change["reason"] else ""


def _noted(change: ResourceChangeDoc | None) -> Iterator[str]:
    if change and change["note"]:
        yield f"{change['note'][:1].upper()}{change['note'][1:]}."


def _source_text(name: str, found: SourceDoc | None, otherwise: str, *, full: bool) -> Iterator[str]:
    if found is None:
        yield from ("", f"{name}: {otherwise}")
        return
    place = ":".join(str(part) for part in (found["file"], found["line"], found["column"]) if part)
    width = max(map(len, found["facts"]), default=0)
    facts = (f"{key:<{width}}  {_fact(value, full=full)}" for key, value in found["facts"].items())
    yield from _section(f"{name} in {place}" if place else name, facts)


def _fact(value: object, *, full: bool) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            words = [str(each) for each in value]
            return _listed(words) if full or len(_listed(words)) <= _LONGEST_FACT else _beginning(words)
        case _:
            return str(value)


def _listed(words: list[str]) -> str:
    return shlex.join(words) if all(" (" not in word for word in words) else ", ".join(words)


def _beginning(words: list[str]) -> str:
    """The first words of a long list, each cut, and how many there are."""
    short = [word if len(word) <= _LONGEST_WORD else f"{word[:_LONGEST_WORD]}..." for word in words]
    count = len(short)
    while count > 1 and len(_listed(short[:count])) > _LONGEST_FACT:
        count -= 1
    more = f" and {len(words) - count} more" if count < len(words) else ""
    return f"{_listed(short[:count])}{more} (cut; --full shows all)"


def _differences(change: ResourceChangeDoc | None) -> Iterator[str]:
    fields = [each for each in change["changes"] if each["path"] != "artifact"] if change else []
    yield from _section("what differs", fields_text(fields, indent=""))
    steps = change["steps"] if change else []
    yield from _section("what apply does", (f"{step['do']}: {step['target']}" for step in steps))


def _section(title: str, lines: Iterator[str] | list[str]) -> Iterator[str]:
    indented = [f"  {line}" for line in lines]
    if indented:
        yield from ("", f"{title}:", *indented)

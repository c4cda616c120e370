"""Why something is planned for one address, or nothing is: the JSON document, and the sentences made from it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping

from reconciler.model.action import Reason

from .documents.change import ResourceChangeDoc
from .documents.common import FORMAT_VERSION, DiagnosticDoc
from .documents.explanation import ExplanationDoc, SourceDoc
from .documents.plan import PlanDoc
from .subject import AddressView
from .text import diagnostic_text, fields_text, heading

_GONE = "No manifest declares it any more"
WHY: Mapping[Reason, str] = {
    Reason.NONE: "It is as its manifest block says.",
    Reason.DECLARED: "A manifest declares it, and it is not there yet.",
    Reason.SESSION_GONE: "The registry knows it as started, and tmux has no session of it any more.",
    Reason.AGENT_EXITED: "Its session is there, and the agent in it has ended.",
    Reason.SPEC_CHANGED: "Its manifest block says something else than it was made with.",
    Reason.LABEL_CHANGED: "A label in its manifest block changed: only the registry is written.",
    Reason.SESSION_RENAMED: "Its session has another name than its manifest block gives it. The agent goes on.",
    Reason.STATE_CHANGED: "Its manifest block wants it in another state than it is in.",
    Reason.UNRECORDED: "It runs and carries our tags, and the registry has no row for it.",
    Reason.REQUESTED: "The command line asks for it.",
    Reason.NOT_DECLARED: f"{_GONE}.",
    Reason.KEPT_DIRTY: f"{_GONE}. Its worktree stays: files in it are not committed.",
    Reason.KEPT_UNPUSHED: f"{_GONE}. Its worktree stays: commits in it are nowhere else.",
    Reason.KEPT_NOT_EMPTY: f"{_GONE}. Its folder stays: something is in it.",
    Reason.KEPT_NOT_OURS: f"{_GONE}. Its folder stays: reconciler did not make it.",
    Reason.KEPT_IN_USE: f"{_GONE}, and an agent that stays still works in it.",
    Reason.BY_HAND: "A command put it to rest. It rests until `resume`, whatever its manifest block says.",
    Reason.PROTECTED: f"{_GONE}, and the registry remembers that it is protected.",
    Reason.BUSY: "It would have to be interrupted, and it is busy.",
    Reason.WAITING: "It would have to be interrupted, and it waits at a permission prompt.",
    Reason.STATE_UNKNOWN: "It would have to be interrupted, and nothing shows whether it is at work.",
    Reason.AMBIGUOUS: "Conversations are stored that may be its own, and nothing proves which one is.",
    Reason.ELSEWHERE: "A living process outside its session has its conversation. Two in one would mix it up.",
    Reason.MISSING: "Its conversation was stored once, and is not on disk now. A new one would take its place.",
    Reason.MOVED: "Its conversation began in another folder, and its CLI may not find it from the present one.",
    Reason.GUEST: "Its session is not its own alone, so it cannot be ended and made again with it.",
    Reason.UNCERTAIN: f"{_GONE}. Its worktree stays: git could not tell whether the work in it is saved.",
    Reason.NOT_RUNNING: "Its files are in order, and its process does not run.",
    Reason.MADE_BY_HAND: "Its folder has a Mosquitto that was made by hand: reconciler takes it over.",
    Reason.EDITED: "Its files were changed by hand since they were written.",
    Reason.WITHHELD: "Something is in the way, and nothing is done about it until that is settled.",
}
_AT_REST = "No manifest declares it, and it is at rest: there is nothing to do."
_ONLY_WATCHED = "There is no manifest, so nothing is done about it: its row in the registry is compared with what runs."
_RESTS = "It rests, as its manifest block says."
_NOT_COMPARED = "It could not be compared, so nothing is done about it."

_APPLY = "`reconciler apply` does this"
_COMMITTED = "commit or push what is in it: `reconciler apply` removes it then"
NEXT: Mapping[Reason, tuple[str, ...]] = {
    Reason.NONE: ("edit its manifest block, then `reconciler plan`",),
    Reason.DECLARED: (_APPLY, "remove its manifest block, if it is not wanted"),
    Reason.SESSION_GONE: (_APPLY, "`reconciler stop {session}` lets it rest"),
    Reason.AGENT_EXITED: (_APPLY, "`reconciler stop {session}` lets it rest"),
    Reason.SPEC_CHANGED: (_APPLY, "take the edit of its manifest block back"),
    Reason.LABEL_CHANGED: (_APPLY, "take the edit of its manifest block back"),
    Reason.SESSION_RENAMED: (_APPLY, "give the session its name back, or change `role` in its manifest block"),
    Reason.STATE_CHANGED: (_APPLY, "change `state` in its manifest block"),
    Reason.UNRECORDED: (_APPLY,),
    Reason.REQUESTED: ("leave the option out",),
    Reason.NOT_DECLARED: (_APPLY, "declare it again", "`reconciler apply --exclude {address}` leaves it for now"),
    Reason.KEPT_DIRTY: (_COMMITTED, "declare it again"),
    Reason.KEPT_UNPUSHED: (_COMMITTED, "declare it again"),
    Reason.KEPT_NOT_EMPTY: ("empty the folder: `reconciler apply` removes it then", "declare it again"),
    Reason.KEPT_NOT_OURS: ("remove the folder by hand", "declare it again"),
    Reason.KEPT_IN_USE: ("end the agents in it, or declare it again",),
    Reason.BY_HAND: ("`reconciler resume {session}` brings it back",),
    Reason.PROTECTED: (
        "declare it again",
        "declare it with `protect: false`, apply, remove the block: it ends",
    ),
    Reason.BUSY: ("wait until it is idle, then `reconciler apply`", "`reconciler apply --force` interrupts it"),
    Reason.WAITING: ("`reconciler attach {session}` and answer", "`reconciler apply --force` interrupts it"),
    Reason.STATE_UNKNOWN: ("`reconciler attach {session}` and look", "`reconciler apply --force` interrupts it"),
    Reason.AMBIGUOUS: (
        "`reconciler conversations {workspace}` lists what is stored",
        "`reconciler resume {session} --session-id ID` says which one is its own",
        "`reconciler resume {session} --fresh` begins a new one",
    ),
    Reason.ELSEWHERE: ("end that process, then `reconciler apply`",),
    Reason.MISSING: (
        "put the file back (mount the disk that it is on), then `reconciler apply`",
        "`reconciler resume {session} --session-id ID` goes on in another conversation",
        "`reconciler resume {session} --fresh` begins a new one",
    ),
    Reason.MOVED: (
        "move the folder back, then `reconciler apply`",
        "`reconciler resume {session} --fresh` begins a new conversation, once the agent is stopped",
        "`reconciler apply --force` tries it all the same",
    ),
    Reason.GUEST: ("`reconciler stop {session}` ends it where it is, then `reconciler resume {session}`",),
    Reason.UNCERTAIN: ("see what `git status` says in its folder", "declare it again"),
    Reason.NOT_RUNNING: (_APPLY, "`reconciler broker run` starts it by hand"),
    Reason.MADE_BY_HAND: (_APPLY, "give `broker` another `dir`, to have a new broker beside that one"),
    Reason.EDITED: (_APPLY, "put what was meant into its manifest block first"),
    Reason.WITHHELD: (),
}
_DECLARE = (
    "write a manifest with `reconciler init`, and declare it there",
    "`reconciler refresh` writes what is found",
)
_RUNNING = (
    "`reconciler stop {session}` lets it rest",
    "`reconciler apply --replace {address}` restarts it although nothing changed",
)


def explanation_document(plan: PlanDoc, subject: AddressView) -> ExplanationDoc:
    """The document of `explain --json`, from that of the plan."""
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
    """Also what is said of no address, where that is why there was no comparison."""
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
    """What can be done about an agent that runs as it should."""
    runs = subject.declared is not None and subject.declared["facts"].get("state") == "running"
    return _RUNNING if runs and change and not change["reason"] else ()


def _filled(way: str, subject: AddressView) -> str:
    return way.format(address=subject.address, session=subject.session, workspace=subject.address.workspace)


# --- text -------------------------------------------------------------------------------------


def explanation_text(document: ExplanationDoc) -> Iterator[str]:
    """A heading, the reason, what each source says, what differs, and what would change it."""
    change = document["change"]
    acted_on = change is not None and change["reason"] != Reason.WITHHELD
    yield f"# {document['address']} {heading(change) if change and acted_on else 'is left alone'}"
    yield ""
    yield f"{document['why']}{_code(change)}"
    yield from _noted(change)
    yield from _source_text("declared", document["declared"], "in no manifest")
    yield from _source_text("recorded", document["recorded"], "not in the registry")
    yield from _source_text("live", document["live"], "")
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


def _source_text(name: str, found: SourceDoc | None, otherwise: str) -> Iterator[str]:
    if found is None:
        yield from ("", f"{name}: {otherwise}")
        return
    place = ":".join(str(part) for part in (found["file"], found["line"], found["column"]) if part)
    width = max(map(len, found["facts"]), default=0)
    facts = (f"{key:<{width}}  {_fact(value)}" for key, value in found["facts"].items())
    yield from _section(f"{name} in {place}" if place else name, facts)


def _fact(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            words = [str(each) for each in value]
            return shlex.join(words) if all(" (" not in word for word in words) else ", ".join(words)
        case _:
            return str(value)


def _differences(change: ResourceChangeDoc | None) -> Iterator[str]:
    fields = [each for each in change["changes"] if each["path"] != "artifact"] if change else []
    yield from _section("what differs", fields_text(fields, indent=""))
    steps = change["steps"] if change else []
    yield from _section("what apply does", (f"{step['do']}: {step['target']}" for step in steps))


def _section(title: str, lines: Iterator[str] | list[str]) -> Iterator[str]:
    told = [f"  {line}" for line in lines]
    if told:
        yield from ("", f"{title}:", *told)

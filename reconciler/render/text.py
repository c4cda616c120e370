"""A plan as text, in Terraform's words and symbols, made only from the JSON document.

A line that begins with one of the symbols gets its colour from `terminal`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from .deep import lists_text, more_text

if TYPE_CHECKING:
    from .documents.change import ChangeDoc, ConversationDoc, DeepChangeDoc, ResourceChangeDoc
    from .documents.common import DiagnosticDoc
    from .documents.drift import AcceptedDoc, DriftDoc
    from .documents.plan import PlanDoc, SummaryDoc

_SHORT_ID = 8
_MOST_ITEMS = 20
_LONGEST_LISTS = 200  # characters; two lists that are longer together are shown by their number of differences
_OPERATIONS = {"add": "+", "remove": "-", "replace": "~", "move": "~"}
_SYMBOLS = {
    ("create",): "+",
    ("resume",): "+",
    ("update",): "~",
    ("delete", "create"): "-/+",
    ("delete",): "-",
    ("import",): "+",
    ("forget",): ".",
    ("defer",): "!",
}
_LEGEND = {
    "+": "create",
    "~": "update in-place",
    "-": "destroy",
    "-/+": "destroy and then create replacement",
    ".": "forget",
    "!": "deferred",
}
_HEADINGS = {
    ("create",): "will be created",
    ("update",): "will be updated in-place",
    ("delete", "create"): "must be replaced",
    ("delete",): "will be destroyed",
    ("import",): "will be imported",
    ("forget",): "will no longer be managed",
    ("defer",): "is deferred",
    ("no-op",): "is unchanged",
}
_REASONS = {
    "session_gone": "its session is gone",
    "agent_exited": "the agent has exited",
    "spec_changed": "its manifest block changed",
    "session_renamed": "its session is renamed, the agent keeps running",
    "unrecorded": "it runs and is managed by this project, but the registry has no row for it",
    "not_declared": "no manifest declares it",
    "not_running": "it is not running",
    "busy": "try again when it is idle, or use --force; with stop: --now",
    "waiting_for_permission": "attach and answer it, or use --force; with stop: --now",
    "state_unknown": "attach and look, or use --force; with stop: --now",
}


def plan_text(document: PlanDoc, *, full: bool = False) -> Iterator[str]:
    """The lines of a plan; unless `full`, unchanged addresses share one line."""
    changes = document["resource_changes"]
    pending = [change for change in changes if change["actions"] != ["no-op"]]
    listed = set() if full else {change["address"] for change in pending}
    news = (*document["resource_drift"], *document.get("learned", ()))
    yield from _drift_text(drift for drift in news if drift["address"] not in listed)
    if document["accepted"]:
        yield from accepted_text(document["accepted"])
        yield ""
    if pending:
        yield from _legend(pending)
        for change in pending:
            yield from change_text(change, full=full)
    yield from _unchanged_text([change for change in changes if change["actions"] == ["no-op"]], full=full)
    yield from _unmanaged_text(document)
    yield from _diagnostics(document["diagnostics"])
    yield _last_line(document)


def _last_line(document: PlanDoc) -> str:
    errors = [diagnostic for diagnostic in document["diagnostics"] if diagnostic["severity"] != "warning"]
    if errors:
        settled = "the error above is" if len(errors) == 1 else f"the {len(errors)} errors above are"
        until = f"until {settled} fixed."
        if _is_done_in_part(document, {error["address"] for error in errors}):
            return f"{plan_summary(document['summary'])} The deferred actions wait {until}"
        return f"{plan_summary(document['summary'])} Nothing can be applied {until}"
    if any(document["summary"].values()):
        return plan_summary(document["summary"])
    if document["options"]["mode"] == "refresh-only" and (document["resource_drift"] or document.get("learned")):
        return "Applying this plan writes these findings into the registry and changes nothing else."
    if document["options"]["mode"] == "destroy":
        return "No changes. There is nothing left to destroy."
    matched = "the manifests" if document["manifest_digest"] else "the registry"
    return f"No changes. Sessions and folders match {matched}."


def _is_done_in_part(document: PlanDoc, wrong: Collection[str]) -> bool:
    """Whether each error only holds back its own address, and something else can still be done."""
    pending = [change for change in document["resource_changes"] if change["actions"] != ["no-op"]]
    put_off = {change["address"] for change in pending if change["reason"] == "withheld"}
    return put_off.issuperset(wrong) and len(put_off) < len(pending)


def can_all_be_done(document: PlanDoc) -> bool:
    """Whether nothing in the plan is put off, and it has no error. A warning prevents nothing."""
    errors = [each for each in document["diagnostics"] if each["severity"] != "warning"]
    return not errors and not any(each["actions"] == ["defer"] for each in document["resource_changes"])


def before_deeds_text(document: PlanDoc, state: str) -> Iterator[str]:
    """What a command that names its agents shows in place of its plan: the warnings, and what is done already."""
    yield from _diagnostics(document["diagnostics"])
    agents = [each["address"].partition(".")[2] for each in document["resource_changes"] if each["kind"] == "agent"]
    if all(each["actions"] == ["no-op"] for each in document["resource_changes"]):
        yield f"No changes: {', '.join(agents)} {'is' if len(agents) == 1 else 'are'} already {state}."


def plan_summary(summary: SummaryDoc) -> str:
    """The summary line of a plan, in the format that other programs parse."""
    imported = f"{summary['import']} to import, " if summary["import"] else ""
    forgotten = f", {summary['forget']} to forget" if summary["forget"] else ""
    deferred = f", {summary['deferred']} deferred" if summary["deferred"] else ""
    counts = f"{summary['add']} to add, {summary['change']} to change, {summary['destroy']} to destroy"
    return f"Plan: {imported}{counts}{forgotten}{deferred}.{_resumes(summary['resume'])}"


def _resumes(count: int) -> str:
    if not count:
        return ""
    return " (1 conversation resumes)" if count == 1 else f" ({count} conversations resume)"


def apply_summary(counts: Mapping[str, int], *, destroyed_all: bool) -> str:
    """The last line of an apply that did everything it was asked to do."""
    if destroyed_all:
        return f"Destroy complete! Resources: {counts['destroyed']} destroyed."
    imported = f"{counts['imported']} imported, " if counts["imported"] else ""
    return (
        f"Apply complete! Resources: {imported}{counts['added']} added, "
        f"{counts['changed']} changed, {counts['destroyed']} destroyed."
    )


# --- sections ---------------------------------------------------------------------------------


def _drift_text(drifts: Iterable[DriftDoc]) -> Iterator[str]:
    messages = [f"  # {drift['message']} [{drift['class']}]" for drift in drifts]
    if messages:
        yield "Note: sessions or files have changed outside of reconciler since the last apply"
        yield ""
        yield from messages
        yield ""


def accepted_text(accepted: Iterable[AcceptedDoc]) -> Iterator[str]:
    """One line per accepted drift, with its last day, its owner and the reason."""
    yield "Accepted drift:"
    for each in accepted:
        drift = each["drift"]
        yield f"  # {drift['message']} [{drift['class']}] (until {each['until']}, {each['owner']}: {each['why']})"


def _legend(pending: Iterable[ResourceChangeDoc]) -> Iterator[str]:
    yield from symbols_text(pending)
    yield ""
    yield "reconciler will perform the following actions:"
    yield ""


def symbols_text(changes: Iterable[ResourceChangeDoc]) -> Iterator[str]:
    """What the symbols of these changes mean."""
    used = {_symbol(change) for change in changes}
    yield "Actions are indicated with the following symbols:"
    yield from (f"{symbol:>3} {meaning}" for symbol, meaning in _LEGEND.items() if symbol in used)


def _symbol(change: ResourceChangeDoc) -> str:
    return _SYMBOLS[tuple(change["actions"])]


def change_text(change: ResourceChangeDoc, *, full: bool = False) -> Iterator[str]:
    """What happens to one address, the reason, and the differences."""
    yield f"  # {change['address']} {heading(change)}"
    if because := why(change):
        yield f"  # ({because})"
    yield from change_body(change, full=full)
    yield ""


def change_body(change: ResourceChangeDoc, *, full: bool = False) -> Iterator[str]:
    """The differences, the files that are deleted, and if `full` the steps; these lines have no tense."""
    yield from _fields(change, _symbol(change), full=full)
    yield from _artifacts(change)
    if full:
        yield from _details(change)


def why(change: ResourceChangeDoc) -> str:
    """The note, the reason if it adds something to the note, and the conversation it waits for."""
    reason = "" if change["note"] and change["reason"] == "agent_exited" else _REASONS.get(change["reason"], "")
    before = change.get("after", [])[-1:]
    waits = f"starts once the conversation of {before[0]} is known" if before else ""
    return "; ".join(part for part in (change["note"], reason, waits) if part)


def _details(change: ResourceChangeDoc) -> Iterator[str]:
    conversation = change["conversation"]
    if conversation:
        yield f"      # conversation: {conversation['id'] or 'chosen at the start'} ({conversation['mode']})"
    yield from (f"      # {step['do']}: {step['target']}" for step in change["steps"])


def heading(change: ResourceChangeDoc) -> str:
    """What happens to an address, in Terraform's wording."""
    conversation = change["conversation"]
    if change["actions"] == ["resume"] and conversation:
        return f"will be resumed (conversation {short_id(conversation['id'])})"
    if change["reason"] == "made_by_hand":
        return "will be taken over"
    words = _HEADINGS[tuple(change["actions"])]
    if conversation is None or change["actions"] == ["defer"]:
        return words
    if change["actions"] == ["create"] and change["reason"] in {"session_gone", "agent_exited"}:
        return f"will be started fresh ({_fresh(conversation)})"
    return f"{words} ({_fresh(conversation)})" if change["actions"] != ["create"] else words


def short_id(conversation: str | None) -> str:
    """The first characters of an id, enough to recognise it; `--full` and the JSON document have all of it."""
    text = conversation or ""
    return text if len(text) <= _SHORT_ID else f"{text[:_SHORT_ID]}..."


def _fresh(conversation: ConversationDoc) -> str:
    match conversation["mode"]:
        case "resume":
            return f"resumes conversation {short_id(conversation['id'])}"
        case "fresh_new_id":
            return "its conversation holds nothing to resume; a new one starts"
        case "none":
            return "its type keeps no conversation"
        case _:
            return "no conversation yet"


def _fields(change: ResourceChangeDoc, symbol: str, *, full: bool) -> Iterator[str]:
    """One line with the name when the whole resource is added or removed; else a line for each difference."""
    fields = [field for field in change["changes"] if field["path"] != "artifact"]
    if not full and fields and change["actions"] in (["create"], ["resume"], ["delete"]):
        yield f"{symbol:>3} {_headline(change)}"
        return
    yield f"{symbol:>3} {change['session'] or change['address']}"
    yield from fields_text(fields)


def fields_text(fields: Collection[ChangeDoc], indent: str = "      ") -> Iterator[str]:
    """One line per difference; for lists, one per item that differs."""
    rows = [row for field in fields for row in _rows(field)]
    width = max((len(path) for _, path, _ in rows), default=0)
    yield from (f"{indent}{symbol} {path:<{width}} = {value}" for symbol, path, value in rows)


def _artifacts(change: ResourceChangeDoc) -> Iterator[str]:
    """The deleted files of a conversation, always listed in full: path, size and last use."""
    for field in change["changes"]:
        if field["path"] == "artifact":
            stored = field["before"]
            yield f"      - {stored['path']} ({size_text(stored['size'])}, last used {stored['last_used'] or 'never'})"


def size_text(size: int) -> str:
    """Bytes, in the largest unit that fits."""
    return f"{size / 1024:.0f} KiB" if size >= 1024 else f"{size} B"


def _headline(change: ResourceChangeDoc) -> str:
    values = {
        field["path"]: field["before"] if field["op"] == "remove" else field["after"] for field in change["changes"]
    }
    if change["kind"] == "workspace":
        branch = f" (worktree of {values['git.repo']}, branch {values['git.branch']})" if "git.repo" in values else ""
        return f"{values['path']}{branch}"
    if change["kind"] == "broker" and "host" not in values:
        return str(change["address"])
    if change["kind"] == "broker":
        users = ", ".join(path.removeprefix("users.") for path in values if path.startswith("users."))
        return f"{values['host']}:{values['port']} in {values['dir']} (users {users})"
    return f"{change['session']} ({values['type']} in {values['cwd']})" if "cwd" in values else str(change["session"])


def _rows(field: ChangeDoc) -> Iterator[tuple[str, str, str]]:
    """Symbol, path and value of a difference, or of the items that differ; at most of the first ones."""
    items = field.get("items", [])
    if not items or _is_short(field):
        yield _row(field)
        return
    shown = len(items) if len(items) <= _MOST_ITEMS + 1 else _MOST_ITEMS
    yield from (_row(item) for item in items[:shown])
    if len(items) > shown:
        yield "~", field["path"], more_text(len(items) - shown)


def _is_short(field: ChangeDoc) -> bool:
    """Whether a list is added or removed as a whole, so that its items need no lines of their own."""
    return [] in (field["before"], field["after"]) and len(_value([field["before"], field["after"]])) <= _LONGEST_LISTS


def _row(field: ChangeDoc | DeepChangeDoc) -> tuple[str, str, str]:
    """Symbol, path and value of one difference, without sensitive values."""
    symbol = _OPERATIONS[field["op"]]
    if field["sensitive"]:
        return symbol, field["path"], "(sensitive value)"
    match field["op"]:
        case "add":
            return symbol, field["path"], _value(field["after"])
        case "remove":
            return symbol, field["path"], f"{_value(field['before'])} -> null"
        case "move":
            return symbol, field["path"], f"{_value(field['after'])} (was {field.get('from', '')})"
        case "replace":
            return symbol, field["path"], _both(field["before"], field["after"])


def _both(before: object, after: object) -> str:
    text = f"{_value(before)} -> {_value(after)}"
    if isinstance(before, list) and isinstance(after, list) and len(text) > _LONGEST_LISTS:
        return lists_text(before, after)
    return text


def _value(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _unchanged_text(still: list[ResourceChangeDoc], *, full: bool) -> Iterator[str]:
    """The addresses that are left as they are: unchanged, or left alone because of an error that is printed below."""
    withheld = [each for each in still if each["reason"] == "withheld"]
    unchanged = [each for each in still if each["reason"] != "withheld"]
    if full:
        yield from (f"    {each['address']} is unchanged{_in_brackets(each['note'])}" for each in unchanged)
    else:
        yield from (f"  # {each['address']}: {each['note']}" for each in unchanged if each["reason"])
        yield from ([f"{counted(unchanged)} unchanged."] if unchanged else [])
    if withheld:
        yield f"{counted(withheld)} left alone (see the errors below)."
    if still:
        yield ""


def _in_brackets(note: str) -> str:
    return f" ({note})" if note else ""


def counted(changes: list[ResourceChangeDoc]) -> str:
    """How many there are of each kind: `1 workspace and 3 agents`."""
    kinds = [change["kind"] for change in changes]
    counts = [(kinds.count(kind), kind) for kind in ("workspace", "broker", "agent") if kind in kinds]
    *before, last = (f"{number} {kind}{'s' if number != 1 else ''}" for number, kind in counts)
    return f"{', '.join(before)} and {last}" if before else last


def _unmanaged_text(document: PlanDoc) -> Iterator[str]:
    names = [session["session"] for session in document["unmanaged"]]
    if names:
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        yield f"In no manifest: {shown}. (`reconciler unmanaged` lists them, `reconciler import` adopts one)"
        yield ""


def _diagnostics(diagnostics: Iterable[DiagnosticDoc]) -> Iterator[str]:
    for diagnostic in diagnostics:
        yield from diagnostic_text(diagnostic)
        yield ""


def diagnostic_text(diagnostic: DiagnosticDoc) -> Iterator[str]:
    """What is wrong, where, and what to do."""
    word = "Warning" if diagnostic["severity"] == "warning" else "Error"
    yield f"{word}: {diagnostic['summary']}"
    place = ":".join(str(part) for part in (diagnostic["file"], diagnostic["line"], diagnostic["column"]) if part)
    yield from (f"  {line}" for line in (place, diagnostic["detail"]) if line)
    if diagnostic["fix"]:
        yield f"  -> {diagnostic['fix']}"

"""What `adopt` would do: the JSON document, and its text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from msgspec import Struct

from reconciler import __version__
from reconciler.model.address import broker_address, workspace_address
from reconciler.model.adoption import LeftAlone
from reconciler.model.adoption_plan import AdoptedAgent, AdoptionPlan
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.record import RowEdit, Section

from .document import diagnostic_document
from .documents import FORMAT_VERSION
from .documents.adopt import (
    AdoptedAgentDoc,
    AdoptedBrokerDoc,
    AdoptedManifestDoc,
    AdoptionDoc,
    CompletedRowDoc,
    LeftAloneDoc,
)
from .documents.event import EventDoc
from .text import diagnostic_text, short_id


class WrittenManifest(Struct, frozen=True):
    """A manifest that is written: its path as shown to the user, and the text that is added."""

    file: str
    is_new: bool
    text: str


class AdoptionFrame(Struct, frozen=True):
    """The parts of the document outside of the plan: the sources, and the files that are written."""

    sources: tuple[str, ...]
    registry: str
    manifests: tuple[WrittenManifest, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def adoption_document(plan: AdoptionPlan, frame: AdoptionFrame) -> AdoptionDoc:
    """The document of `adopt --json`; the same plan always gives the same document."""
    agents = [_agent(agent) for agent in plan.agents]
    rows = _rows(plan)
    return {
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "sources": list(frame.sources),
        "workspaces": [
            {"address": str(workspace_address(space.name)), "path": space.path}
            for space in plan.workspaces
            if not space.declared
        ],
        "agents": agents,
        "agent_types": [{"name": kind.name, "command": list(kind.command)} for kind in plan.types],
        "brokers": _brokers(plan),
        "manifests": [_manifest(each) for each in frame.manifests],
        "registry": frame.registry,
        "rows": rows,
        "files": [{"file": each.path, "line": each.line, "why": each.why, "does": each.does} for each in plan.secured],
        "left_alone": [_left_alone(each) for each in plan.left_alone],
        "diagnostics": [diagnostic_document(each) for each in frame.diagnostics],
        "summary": {
            "declare": sum("declare" in agent["actions"] for agent in agents) + bool(plan.broker),
            "take_over": sum("import" in agent["actions"] for agent in agents),
            "complete": len(rows),
            "secure": len(plan.secured),
            "left_alone": len(plan.left_alone),
        },
    }


def _agent(agent: AdoptedAgent) -> AdoptedAgentDoc:
    declare: list[Literal["declare", "import"]] = [] if agent.declared else ["declare"]
    found = agent.found
    return {
        "address": str(agent.address),
        "actions": [*declare, "import"] if agent.takes_over else declare,
        "session": agent.session,
        "takes_over": agent.takes_over,
        "type": found.type,
        "role": found.role,
        "state": found.state.value,
        "path": found.path,
        "live": found.live,
        "sources": list(agent.sources),
        "conversation": agent.conversation or None,
        "known_by": agent.known_by,
        "previous": list(agent.previous),
        "notes": [*agent.comments, *agent.notes],
    }


def _rows(plan: AdoptionPlan) -> list[CompletedRowDoc]:
    """The rows that an older tool wrote, and the rows that get another name or folder."""
    completed: list[CompletedRowDoc] = [{"row": row.name, "how": list(row.how), "line": row.line} for row in plan.rows]
    known = {row["row"]: row for row in completed}
    for edit in plan.edits:
        name, how = f"{edit.section.value}.{edit.name}", list(_said(edit))
        if not how:
            continue
        if name in known:
            known[name]["how"] = how if edit.remove else [*_others(known[name]["how"], how), *how]
        else:
            known[name] = {"row": name, "how": how, "line": 0}
            completed.append(known[name])
    return completed


def _others(before: Iterable[str], after: Iterable[str]) -> Iterator[str]:
    """The sentences about fields that the later sentences do not mention."""
    proved = {each.partition(": ")[0] for each in after}
    yield from (each for each in before if each.partition(": ")[0] not in proved)


def _said(edit: RowEdit) -> Iterator[str]:
    """The sentences about one edit of a row."""
    if edit.remove:
        yield "removed: its agents are in another workspace"
        return
    if edit.rename_to and edit.rename_to != edit.name:
        yield f"called {edit.rename_to}"
    if edit.section is not Section.WORKSPACES:
        if "type" in edit.fields and not edit.rename_to:
            yield f"type: {edit.fields['type']}"
        return
    if edit.fields.get("path"):
        yield f"path: {edit.fields['path']}"
    identities = edit.fields.get("agent_identities")
    for agent, identity in identities.items() if isinstance(identities, dict) else ():
        held = identity.get("session_id") if isinstance(identity, dict) else None
        if held:
            yield f"agent_identities.{agent}: {held}"


def _brokers(plan: AdoptionPlan) -> list[AdoptedBrokerDoc]:
    if not plan.broker:
        return []
    name, directory = str(plan.broker.get("name") or "main"), str(plan.broker.get("dir") or "")
    return [{"address": str(broker_address(name)), "dir": directory, "notes": list(plan.broker_notes)}]


def _manifest(written: WrittenManifest) -> AdoptedManifestDoc:
    change: Literal["create", "update"] = "create" if written.is_new else "update"
    return {"file": written.file, "change": change, "added": written.text.strip("\n").splitlines()}


def _left_alone(left: LeftAlone) -> LeftAloneDoc:
    file, line = (left.place.file, left.place.line) if left.place else ("", 0)
    return {"what": left.what, "why": left.why, "fix": left.fix, "file": file, "line": line}


# --- text -------------------------------------------------------------------------------------


def adoption_text(document: AdoptionDoc, *, full: bool = False) -> Iterator[str]:
    """The lines of the plan; with `full`, also the text that is added to the manifests."""
    yield f"Looked at: {', '.join(document['sources'])}."
    yield ""
    if changes_something(document):
        yield from _legend(document)
    yield from _workspaces(document)
    for agent in document["agents"]:
        if agent["actions"]:
            yield from _agent_text(agent)
    yield from _other_blocks(document)
    yield from _completed(document)
    yield from _secured(document)
    if full:
        yield from _manifest_text(document)
    yield from _settled(document)
    yield from _alone(document["left_alone"])
    for diagnostic in document["diagnostics"]:
        yield from diagnostic_text(diagnostic)
        yield ""
    yield summary_line(document)


def changes_something(document: AdoptionDoc) -> bool:
    """Whether `adopt` has anything to do."""
    summary = document["summary"]
    return any((summary["declare"], summary["take_over"], summary["complete"], summary["secure"]))


def _legend(document: AdoptionDoc) -> Iterator[str]:
    yield "Actions are indicated with the following symbols:"
    if document["manifests"] or document["summary"]["take_over"]:
        yield "  + declare in a manifest, or take over what runs"
    if document["rows"] or document["files"]:
        yield "  ~ complete or make safe"
    yield ""
    yield "reconciler will perform the following actions:"
    yield ""


def _workspaces(document: AdoptionDoc) -> Iterator[str]:
    for space in document["workspaces"]:
        yield f"  # {space['address']} will be declared"
        yield f"  + {space['path']}"
        yield ""


def _agent_text(agent: AdoptedAgentDoc) -> Iterator[str]:
    yield f"  # {agent['address']} {_heading(agent)}"
    yield from (f"  # ({why})" for why in _because(agent))
    name = agent["session"]
    if agent["takes_over"] and agent["takes_over"] != name:
        name = f"{agent['takes_over']} -> {name}"
    yield f"  + {name} ({agent['type']} in {agent['path']})"
    yield ""


def _heading(agent: AdoptedAgentDoc) -> str:
    imported = f"will be imported{_conversation(agent)}"
    if agent["actions"] == ["import"]:
        return imported
    if agent["takes_over"]:
        return f"will be declared, its session {imported}"
    state = "" if agent["state"] == "running" else f", {agent['state']}"
    return f"will be declared{state}{_conversation(agent)}"


def _conversation(agent: AdoptedAgentDoc) -> str:
    return f" (conversation {short_id(agent['conversation'])})" if agent["conversation"] else ""


def _because(agent: AdoptedAgentDoc) -> Iterator[str]:
    found = f"found in {' and '.join(agent['sources'])}"
    unknown = "its conversation is not known"
    yield f"{found}; {agent['known_by'] or unknown}"
    yield from agent["notes"]


def _other_blocks(document: AdoptionDoc) -> Iterator[str]:
    for kind in document["agent_types"]:
        yield f"  # agent_types.{kind['name']} will be declared"
        yield "  # (reconciler does not know this type: check its block, which has the command that was found)"
        yield f"  + {kind['name']}: {' '.join(kind['command'])}"
        yield ""
    for broker in document["brokers"]:
        yield f"  # {broker['address']} will be declared"
        yield from (f"  # ({note})" for note in broker["notes"])
        yield f"  + {broker['dir']}"
        yield ""


def _completed(document: AdoptionDoc) -> Iterator[str]:
    if not document["rows"]:
        return
    yield f"  # {document['registry']} will be completed"
    for row in document["rows"]:
        yield f"  ~ {row['row']}" + (f" (line {row['line']})" if row["line"] else "")
        yield from (f"      {how}" for how in row["how"])
    yield ""


def _secured(document: AdoptionDoc) -> Iterator[str]:
    for file in document["files"]:
        place = f"{file['file']}:{file['line']}" if file["line"] else file["file"]
        yield f"  # {place} will be made safe"
        yield f"  # ({file['why']})"
        yield f"  ~ {file['does']}"
        yield ""


def _manifest_text(document: AdoptionDoc) -> Iterator[str]:
    for manifest in document["manifests"]:
        verb = "will be created" if manifest["change"] == "create" else "gets these blocks"
        yield f"  # {manifest['file']} {verb}"
        yield from (f"      {line}" for line in manifest["added"])
        yield ""


def _settled(document: AdoptionDoc) -> Iterator[str]:
    settled = sum(not agent["actions"] for agent in document["agents"])
    if settled:
        yield f"{settled} agent{'s are' if settled > 1 else ' is'} already declared."
        yield ""


def _alone(left: Iterable[LeftAloneDoc]) -> Iterator[str]:
    listed = list(left)
    if listed:
        yield "Left alone:"
    for each in listed:
        place = ":".join(str(part) for part in (each["file"], each["line"]) if part)
        yield f"  {each['what']}: {each['why']}{f' ({place})' if each['line'] else ''}"
        yield from ([f"    -> {each['fix']}"] if each["fix"] else [])
    if listed:
        yield ""


def summary_line(document: AdoptionDoc) -> str:
    """The last line of the plan."""
    summary = document["summary"]
    alone = f", {summary['left_alone']} left alone" if summary["left_alone"] else ""
    if not changes_something(document):
        return f"No changes. There is nothing to adopt{alone}."
    counts = (
        f"{summary['declare']} to declare, {summary['take_over']} to import, {summary['complete']} to complete, "
        f"{summary['secure']} to make safe"
    )
    return f"Plan: {counts}{alone}."


# --- what came of it --------------------------------------------------------------------------


def file_text(line: EventDoc) -> Iterator[str]:
    """The sentence about a file that was written, or could not be written."""
    said = line.get("message", "")
    if line["type"] == "file_failed":
        yield f"{line.get('file', '')}: Failed: {said}"
        return
    kept = line.get("kept", "")
    yield f"{line.get('file', '')}: {said.capitalize()}" + (f" (a copy of what it was: {kept})" if kept else "")


def adopted_text(done: Sequence[str], remaining: Sequence[str]) -> Iterator[str]:
    """The result of the whole command."""
    yield ""
    if not remaining:
        yield f"Adopt complete! {', '.join(done)}."
        return
    yield f"Adopt incomplete: {', '.join(done)}. Not done: {', '.join(remaining)}."
    yield "Run `reconciler adopt --write` again to do the rest."

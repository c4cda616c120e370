"""What a command did to an agent that it names, and the command that brings back the state from before.

A command is only named when it does bring that state back. So none is named for an agent that was lost before, or
whose manifest had edits that were never applied: going back to an earlier generation would lose them.
"""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote

from reconciler.app.plan import generations
from reconciler.app.plan.prepared import Prepared
from reconciler.model.action import Action
from reconciler.model.desired import RunState
from reconciler.model.event import ActionDone, ActionEvent
from reconciler.model.observed import Present
from reconciler.model.record import SessionRow, Status
from reconciler.model.step import StopSession
from reconciler.render.documents.event import Deed, DeedDoc
from reconciler.state.generations import numbers

_DEEDS: Mapping[RunState, Deed] = {
    RunState.STOPPED: "stopped",
    RunState.ARCHIVED: "archived",
    RunState.RUNNING: "resumed",
}
_BACK_TO_REST = {Status.STOPPED: "stop", Status.ARCHIVED: "archive"}


def deed_of(event: ActionEvent, action: Action, prepared: Prepared) -> DeedDoc | None:
    """What the command did to this agent by name; None for all that a manifest asked for, and what was not done."""
    request = prepared.planned.request
    if not isinstance(event, ActionDone) or action.address.kind != "agent":
        return None
    address = action.address
    name = f"{address.workspace}.{address.agent}"
    word = quote(name)  # a shell could take the brackets of an instance for a pattern
    if request.operation == "restart":
        return {"name": name, "deed": "restarted", "undo": None}
    if address in request.states:
        return {"name": name, "deed": _DEEDS[request.states[address]], "undo": _change_back(word, action, prepared)}
    if address in request.deletes:
        return {"name": name, "deed": "deleted", "undo": _back(prepared)}
    if request.operation == "create" and address in request.targets:
        return {"name": name, "deed": "created", "undo": _remove(word, address.workspace, prepared)}
    return None


def _change_back(name: str, action: Action, prepared: Prepared) -> str | None:
    """The command that undoes `stop`, `archive` or `resume`."""
    planned, address = prepared.planned, action.address
    if address not in planned.loaded.desired.agents or not planned.sources:
        return None  # without a manifest, nothing can start it again
    row = next((row for row in planned.stored.record.sessions.values() if row.address == address), None)
    if planned.request.states[address] is RunState.RUNNING:
        return _rest_again(name, action, row, prepared)
    if any(isinstance(step, StopSession) for step in action.steps):
        return f"reconciler resume {name}"
    return _to_rest(name, row)


def _to_rest(name: str, row: SessionRow | None) -> str | None:
    return f"reconciler {_BACK_TO_REST[row.status]} {name}" if row and row.status in _BACK_TO_REST else None


def _rest_again(name: str, action: Action, row: SessionRow | None, prepared: Prepared) -> str | None:
    """The command that undoes `resume`: at rest as before, and for another conversation, in the earlier one."""
    back = _to_rest(name, row)
    if back is None or action.address not in prepared.planned.request.conversations:
        return back
    record = prepared.planned.stored.record
    earlier = record.identity(action.address, row).session_id
    stored = prepared.planned.snapshot.artifacts.get(action.address)
    if not earlier or not isinstance(stored, Present):
        return None
    return f"reconciler stop {name} && reconciler resume {name} --session-id {earlier} && {back}"


def _remove(name: str, workspace: str, prepared: Prepared) -> str | None:
    """The command that undoes `create`. `delete` leaves a new workspace declared: its manifest goes back, too."""
    if workspace in prepared.planned.stored.record.workspaces:
        return f"reconciler delete {name}"
    back = _back(prepared)
    return f"reconciler delete {name} && {back}" if back else None


def _back(prepared: Prepared) -> str | None:
    """The command that goes back to the generation before this one, if the manifests were as it left them."""
    if prepared.planned.request.purge:
        return None
    earlier = numbers(prepared.at.generations)[:-1]  # the last one is what is being done now
    if not earlier or not generations.left_as_now(prepared.at, prepared.planned, earlier[-1]):
        return None
    return f"reconciler rollback {earlier[-1]}"

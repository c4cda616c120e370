"""The forms that change something. Each is allowed by the user, and made for the browser that sends it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from reconciler.agents.permission import Answer
from reconciler.app.board.service import AgentKey, key_of
from reconciler.model.errors import ReconcilerError, Refused
from reconciler.render.board_words import name_of
from reconciler.render.documents.board import BoardRow

from .door import client_of, refused, too_often
from .permission import WebPermission
from .rate import key_of as rate_key_of
from .reading import not_allowed
from .requests import Refusal
from .runs import Deed, Task
from .site import Site, agent_url
from .visits import expect_own, form_of

_PATIENCE = 1.5  # seconds for which a form waits for its action, before its page shows how far it is


class Order(Struct, frozen=True):
    """An action that a form asks for."""

    deed: Deed
    task: Task


Fields = Mapping[str, str]
_ForAgent = Callable[[Site, BoardRow, Fields], Order]


async def answer(site: Site, request: Request) -> Response:
    """Answer exactly the dialog that was shown."""
    return await _about_agent(site, request, WebPermission.ANSWER, _answer)


async def send(site: Site, request: Request) -> Response:
    """Send a prompt."""
    return await _about_agent(site, request, WebPermission.SEND, _send)


async def stop(site: Site, request: Request) -> Response:
    """Stop an agent that is not in use."""
    return await _about_agent(site, request, WebPermission.STOP, _stop)


async def resume(site: Site, request: Request) -> Response:
    """Start an agent again in its conversation."""
    return await _about_agent(site, request, WebPermission.RESUME, _resume)


async def apply(site: Site, request: Request) -> Response:
    """Carry out exactly the plan that was shown under the digest."""
    fields = await _own_fields(site, request, WebPermission.APPLY)
    if isinstance(fields, Response):
        return fields
    place, digest = request.path_params["project"], fields.get("digest", "")
    project, shown = await site.project(request), site.plans.get((place, digest))
    back = f"/plan/{place}"
    if project is None or shown is None:
        error = Refused("no plan with this digest was shown since the server started", fix="look at the plan again")
        return site.wrong(request, HTTPStatus.CONFLICT, error, back)
    key = AgentKey(project["folder"], "", project["registry"])
    deed = Deed(
        what="apply",
        title=f"Apply the plan of {project['project']}",
        key=key,
        detail=f"digest {digest}",
        back=back,
    )
    return await _carry_out(site, request, Order(deed, lambda tell: site.service.apply(key, shown, tell)))


def _answer(site: Site, row: BoardRow, fields: Fields) -> Order:
    key, id_ = key_of(row), fields.get("request", "")
    choice = Answer(fields.get("choice", ""))
    deed = _deed(row, "answer", "Approve" if choice is Answer.APPROVE else "Deny", f"{choice} request {id_[:64]}")
    return Order(deed, lambda _tell: site.service.answer(key, id_, choice))


def _send(site: Site, row: BoardRow, fields: Fields) -> Order:
    key, text = key_of(row), fields.get("text", "").replace("\r\n", "\n")
    if not text.strip():
        raise ValueError("there is nothing to send")
    return Order(_deed(row, "send", "Send to", f"{len(text)} characters"), lambda _tell: site.service.send(key, text))


def _stop(site: Site, row: BoardRow, _fields: Fields) -> Order:
    key = key_of(row)
    return Order(_deed(row, "stop", "Stop", ""), lambda tell: site.service.stop(key, tell))


def _resume(site: Site, row: BoardRow, _fields: Fields) -> Order:
    key = key_of(row)
    return Order(_deed(row, "resume", "Resume", ""), lambda tell: site.service.resume(key, tell))


def _deed(row: BoardRow, what: str, verb: str, detail: str) -> Deed:
    key, name = key_of(row), name_of(row, typed=True)
    return Deed(what=what, title=f"{verb} {name}", key=key, detail=detail, back=agent_url("agent", key))


# --- what they share --------------------------------------------------------------------------


async def _about_agent(site: Site, request: Request, permission: WebPermission, ordered: _ForAgent) -> Response:
    fields = await _own_fields(site, request, permission)
    if isinstance(fields, Response):
        return fields
    row = await site.row(request)
    if row is None:
        return site.no_agent(request)
    try:
        order = ordered(site, row, fields)
    except ValueError as error:
        return site.wrong(request, HTTPStatus.BAD_REQUEST, f"{error}", agent_url("agent", key_of(row)))
    return await _carry_out(site, request, order)


async def _own_fields(site: Site, request: Request, permission: WebPermission) -> Fields | Response:
    """The fields of a form of ours that may be sent; else the response that says why it may not."""
    if not site.allows(permission):
        return site.wrong(request, HTTPStatus.FORBIDDEN, not_allowed(site, permission))
    if wait := site.limits.changing.wait_for(rate_key_of(client_of(request.scope))):
        return refused(too_often(wait))
    fields = await form_of(request)
    if isinstance(fields, Refusal):
        return refused(fields)
    foreign = expect_own(site.jar.secret(request), fields)
    return refused(foreign) if foreign else fields


async def _carry_out(site: Site, request: Request, order: Order) -> Response:
    """Begin, and lead to the page of the action: a form that is loaded again must not be sent again."""
    try:
        run = await site.runs.begin(site.jar.visitor(request), order.deed, order.task, _PATIENCE)
    except ReconcilerError as error:
        return site.wrong(request, HTTPStatus.INTERNAL_SERVER_ERROR, error, order.deed.back)
    return RedirectResponse(f"/action/{run.id}", HTTPStatus.SEE_OTHER)

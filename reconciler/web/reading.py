"""The pages that only look."""

from __future__ import annotations

from http import HTTPStatus

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse

from reconciler.app.board.service import AgentKey, key_of
from reconciler.model.errors import ReconcilerError
from reconciler.model.harmless import harmless
from reconciler.render.board_words import age_of, branch_of, job_of, nothing_of, says_of, tokens_of
from reconciler.render.diff import diff_text
from reconciler.render.documents.last import LastDoc
from reconciler.render.terminal import line_style
from reconciler.render.text import plan_text

from .feed import MOST_STREAMS
from .lines import LineMaker, about
from .permission import WebPermission
from .screens import screen_html
from .site import MOST_PLANS, Site, agent_url
from .threads import in_thread

_NO_PLAN = (["no-op"], ["defer"])
_REFRESH = 15  # seconds; for browsers without script


async def board(site: Site, request: Request) -> Response:
    """All agents, those that need the user first."""
    document = await site.feed.document()
    if document is None:
        return site.html(request, "waiting.html", title="reconciler", refresh=2)
    wanted = request.query_params.get("q", "")
    shown = LineMaker(can_answer=site.allows(WebPermission.ANSWER)).board(document, site.settings.now(), wanted)
    return site.html(
        request,
        "board.html",
        title=shown.title,
        board=shown,
        wanted=wanted,
        nothing=nothing_of(document),
        without_script=_REFRESH,
    )


async def events(site: Site, request: Request) -> Response:
    """The board as a stream of what changed."""
    if request.method == "HEAD":
        return Response(media_type="text/event-stream")
    if site.feed.streams >= MOST_STREAMS:
        return PlainTextResponse("Too many open pages.\n", HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "30"})
    stream = site.feed.stream(request.query_params.get("q", ""), lambda: site.jar.browser(request) is not None)
    return StreamingResponse(stream, media_type="text/event-stream")


async def agent(site: Site, request: Request) -> Response:
    """One agent: its state, its screen, its last messages, what it changed, and what can be done with it."""
    row = await site.row(request)
    if row is None:
        return site.no_agent(request)
    key = key_of(row)
    values: dict[str, object] = {
        "age": age_of(row, site.settings.now()),
        "says": says_of(row, with_job=False) if row["group"] in {"needs_you", "trouble"} else "",
        "branch": branch_of(row),
        "tokens": tokens_of(row),
        "job": job_of(row),
        "alive": row["live"] == "alive",
        "waits": row["waits_for"] == "permission",
        "screen": await _screen(site, key),
        "messages": await _messages(site, key),
        "changes": await _changes(site, key),
    }
    told = about(row, several=site.feed.several)
    return site.html(
        request, "agent.html", HTTPStatus.OK, title=told["name"], without_script=_REFRESH, **told, **values
    )


async def screen(site: Site, request: Request) -> Response:
    """The screen of an agent, alone."""
    row = await site.row(request)
    if row is None:
        return PlainTextResponse("There is no such agent.\n", HTTPStatus.NOT_FOUND)
    return HTMLResponse(await _screen(site, key_of(row)))


async def dialog(site: Site, request: Request) -> Response:
    """The whole dialog that an agent shows, with the request under which it can be answered."""
    row = await site.row(request)
    if row is None:
        return site.no_agent(request)
    key = key_of(row)
    back = agent_url("agent", key)
    if not site.allows(WebPermission.ANSWER):
        return site.wrong(request, HTTPStatus.FORBIDDEN, not_allowed(site, WebPermission.ANSWER), back)
    try:
        found = await in_thread(lambda: site.service.dialog(key))
    except ReconcilerError as error:
        return site.wrong(request, HTTPStatus.CONFLICT, error, back)
    values: dict[str, object] = {
        "lines": found.lines,
        "request_id": found.request,
        "job": found.job,
        "back": back,
    }
    told = about(row, several=site.feed.several)
    return site.html(request, "dialog.html", HTTPStatus.OK, title=f"{told['name']} asks", **told, **values)


async def plan(site: Site, request: Request) -> Response:
    """What an apply would do, with the digest under which it can be applied."""
    project, place = await site.project(request), request.path_params["project"]
    if project is None:
        return site.wrong(request, HTTPStatus.NOT_FOUND, "There is no such project on the board any more.")
    try:
        found = await in_thread(lambda: site.service.plan(AgentKey(project["folder"], "", project["registry"])))
    except ReconcilerError as error:
        return site.wrong(request, HTTPStatus.CONFLICT, error)
    if len(site.plans) >= MOST_PLANS:
        del site.plans[next(iter(site.plans))]
    site.plans[place, found["digest"]] = found
    return site.html(
        request,
        "plan.html",
        title=f"Plan of {project['project']}",
        folder=project["folder"],
        place=place,
        digest=found["digest"],
        lines=[(line, line_style(line)) for line in plan_text(found)],
        changes=any(each["actions"] not in _NO_PLAN for each in found["resource_changes"]),
        errors=any(each["severity"] != "warning" for each in found["diagnostics"]),
    )


async def action(site: Site, request: Request) -> Response:
    """What became of an action, or how far it is."""
    run = site.runs.find(request.path_params["id"])
    if run is None:
        return site.wrong(request, HTTPStatus.NOT_FOUND, "This action is of a server that has ended; see the log.")
    result = run.result if run.ended.is_set() else None
    return site.html(
        request,
        "action.html",
        title=run.deed.title,
        done=result.done if result else None,
        lines=list(result.lines if result else run.lines),
        back=run.deed.back,
        refresh=0 if result else 1,
    )


async def here(site: Site, request: Request) -> Response:
    """About this browser: notifications, how to install the page, how to leave."""
    certificate = site.settings.certificate
    return site.html(
        request,
        "here.html",
        title="This browser",
        browser=site.jar.browser(request),
        ca=certificate.ca_fingerprint if certificate else "",
        local=site.settings.bind.is_local,
        permitted=sorted(site.settings.allowed),
    )


def not_allowed(site: Site, permission: WebPermission) -> str:
    """What to type to allow a sort of action."""
    return f"This page may not do that. Start the server with: {site.settings.place.command} --allow {permission}"


async def _screen(site: Site, key: AgentKey) -> Markup:
    try:
        return screen_html(await site.screens.screen(key))
    except ReconcilerError as error:
        return escape(f"({harmless(error.summary)})")


async def _messages(site: Site, key: AgentKey) -> LastDoc | str:
    try:
        return await in_thread(lambda: site.service.last(key))
    except ReconcilerError as error:
        return error.summary


async def _changes(site: Site, key: AgentKey) -> list[str]:
    try:
        found = await in_thread(lambda: site.service.diff(key))
    except ReconcilerError as error:
        return [error.summary]
    return list(diff_text(found, stat=True))

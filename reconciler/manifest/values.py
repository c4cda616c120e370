"""What `accept`, `budget` and `jobs` say in manifests, and their rules that a shape cannot express."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date

from reconciler.model.address import HOST_PATTERN, HOST_PREFIX
from reconciler.model.desired import Accept, Agent, Budget, JobBackend, JobSettings, Workspace
from reconciler.model.diagnostic import Diagnostic, Place

from .document import ManifestContext, mistake
from .expand import absolute, budget
from .merge import Block

_MOST_TOKENS = 1 << 53
_MOST_DOLLARS = 1e9
_LOGIN_FILES = ("password_file", "ca_certs", "certfile", "keyfile")
_LOCAL_JOBS = JobSettings()


def accepts(blocks: Iterable[Block]) -> tuple[Accept, ...]:
    """The accepted drift, in the order of the manifests."""
    return tuple(Accept(**block.content, place=block.place()) for block in blocks)


def accept_mistakes(blocks: Iterable[Block]) -> Iterator[Diagnostic]:
    """Every `until` that is not a date of the calendar, such as February 30."""
    for block in blocks:
        try:
            date.fromisoformat(block.content["until"])
        except ValueError:
            detail = f"found: {block.content['until']}"
            yield mistake("`until` is not a date", block.place("until"), detail=detail, fix="write a date, YYYY-MM-DD")


def project_budget(block: Block | None) -> Budget | None:
    """The budget of the whole project. `block` is None when no manifest gives one."""
    return budget(block.content, block.place()) if block else None


def job_settings(block: Block | None, context: ManifestContext) -> JobSettings:
    """How jobs reach other hosts; `block` is None when no manifest says it."""
    if block is None:
        return _LOCAL_JOBS
    given = block.content
    plain = {name: given[name] for name in ("host", "server", "username") if name in given}
    paths = {name: absolute(given[name], context) for name in _LOGIN_FILES if name in given}
    backend = JobBackend(given.get("backend", _LOCAL_JOBS.backend))
    return JobSettings(backend, **plain, **paths, place=block.place())


def job_mistakes(settings: JobSettings, agents: Iterable[Agent]) -> Iterator[Diagnostic]:
    """Every setting of `jobs` that cannot be meant, and every pool with the name of a host's queue."""
    for agent in agents:
        if agent.pool.startswith(HOST_PREFIX) and agent.place:
            fix = f"a name that begins with `{HOST_PREFIX}` means one host: choose another one"
            yield mistake(f"`{agent.pool}` cannot be the name of a pool", agent.place, fix=fix)
    if settings.place:
        yield from _in_job_settings(settings, settings.place)


def _in_job_settings(settings: JobSettings, place: Place) -> Iterator[Diagnostic]:
    if settings.host and not re.fullmatch(HOST_PATTERN, settings.host):
        yield mistake("`host` of `jobs` must be letters, digits, `_` and `-`", place, fix="write `host: build-2`")
    if settings.backend is JobBackend.NATS and not settings.server:
        yield mistake("`backend: nats` needs `server`", place, fix="add `server: tls://HOST:4222`")
    if settings.backend is not JobBackend.NATS and settings.server:
        yield mistake("`server` is the address of a NATS server", place, fix="add `backend: nats`")
    if settings.password_file and not settings.username:
        yield mistake("`password_file` without `username`", place, fix="add `username: NAME`")
    if bool(settings.certfile) != bool(settings.keyfile):
        yield mistake("`certfile` and `keyfile` belong together", place, fix="give both, or none")


def budget_mistakes(
    project: Budget | None, workspaces: Iterable[Workspace], agents: Iterable[Agent]
) -> Iterator[Diagnostic]:
    """Every budget that limits nothing, or of which a limit cannot be meant."""
    given = [project, *(each.budget for each in workspaces), *(each.budget for each in agents)]
    places = {each.place: each for each in given if each and each.place}
    for place, each in places.items():  # agents that share a default share its place
        yield from _mistakes(each, place)


def _mistakes(given: Budget, place: Place) -> Iterator[Diagnostic]:
    tokens, dollars = given.tokens_per_day, given.usd_per_day
    if tokens is None and dollars is None:
        fix = "add `tokens_per_day: NUMBER` or `usd_per_day: NUMBER`"
        yield mistake("`budget` limits nothing", place, fix=fix)
    if tokens is not None and not 0 < tokens <= _MOST_TOKENS:
        yield _out_of_range("tokens_per_day", f"{tokens}"[:30], place)
    if dollars is not None and not 0 < dollars <= _MOST_DOLLARS:
        yield _out_of_range("usd_per_day", f"{dollars:g}", place)


def _out_of_range(key: str, found: str, place: Place) -> Diagnostic:
    fix = "write a number above 0; to send the agents nothing at all, set their `state` to stopped"
    return mistake(f"`{key}` of this budget is out of range", place, detail=f"found: {found}", fix=fix)

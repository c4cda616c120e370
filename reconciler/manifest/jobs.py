"""What `jobs` and `pool` say in manifests: how jobs reach other hosts, and which agents get them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reconciler.model.desired import Agent, JobBackend, JobSettings
from reconciler.model.destination import host_name, pool_name
from reconciler.model.diagnostic import Diagnostic, Place
from reconciler.model.errors import UsageError

from .document import ManifestContext, mistake
from .expand import absolute
from .merge import Block

_PATHS = ("password_file", "ca_certs", "certfile", "keyfile")
_NOTHING = JobSettings()


def job_settings(block: Block | None, context: ManifestContext) -> JobSettings:
    """The settings; `block` is None when no manifest gives any."""
    if block is None:
        return _NOTHING
    given = block.content
    plain = {name: given[name] for name in ("host", "server", "username") if name in given}
    paths = {name: absolute(given[name], context) for name in _PATHS if name in given}
    backend = JobBackend(given.get("backend", _NOTHING.backend))
    return JobSettings(backend, **plain, **paths, place=block.place())


def job_mistakes(settings: JobSettings, agents: Iterable[Agent]) -> Iterator[Diagnostic]:
    """Every setting that cannot be meant, and every pool whose name means a host."""
    if settings.place:
        yield from _in_settings(settings, settings.place)
    for agent in agents:
        if agent.pool and agent.place:
            try:
                pool_name(agent.pool)
            except UsageError as error:
                yield mistake(error.summary, agent.place, fix=error.fix)


def _in_settings(settings: JobSettings, place: Place) -> Iterator[Diagnostic]:
    if settings.host:
        try:
            host_name(settings.host)
        except UsageError as error:
            yield mistake(error.summary, place, fix=error.fix)
    if settings.backend is JobBackend.NATS and not settings.server:
        yield mistake("`backend: nats` needs `server`", place, fix="add `server: tls://HOST:4222`")
    if settings.backend is not JobBackend.NATS and settings.server:
        yield mistake("`server` is the address of a NATS server", place, fix="add `backend: nats`")
    if settings.password_file and not settings.username:
        yield mistake("`password_file` without `username`", place, fix="add `username: NAME`")
    if bool(settings.certfile) != bool(settings.keyfile):
        yield mistake("`certfile` and `keyfile` belong together", place, fix="give both, or none")

"""Which queue takes the jobs for other hosts, and what this machine is called there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from ipaddress import ip_address
from urllib.parse import urlsplit

from reconciler.app.project.manifests import broker_of
from reconciler.app.project.project import Project
from reconciler.jobs.route import queue_login
from reconciler.model.desired import NO_POOL, Agent, Desired, JobBackend, JobSettings
from reconciler.model.destination import host_name, pool_name
from reconciler.model.errors import ReconcilerError, Refused, UsageError
from reconciler.model.job import TOPIC_PREFIX
from reconciler.model.job_server import JobServer
from reconciler.model.observed import Present
from reconciler.ports import origin
from reconciler.ports.bus import Bus
from reconciler.ports.queue import JobQueue
from reconciler.ports.queues import Boxes, open_queue


def pool_of(agent: Agent) -> str:
    """The pool whose jobs the agent does; empty for none."""
    if agent.pool == NO_POOL:
        return ""
    return agent.pool or agent.type


def name_of_this_host(desired: Desired) -> str:
    """What this machine is called among the hosts. Raises UsageError if that cannot be a part of a topic."""
    return host_name(desired.jobs.host or origin.host_name().partition(".")[0])


def queue_to_submit(at: Project, desired: Desired) -> JobQueue:
    """A live queue for jobs of other hosts; raises as `queue_way` and `open_queue`."""
    return open_queue(queue_way(at, desired), name_of_this_host(desired))


@contextmanager
def bus_of_queue(at: Project, desired: Desired) -> Iterator[Bus]:
    """The events of queued jobs, to follow them; raises as `queue_to_submit`."""
    with closing(queue_to_submit(at, desired)) as queue:
        yield queue.bus


def queue_to_run(at: Project, desired: Desired) -> JobQueue:
    """A live queue of the jobs for this host; raises as above."""
    here = name_of_this_host(desired)
    return open_queue(queue_way(at, desired, runner=here), here)


def prefix_of_queue(at: Project, desired: Desired) -> str:
    """With what the topics of the jobs begin. Raises as `queue_way`."""
    way = queue_way(at, desired, runner=name_of_this_host(desired))
    return way.prefix if isinstance(way, Boxes) else TOPIC_PREFIX


def expect_pools(desired: Desired, pools: Sequence[str]) -> None:
    """Raise UsageError if there are pools and the backend has none, or if a name cannot be one."""
    for pool in pools:
        pool_name(pool)
    if pools and desired.jobs.backend is not JobBackend.NATS:
        fix = "declare `jobs: {backend: nats, server: tls://HOST:4222}`, or name one host: --host HOST --agent NAME"
        raise UsageError("--pool needs jobs.backend: nats", fix=fix)


def queue_way(at: Project, desired: Desired, runner: str = "") -> Boxes | JobServer:
    """The way to the queue, to submit or as the host `runner`.

    Raises:
        Refused: Others could read the tokens of the jobs there.
        UsageError: There is no broker.
        ReconcilerError: A login cannot be used.
    """
    if desired.jobs.backend is JobBackend.NATS:
        server = server_of(at, desired.jobs)
        if not is_private_server(server):
            raise _unsafe(server.url)
        return server
    login = queue_login(broker_of(at, desired), at.env, at.files, runner)
    to = login.connection
    if not (to.tls and (to.username or to.certfile)) and not _is_loopback(to.host):
        raise _unsafe(f"{to.host}:{to.port}")
    return Boxes(to, login.prefix)


def server_of(at: Project, settings: JobSettings) -> JobServer:
    """The declared NATS server with its login. Raises ReconcilerError if the password cannot be read."""
    return JobServer(
        settings.server,
        settings.username,
        _password(at, settings.password_file) if settings.password_file else "",
        settings.ca_certs,
        settings.certfile,
        settings.keyfile,
    )


def is_private_server(server: JobServer) -> bool:
    """Whether the connection has TLS and a login, or stays on this machine."""
    urls = [urlsplit(each) for each in server.url.split(",")]
    if all(_is_loopback(each.hostname or "") for each in urls):
        return True
    return all(each.scheme == "tls" for each in urls) and bool(server.username or server.certfile)


def _password(at: Project, path: str) -> str:
    found = at.files.read(path)
    if not isinstance(found, Present):
        raise ReconcilerError(f"the password cannot be read from {path}", fix="correct `jobs.password_file`")
    return found.value.decode(errors="replace").rstrip("\r\n")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _unsafe(where: str) -> Refused:
    return Refused(
        f"jobs are not sent over {where}: they hold a secret, and it has no TLS or no login",
        fix="use TLS and a login, as `reconciler broker init` sets them up; see docs/fleet.md",
    )

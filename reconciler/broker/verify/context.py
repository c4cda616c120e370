"""Choose the users and topics for the probes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from reconciler.model.broker import Access, Grant
from reconciler.model.errors import UsageError
from reconciler.model.host_topics import prefixes
from reconciler.ports.bus import Bus
from reconciler.ports.mqtt import connect

from .probe import Failed, Principal, ProofTarget, Skipped, key

_WILD = {"+", "#"}
_ALLOWING = {
    Access.READ: {Access.READ, Access.READWRITE},
    Access.WRITE: {Access.WRITE, Access.READWRITE},
}


class ProofContext(Struct, frozen=True):
    """The users and topics of one run."""

    target: ProofTarget
    topic: str
    """A new topic among those of the job events."""
    outside: str
    """A new topic that no role allows."""
    writer: Principal | None
    """A user who may write `topic`; None when none is known."""
    reader: Principal | None
    """A user who may read `topic`; None when none is known."""
    jobs_prefix: str = ""
    """The prefix of the topics of hosts; empty when no user is a runner."""
    no_host: str = ""
    """The name of a host that does not exist."""
    no_job: str = ""
    """What stands in place of the id of a job, but is not a valid one: runners ignore it."""


def set_scene(target: ProofTarget) -> ProofContext:
    """Choose users and topics for one run. Needs a filter with a wildcard: only that allows new, unused topics.

    Raises:
        UsageError: The target has no user.
    """
    if not target.principals:
        raise UsageError(
            "there is no user to verify the broker with", fix="set MQTT_USERNAME, or name a broker's folder"
        )
    nonce = f"verify-{os.urandom(6).hex()}"
    topics = [_concrete(topic, nonce) for topic in target.topics if _WILD & set(topic)] or [f"{nonce}/events"]
    hosts = {"jobs_prefix": _jobs_prefix(target, nonce), "no_host": nonce, "no_job": f"-{nonce}"}
    scenes = [
        ProofContext(
            target, each, f"{nonce}/outside", _who(target, Access.WRITE, each), _who(target, Access.READ, each), **hosts
        )
        for each in topics
    ]
    return next((scene for scene in scenes if scene.writer and scene.reader), scenes[0])


def parts(scene: ProofContext) -> tuple[Principal, Principal]:
    """The writer and the reader. Raises Skipped when one of them is not known."""
    if scene.writer is None or scene.reader is None:
        raise Skipped(f"no user is known who may {'read' if scene.writer else 'write'} the job events")
    return scene.writer, scene.reader


def may(principal: Principal, access: Access, topic: str) -> bool:
    """Whether a user's ACL lines allow the access; a denial always wins, as in Mosquitto."""
    lines = [grant for grant in principal.grants or () if matches(grant, topic)]
    allowing = _ALLOWING[access]
    return not any(line.access is Access.DENY for line in lines) and any(line.access in allowing for line in lines)


def matches(grant: Grant, topic: str) -> bool:
    """Whether the filter of an ACL line matches a topic (MQTT 5.0, section 4.7)."""
    levels, wanted = topic.split("/"), grant.topic.split("/")
    if wanted[-1] == "#":
        wanted = wanted[:-1]
        levels = levels[: len(wanted)]
    return len(levels) == len(wanted) and all(one in {"+", level} for one, level in zip(wanted, levels, strict=True))


def logged_in(principal: Principal) -> str:
    """The key of the check that a user can log in."""
    return key("login.accepted", principal.name)


@contextmanager
def present(scene: ProofContext, principal: Principal) -> Iterator[Bus]:
    """Connect as a user while the block runs."""
    bus = connect(principal.connection, patience=scene.target.patience)
    try:
        yield bus
    finally:
        bus.close()


def next_payload(bus: Bus, scene: ProofContext) -> bytes:
    """The payload of the next message. Raises Failed when none comes."""
    message = bus.receive(scene.target.patience)
    if message is None:
        raise Failed(f"nothing arrived within {scene.target.patience:g} s")
    return message.payload


def _who(target: ProofTarget, access: Access, topic: str) -> Principal | None:
    return next((each for each in target.principals if not each.locked and may(each, access, topic)), None)


def _jobs_prefix(target: ProofTarget, nonce: str) -> str:
    return next((_concrete(each, nonce) for each in prefixes(target.topics)), "") if target.runners else ""


def _concrete(topic: str, nonce: str) -> str:
    """A topic that the filter matches, with the nonce in place of wildcards."""
    return "/".join(nonce if level in _WILD else level for level in topic.split("/"))

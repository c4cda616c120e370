"""Publish the state of each agent as a retained MQTT message."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

from reconciler.jobs.route import writer
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.watch import AgentObservation, Pass
from reconciler.monitor.sink import Sink, SinkFailed
from reconciler.ports.bus import Bus, BusRefused, BusUnreachable, Will
from reconciler.ports.mqtt import connect
from reconciler.render.watch import observation_document

from .context import SinkContext

ONLINE, OFFLINE = b"online", b"offline"


class Retained:
    """Publishes `TOPIC/<workspace>/<agent>`, and `TOPIC/monitor`, which the broker sets offline after a crash."""

    def __init__(self, topic: str, connect: Callable[[Will], Bus]) -> None:
        self.name = f"mqtt:{topic}"
        self._topic = topic
        self._connect = connect
        self._bus: Bus | None = None
        self._drops = 0
        self._kept: dict[str, AgentObservation | None] = {}  # None: what the broker has is not known

    def tell(self, seen: Pass) -> str:
        """Publish what differs from the broker's retained messages."""
        if seen.blind:
            return ""
        agents = {f"{self._topic}/{agent.address.workspace}/{agent.address.agent}": agent for agent in seen.agents}
        try:
            bus = self._online()
            for topic in self._kept.keys() - agents.keys():
                bus.publish(topic, b"", retain=True)  # an empty message deletes the retained one
                del self._kept[topic]
            for topic, agent in agents.items():
                if self._kept.get(topic) != agent:
                    bus.publish(topic, json.dumps(observation_document(agent, seen.at)).encode(), retain=True)
                    self._kept[topic] = agent
        except ReconcilerError as error:
            self._leave()
            raise SinkFailed(error.summary, detail=error.detail, fix=error.fix) from error
        return ""

    def close(self) -> None:
        """Publish that the monitor is offline, because a clean disconnect cancels the will message."""
        if self._bus:
            with suppress(BusRefused, BusUnreachable):
                self._bus.publish(self._monitor, OFFLINE, retain=True)
        self._leave()

    @property
    def _monitor(self) -> str:
        return f"{self._topic}/monitor"

    def _online(self) -> Bus:
        """A connection that has published "online"; after a reconnect, the broker may have lost all messages."""
        bus = self._bus or self._connect(Will(self._monitor, OFFLINE))
        if self._bus is None or bus.drops != self._drops:
            self._bus, self._drops = bus, bus.drops
            self._kept = dict.fromkeys(self._kept)
            bus.publish(self._monitor, ONLINE, retain=True)
        return bus

    def _leave(self) -> None:
        if self._bus:
            self._bus.close()
        self._bus = None


def sink(topic: str, context: SinkContext) -> Sink:
    """Make the sink `mqtt:TOPIC`. Raises UsageError if it is not a topic, ReconcilerError without a broker."""
    if not topic.isprintable() or topic[0] == "$" or "" in topic.split("/") or {"+", "#"} & set(topic):
        raise UsageError(f"mqtt:{topic} is not a topic", fix="use a topic without wildcards, such as mqtt:lab/agents")
    connection = writer(context.broker, context.env, context.files)
    return Retained(topic, lambda will: connect(connection, will=will))

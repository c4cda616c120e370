"""A lab with a broker: an agent that takes jobs, and a relay through which all MQTT goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from broker.by_hand import PRIVATE_CA, by_hand
from broker.mosquitto import ACL, SECRETS, Knobs, private, running
from msgspec.structs import replace
from waiting import PATIENCE, wait_until

from reconciler.jobs.record import NewJob, Records, update
from reconciler.jobs.route import route
from reconciler.jobs.transitions import open_job
from reconciler.model.broker import Connection
from reconciler.model.job import TOPIC_PREFIX, Permission
from reconciler.ports.clock import RealClock
from reconciler.ports.files import RealFiles
from reconciler.ports.mqtt_queue import MqttQueue

from .hook import Fault
from .lab import Campaigned, lab
from .relay import Relay

SESSION = "lab-creator-claude"
REQUEST = "0123456789abcdef"
# the user of the lab also sends jobs to other hosts
_ACL = ACL.replace("user hermes\n", "user hermes\ntopic readwrite python/mqtt/jobs/hosts/#\n")
_READY, _ASKS = "? for shortcuts", "Esc to cancel"


@dataclass(frozen=True)
class Delegating(Campaigned):
    """A project whose environment names the broker, as whose reader the user follows."""

    relay: Relay
    ca: str = ""

    @property
    def env(self) -> dict[str, str]:
        """The variables name the login of a follower, and that of the agents."""
        return {
            **super().env,
            "MQTT_BROKER": "localhost",
            "MQTT_PORT": str(self.relay.port),
            **({"MQTT_TLS": "1", "MQTT_CA_CERTS": self.ca} if self.ca else {"MQTT_TLS": "0"}),
            "MQTT_USERNAME": "hermes",
            "MQTT_PASSWORD": SECRETS["hermes"],
            "MQTT_WORKER_USERNAME": "claude-worker",
            "MQTT_WORKER_PASSWORD_FILE": str(self.home / "worker.password"),
        }

    @property
    def records(self) -> Records:
        return Records(str(self.root / ".mam" / "jobs"), RealFiles(), RealClock(), self.env)

    def meet(self, fault: Fault, log: Path) -> None:
        self.relay.arm(fault, log)

    def recover(self) -> None:
        self.relay.heal()

    def new_job(self, agent: str = "human") -> str:
        """The id of a job that is on record and that nobody follows."""
        block = route(None, self.env, RealFiles(), self.records.folder).publisher
        session = "" if agent == "human" else f"tmux:{SESSION}"
        new = NewJob("do it", agent, session, str(self.root), timeout=600, idle_timeout=300, broker=block)
        return open_job(self.records, new).id

    def box(self, job: str) -> bytes:
        """What waits for the host `b` in the box of a job; nothing if it is empty."""
        login = Connection("localhost", self.relay.port, username="hermes", password=SECRETS["hermes"])
        with closing(MqttQueue(login, TOPIC_PREFIX, "b", patience=PATIENCE)) as queue:
            found: dict[str, bytes] = {}
            while claim := queue.claim(0.5):
                found[claim.id] = claim.envelope
            return found.get(job, b"")

    def say(self, job: str, event: str) -> None:
        self.run("job", "publish", "--job", job, "--event", event)

    def with_agent(self) -> None:
        """An idle agent of a real CLI's manner, which keeps what it is told."""
        self.declare(claude={})
        self.run("apply", "--auto-approve")
        wait_until(lambda: _READY in self.screen(SESSION))

    def asking_agent(self) -> None:
        """The agent asks for a permission on its screen, and no job waits with that."""
        self.with_agent()
        self.type(SESSION, "ask")
        wait_until(lambda: _ASKS in self.screen(SESSION))

    def asking_job(self) -> None:
        """The agent asks for a permission on its screen, its job waits with that, and somebody has seen it."""
        self.asking_agent()
        job = self.new_job(SESSION)
        asked = Permission(REQUEST, "Bash", "touch played", RealClock().now().isoformat())
        update(self.records, job, lambda job: replace(job, permission=asked))
        self.run("job", "answer", "--job", job)

    def asks(self) -> bool:
        return _ASKS in self.screen(SESSION)


@contextmanager
def delegation(*, only_3_1_1: bool = False) -> Iterator[Delegating]:
    """An empty project and a broker of its own, which keeps nothing for those who come after it has ended."""
    with (
        TemporaryDirectory(prefix="rc-", dir="/tmp") as folder,
        running(Path(folder), Knobs(tls=False, acl=_ACL)) as broker,
        _reached(Relay(broker.port, broker.start_anew, only_3_1_1=only_3_1_1), "") as made,
    ):
        yield made


@contextmanager
def delegation_by_hand(certificates: str = PRIVATE_CA) -> Iterator[Delegating]:
    """The same, with a broker that somebody set up by hand, with TLS."""
    with (
        TemporaryDirectory(prefix="rc-", dir="/tmp") as folder,
        by_hand(Path(folder), certificates) as broker,
        _reached(Relay(broker.port, broker.start_anew, tls=True), str(broker.ca)) as made,
    ):
        yield made


@contextmanager
def _reached(relay: Relay, ca: str) -> Iterator[Delegating]:
    with closing(relay), lab() as project:
        private(project.home / "worker.password", SECRETS["claude-worker"])
        made = Delegating(project.root, project.home, project.socket, relay, ca)
        made.write({})
        yield made

"""The facts of a machine on which all is well, to change one of them at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from reconciler.agents.catalogue import catalogue
from reconciler.app.doctor.facts import (
    BrokerFacts,
    CliFacts,
    ClisFacts,
    ClockFacts,
    FolderFacts,
    InstallationFacts,
    MachineFacts,
    PlaceFacts,
    ProjectFacts,
    TmuxFacts,
)
from reconciler.model.address import agent_address, broker_address
from reconciler.model.broker import Broker, Connection, Effect, Survey
from reconciler.model.broker_status import BrokerStatus, Expiry
from reconciler.model.desired import Agent, Desired, Socket
from reconciler.model.observed import ABSENT, Present
from reconciler.model.record import Origin, PaneRow, Record, SessionRow
from reconciler.model.snapshot import OpenFileLimit, Pane, Server, Snapshot, TmuxState
from reconciler.ports.folder_state import FolderState
from reconciler.ports.tls import Peer
from reconciler.ports.tmux.settings import PaneSettings
from reconciler.state.placement import Placement, PlacementState
from reconciler.state.registry import StoredRegistry

LINEAGE, SESSION, SOCKET = "l" * 32, "lab-creator-claude", "/run/tmux-1000/default"
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ADDRESS = agent_address("lab", "claude")
PANE = Pane(
    session=SESSION,
    session_id="$1",
    pane_id="%1",
    pid=11,
    command="claude",
    cwd="/p/lab",
    lineage=LINEAGE,
    address=str(ADDRESS),
)
SERVER = TmuxState(Server(socket="default", pid=10, started=1, version="3.5a"), (PANE,))
OPTIONS = {
    "exit-empty": "on",
    "exit-unattached": "off",
    "destroy-unattached": "off",
    "default-terminal": "tmux-256color",
    "allow-set-title": "on",
    "history-limit": "2000",
    "escape-time": "500",
    "set-clipboard": "external",
    "allow-passthrough": "off",
}
FOLDER = FolderState(is_folder=True, owner="", mode=0o700, writable=True, free=1 << 40, files_left=1 << 20, kind="ext4")
PLACE = PlaceFacts(purpose="the project", path="/p", nearest="/p", state=Present(FOLDER))
RECORDS = PlaceFacts(purpose="job records", path="/p/j", nearest="/p/j", state=Present(FOLDER), needed=False)
ROW = SessionRow(session=SESSION, workspace="lab", agent="claude", pane=PaneRow("%1", 11, "claude", "/p/lab"))
STORED = StoredRegistry(Record(lineage=LINEAGE, serial=3, sessions={SESSION: ROW}), {})
DESIRED = Desired(
    project="p",
    socket=Socket(),
    workspaces={},
    agents={ADDRESS: Agent(address=ADDRESS, session=SESSION, type="claude", role="creator", cwd="/p/lab")},
    agent_types={},
    digest="",
)
CLI = CliFacts(
    profile=catalogue(())["claude"],
    agents=(str(ADDRESS),),
    program=Present("/bin/claude"),
    version=Present("2.1.330"),
    by_server=Present("/bin/claude"),
    by_login=Present("/bin/claude"),
)
BROKER = Broker(broker_address("main"), "/p/broker")
EXPIRY = Expiry(
    kind="server",
    path="server.crt",
    subject="CN=x",
    not_after=datetime(2027, 6, 1, tzinfo=UTC),
    days_left=180,
    due=False,
    expired=False,
)
STATUS = BrokerStatus(
    broker=BROKER,
    process=Present(20),
    version="2.0.11",
    users=("hermes",),
    certificates=(EXPIRY,),
    survey=Survey(made=True, runs=True),
    waiting=Effect.NOTHING,
)
PEER = Peer(version="TLSv1.3", names=("localhost",), not_before=0, not_after=int(NOW.timestamp()) + 90 * 86400)

FACTS = MachineFacts(
    installation=InstallationFacts(
        version="0.1.0",
        python="3.11.7",
        interpreter="/bin/python3",
        unreadable=(),
        missing=(),
        git=Present("/bin/git"),
        mosquitto=Present("/sbin/mosquitto"),
    ),
    tmux=TmuxFacts(
        program=Present("/bin/tmux"),
        version=Present("3.5a"),
        socket=SOCKET,
        command="tmux -L default",
        obstacle=None,
        server=Present(SERVER),
        files=Present(OpenFileLimit(1024, 10, 10, 4096)),
        options=Present(OPTIONS),
        panes=Present((PaneSettings("$1", "%1", 1, synchronized=False, ends_unattached=False, lineage=LINEAGE),)),
        hooks=Present(""),
        search_path=Present("/bin"),
        leftovers=Present(()),
        others=Present(()),
    ),
    folders=FolderFacts(
        places=(PLACE, RECORDS),
        runtime="/run/user/1000",
        runtime_state=Present(FOLDER),
        links=Present(None),
        readable=Present(()),
        leftovers=Present(()),
    ),
    project=ProjectFacts(
        root="/p",
        registry_path="/p/.hermes/agent-sessions.yaml",
        manifests=Present(("/p/reconciler.yaml",)),
        mistakes=(),
        desired=DESIRED,
        stored=Present(STORED),
        older=(),
        unconfirmed=(),
        placement=Present(Placement(PlacementState.HERE, Origin(), Origin())),
        lock=ABSENT,
        holder="",
        snapshot=Present(Snapshot(tmux=Present(SERVER))),
        unmanaged=(),
        missing_folders={},
    ),
    clis=ClisFacts(found=(CLI,), path="/bin", server_path=Present("/bin"), login_path=Present("/bin")),
    broker=BrokerFacts(
        declared=Present(BROKER),
        way=Present(Connection("localhost", 8883, tls=True)),
        status=Present(STATUS),
        mistakes=Present(()),
        answer=Present(PEER),
    ),
    clock=ClockFacts(now=NOW, rows={SESSION: NOW}, files={".hermes": NOW}),
)


def but(part: str, **changes: Any) -> MachineFacts:
    """The facts with one part changed."""
    return replace(FACTS, **{part: replace(getattr(FACTS, part), **changes)})


def options(**changes: str) -> MachineFacts:
    """The facts with some options of tmux changed; `_` is `-` in their names."""
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    return but("tmux", options=Present({**OPTIONS, **named}))


def folder(place: PlaceFacts = PLACE, **changes: Any) -> MachineFacts:
    """The facts with another state of one folder."""
    return but("folders", places=(replace(place, state=Present(replace(FOLDER, **changes))),))


def cli(**changes: Any) -> MachineFacts:
    """The facts with something else known about the CLI."""
    return but("clis", found=(replace(CLI, **changes),))


def snapshot(**changes: Any) -> MachineFacts:
    """The facts with something else in the live world."""
    return but("project", snapshot=Present(replace(Snapshot(tmux=Present(SERVER)), **changes)))


def status(**changes: Any) -> MachineFacts:
    """The facts with something else about the broker of the project."""
    return but("broker", status=Present(replace(STATUS, **changes)))

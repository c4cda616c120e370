"""What the faults are tried on, as data: how the project comes to be, what is done, and what must be so in the end."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import NamedTuple

from free_ports import free_port
from project import Project
from ruamel.yaml import YAML
from waiting import wait_until

from .lab import FOREIGN_ID, LOST_ID, NEIGHBOURS, agent_types, declare, lab, move_in

_ENTRY = "$7$101$" + "A" * 16 + "$" + "A" * 86 + "=="  # of no password that anybody knows
A, B, C = "lab-creator-a", "lab-creator-b", "lab-creator-c"
APPLY = ("apply", "--auto-approve", "--max-destroy", "9")
DONE, ERROR, REFUSED, USAGE = 0, 1, 7, 64
MANIFEST = frozenset({"project/reconciler.yaml"})


def _no_more(_project: Project) -> Iterator[str]:
    """Nothing else is asked in the end."""
    return iter(())


class Operation(NamedTuple):
    """`words` run with a fault, on a project that `prepare` made; the same words, run again, end with one of `again`.

    `ends` are the sessions whose agents it may end, `lives` those that live when all has converged, and `adopts` those
    of others that become ours. `finish` brings the rest into order, where the same words again cannot. `writes` are
    files of the user's that it may write. `steady` says that an empty plan follows, `broker` that one runs. `lab` makes
    the project, and `truth` tells what is wrong in the end; in `words`, `{job}` is the newest job, and `{request}` what
    somebody was shown.
    """

    prepare: Callable[[Project], None]
    words: tuple[str, ...]
    lives: frozenset[str] = frozenset({A, B})
    ends: frozenset[str] = frozenset()
    again: frozenset[int] = frozenset({DONE})
    finish: tuple[tuple[str, ...], ...] = ()
    writes: frozenset[str] = frozenset()
    steady: bool = True
    broker: bool = False
    lab: Callable[[], AbstractContextManager[Project]] = lab
    truth: Callable[[Project], Iterator[str]] = _no_more
    adopts: frozenset[str] = frozenset()


def _declared(project: Project) -> None:
    declare(project, "a", "b")


def _beside(project: Project) -> None:
    move_in(project, NEIGHBOURS)
    declare(project, "a", "b")


def _running(project: Project) -> None:
    _beside(project)
    project.run(*APPLY)


def _changed(project: Project) -> None:
    _running(project)
    declare(project, "a", "b", colour="blue")


def _twice(project: Project) -> None:
    _changed(project)
    project.run(*APPLY)


def _stopped(project: Project) -> None:
    _running(project)
    project.run("stop", A)


def _three(project: Project) -> None:
    _beside(project)
    declare(project, "a", "b", "c")
    project.run(*APPLY)


def _crashed(project: Project) -> None:
    _running(project)
    project.lose(B)


def _with_a_screen(project: Project) -> None:
    _running(project)
    project.type(A, "hello")
    wait_until(lambda: "hello" in project.screen(A))


def _of_another_machine(project: Project) -> None:
    """A registry that was copied here: none of its agents runs."""
    _running(project)
    project.lose(A)
    project.lose(B)
    text = project.registry.read_text()
    machine = YAML(typ="safe").load(text)["origin"]["machine"]
    project.registry.write_text(text.replace(machine, "f" * len(machine)))


def _foreign(project: Project) -> None:
    _beside(project)
    project.run(*APPLY, "--target=agent.lab.a")
    talker = str(project.home / "talker")
    project.tmux("new-session", "-d", "-s", "mine", "-c", str(project.root / "lab"), talker, "--new", FOREIGN_ID)


def _of_the_scripts(project: Project) -> None:
    """What the original scripts leave: one agent that runs without tags, one that was lost, a registry of theirs."""
    move_in(project, NEIGHBOURS)
    project.write({}, agent_types=agent_types(project))
    talker, folder = str(project.home / "talker"), str(project.root / "lab")
    project.tmux("new-session", "-d", "-s", A, "-c", folder, talker, "--new", FOREIGN_ID)
    wait_until((project.home / "said" / FOREIGN_ID).exists)
    (project.home / "said" / LOST_ID).write_text("1\n")
    project.registry.parent.mkdir(mode=0o700)
    row = {"workspace": "lab", "type": "talker", "resumable": True}
    rows = {
        A: {**row, "agent": "a", "status": "running", "a_session_id_own": FOREIGN_ID},
        B: {**row, "agent": "b", "status": "terminated", "b_session_id_own": LOST_ID},
    }
    project.registry.write_text(json.dumps({"workspaces": {"lab": {"path": folder}}, "sessions": rows}))


def _littered(project: Project) -> None:
    """Running agents, the unfinished file of a killed command, and a registry that others can read."""
    _running(project)
    left = project.registry.parent / ".x.1-1-00000000.0123abcd.tmp"
    left.touch()
    os.utime(left, (1, 1))
    project.registry.chmod(0o644)


def _is_tidy(project: Project) -> Iterator[str]:
    """What is still there of it."""
    if list(project.registry.parent.glob("*.tmp")):
        yield "an unfinished file is left"
    if project.registry.stat().st_mode & 0o077:
        yield "others can read the registry"


def _manifest_only(project: Project) -> None:
    project.write({})


def _broker(project: Project) -> None:
    _manifest_only(project)
    project.run(*BROKER)


def _broker_by_hand(project: Project) -> None:
    """The folder of a Mosquitto without TLS and without an ACL: all that takes time to make is made by the takeover."""
    _manifest_only(project)
    folder = project.root / ".hermes/broker"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "passwd").write_text(f"hermes:{_ENTRY}\n")
    (folder / "acl").write_text("user hermes\ntopic read python/mqtt/jobs/+/events\n")
    (folder / "mosquitto.conf").write_text("listener 1883\npassword_file passwd\nacl_file acl\n")


def _entry_stays(project: Project) -> Iterator[str]:
    """What is wrong when the user of a broker by hand has another password."""
    entries = project.root / ".hermes/broker/etc/mosquitto/passwd"
    if not entries.exists() or entries.read_text() != f"hermes:{_ENTRY}\n":
        yield "hermes has another password"
    if (project.root / ".hermes/broker/passwd").read_text() != f"hermes:{_ENTRY}\n":
        yield "the old files have changed"


def runs_a_broker(project: Project) -> None:
    _broker(project)
    project.run("broker", "run", "--background")


BROKER = ("broker", "init", "--port", str(free_port()))
OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "first apply": Operation(_declared, APPLY),
        "apply": Operation(_beside, APPLY),
        "re-apply": Operation(_changed, APPLY, ends=frozenset({A, B})),
        "stop": Operation(_running, ("stop", A), lives=frozenset({B}), ends=frozenset({A})),
        "resume": Operation(_stopped, ("resume", A)),
        "restart": Operation(_running, ("restart", A), ends=frozenset({A})),
        "delete": Operation(
            _three,
            ("delete", C, "--yes"),
            ends=frozenset({C}),
            again=frozenset({DONE, USAGE}),
            writes=MANIFEST,
        ),
        "destroy": Operation(_running, ("destroy", "--auto-approve"), frozenset(), frozenset({A, B}), steady=False),
        "rollback": Operation(
            _twice, ("rollback", "1", "--auto-approve", "--max-destroy", "9"), ends=frozenset({A, B}), writes=MANIFEST
        ),
        "create": Operation(
            _running,
            ("create", "lab", "--agent", "talker", "--name", "c", "--auto-approve"),
            lives=frozenset({A, B, C}),
            again=frozenset({DONE, ERROR, USAGE, REFUSED}),
            writes=MANIFEST,
        ),
        "import": Operation(
            _foreign,
            ("import", "agent.lab.b", "mine"),
            again=frozenset({DONE, ERROR, USAGE, REFUSED}),
            adopts=frozenset({"mine"}),
        ),
        "adopt": Operation(
            _of_the_scripts,
            ("adopt", "--write", "--auto-approve"),
            finish=(APPLY,),
            writes=MANIFEST,
            adopts=frozenset({A}),
        ),
        "adopt-registry": Operation(
            _of_another_machine,
            ("adopt-registry", "--here", "--yes"),
            again=frozenset({DONE, ERROR, USAGE, REFUSED}),
            finish=(APPLY,),
        ),
        "types record": Operation(
            _with_a_screen,
            ("types", "record", A, "--state", "idle", "--situation", "ready", "--cli-version", "1.0"),
            writes=frozenset({"project/screens/talker/idle-ready.1.0.txt"}),
        ),
        "monitor": Operation(_crashed, ("monitor", "--once"), finish=(APPLY,)),
        "refresh": Operation(_crashed, ("refresh",), finish=(APPLY,)),
        "projects forget": Operation(_running, ("projects", "forget", "project"), again=frozenset({DONE, USAGE})),
        "doctor": Operation(_littered, ("doctor", "--fix"), again=frozenset({DONE}), truth=_is_tidy),
        "broker init": Operation(_manifest_only, BROKER, frozenset()),
        "broker takeover": Operation(
            _broker_by_hand, ("broker", "init", "--auto-approve"), frozenset(), truth=_entry_stays
        ),
        "broker rotate": Operation(_broker, ("broker", "rotate", "server"), frozenset()),
        "broker run": Operation(
            _broker,
            ("broker", "run", "--background"),
            frozenset(),
            again=frozenset({DONE, ERROR, REFUSED}),
            finish=(("broker", "status"),),
            broker=True,
        ),
        "broker stop": Operation(runs_a_broker, ("broker", "stop"), frozenset(), again=frozenset({DONE})),
        "broker user": Operation(
            _broker, ("broker", "user", "add", "someone"), frozenset(), again=frozenset({DONE, ERROR, USAGE, REFUSED})
        ),
    }
)

"""A project whose files are on the disk, and whose tmux server, processes and time are not."""

from __future__ import annotations

import os
from pathlib import Path

from fakes.brokers import FakeBrokers
from fakes.clock import FakeClock
from fakes.processes import FakeProcesses
from fakes.tmux import SOCKET, FakeTmux
from msgspec import field

from reconciler.app.history import rollback
from reconciler.app.plan.options import ApplyOptions
from reconciler.app.project.project import Project
from reconciler.cli.apply_output import ApplyDisplay, carry_out
from reconciler.model.desired import Socket
from reconciler.model.observed import Present
from reconciler.plan.request import Request
from reconciler.ports.files import RealFiles
from reconciler.ports.world import World

EVERYTHING = Request()

# An agent type whose ids are ours to choose; what was said in a conversation is a file.
HEAD = f"""\
version: 1
tmux: {{socket_path: {SOCKET}}}
agent_types:
  talker:
    command: [talker]
    new: [--new, "{{session_id}}"]
    resume: [--go-on, "{{session_id}}"]
    artifacts: ["~/said/{{session_id}}"]
    quit: /quit
    busy: working
"""


class PowerCut(BaseException):
    """Nothing of what was to come happens any more."""


class DyingFiles(RealFiles):
    """A disk that dies in the middle of a write, when `left` of them have come through."""

    def __init__(self, left: int) -> None:
        self.left = left

    def write(self, path: str, data: bytes, mode: int = 0o600) -> None:
        self.left -= 1
        if self.left < 0:
            Path(f"{path}.1a2b.tmp").write_bytes(data[: len(data) // 2])
            raise PowerCut
        super().write(path, data, mode)


class _Folders:
    """What a tmux server asks of the disk."""

    folders = property(lambda self: self)

    def __contains__(self, path: str) -> bool:
        return os.path.isdir(path)


class OnDisk(Project, frozen=True, dict=True):
    """Everything that the command line does, in this process."""

    tmux: FakeTmux = field(default_factory=lambda: FakeTmux(FakeProcesses(), _Folders(), FakeClock()))
    brokers: FakeBrokers = field(default_factory=FakeBrokers)

    def world(self, socket: Socket, *, returning: bool = False) -> World:  # noqa: ARG002 - the doors of the real one
        return World(self.tmux, self.tmux.processes, self.files, self.tmux.clock, self.brokers)

    def apply(self, request: Request = EVERYTHING, *, as_json: bool = False, **options: object) -> int:
        """The exit code of an apply that asks nobody."""
        wanted = ApplyOptions(auto_approve=True, max_destroy=99, **options)
        return carry_out(self, request, wanted, ApplyDisplay(as_json))

    def rollback(self, number: int | None = None) -> int:
        return self.apply(rollback.request_of(self, number))

    def manifests(self) -> dict[str, bytes]:
        """Every manifest of the project, byte for byte."""
        paths = [*Path(self.root).glob("*.yaml"), *Path(self.root).glob("manifests/*.yaml")]
        return {str(path.relative_to(self.root)): path.read_bytes() for path in paths}

    def live(self) -> dict[str, str]:
        """The conversation of each session that runs."""
        look = self.tmux.look()
        panes = look.value.panes if isinstance(look, Present) else ()
        return {pane.session: pane.conversation for pane in panes if not pane.dead}

    def say_something(self) -> None:
        """Whoever runs has something stored from now on."""
        for conversation in self.live().values():
            (Path(self.home) / "said" / conversation).write_text("hello")


def project_in(folder: Path) -> OnDisk:
    """An empty project below `folder`, with a home of its own."""
    root, home = folder / "project", folder / "home"
    for each in (root, root / "manifests", home / "said"):
        each.mkdir(parents=True)
    (root / "reconciler.yaml").write_text(HEAD)
    env = {"HOME": str(home), "PATH": "/usr/bin"}
    return OnDisk(str(root), str(root / ".hermes" / "agent-sessions.yaml"), env, clock=FakeClock())

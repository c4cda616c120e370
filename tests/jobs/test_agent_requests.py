"""Which dialog of an agent without a job is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from agents.captured import read
from fakes.clock import FakeClock
from fakes.world import FakeWorld

from reconciler.agents.catalogue import catalogue
from reconciler.agents.permission import Answer
from reconciler.agents.subject import AgentEnvironment
from reconciler.jobs.agent_requests import answer_dialog, show_dialog
from reconciler.jobs.agent_state import Recipient
from reconciler.jobs.record import Records
from reconciler.model.errors import Refused
from reconciler.ports.files import RealFiles
from reconciler.ports.world import TypingResult, World

SCREENS = Path(__file__).parents[1] / "agents" / "screens" / "claude"
ASKED = "\n".join(read((SCREENS / "waiting-permission.2.1.332.txt").read_text("utf-8")).lines)
AT_WORK = "\n".join(read((SCREENS / "busy-working.2.1.332.txt").read_text("utf-8")).lines)


class Desk:
    """A Claude that says in its note that it asks; its dialog is drawn at this second."""

    def __init__(self, home: Path, drawn: float) -> None:
        self.home = home
        fake = FakeWorld()
        self.tmux, self.clock = fake.tmux, fake.clock
        self.world = World(fake.tmux, fake.processes, RealFiles(), fake.clock, fake.brokers)
        self.drawn = drawn
        pane = self.tmux.add("lab-creator-it", "claude", "/lab")
        self.pane_id = pane.pane_id
        self.tmux.screens[pane.pane_id] = AT_WORK
        subject = AgentEnvironment("/lab", str(home), {})
        self.to = Recipient(pane, catalogue([])["claude"], subject, "c", "/handed")
        self.pressed: list[tuple[float, str]] = []
        self.note("waiting")

    def wait(self, seconds: float) -> None:
        FakeClock.wait(self.clock, seconds)
        if self.clock.elapsed >= self.drawn and not self.pressed:
            self.tmux.screens[self.pane_id] = ASKED

    def press(self, _pane_id: str, keys: list[str]) -> TypingResult:
        """It takes the key, and goes on."""
        self.pressed += [(self.clock.elapsed, *keys)]
        self.tmux.screens[self.pane_id] = AT_WORK
        self.note("busy")
        return TypingResult.DONE

    def note(self, status: str) -> None:
        note = {"pid": self.to.pane.pid, "sessionId": "c", "status": status}
        file = self.home / ".claude" / "sessions" / f"{self.to.pane.pid}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(note))


@pytest.fixture
def desk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    made = Desk(tmp_path, drawn=request.param)
    monkeypatch.setattr(made.clock, "wait", made.wait)
    monkeypatch.setattr(made.tmux, "press", made.press)
    return made


@pytest.fixture
def records(desk: Desk, tmp_path: Path) -> Records:
    return Records(str(tmp_path / "jobs"), RealFiles(), desk.clock)


@pytest.mark.parametrize("desk", [0.6], indirect=True)
def test_a_dialog_is_waited_for_that_is_announced_and_not_drawn_yet(desk: Desk, records: Records) -> None:
    """Claude 2.1.332 notes that it waits half a second before its dialog is on the screen."""
    shown = show_dialog(records, desk.to, desk.world)
    assert "touch touched" in "\n".join(shown.lines)
    assert 0.5 < desk.clock.elapsed < 1


@pytest.mark.parametrize("desk", [1000.0], indirect=True)
def test_a_dialog_that_is_never_drawn_is_refused_after_a_while(desk: Desk, records: Records) -> None:
    with pytest.raises(Refused, match="a permission prompt is open"):
        show_dialog(records, desk.to, desk.world)
    assert desk.clock.elapsed < 10


@pytest.mark.parametrize("desk", [0.6], indirect=True)
@pytest.mark.parametrize(("later", "waited"), [(0.0, 1.0), (0.7, 1.0), (30.0, 30.0)])
def test_the_key_is_pressed_when_the_dialog_has_been_there_for_a_moment(
    desk: Desk, records: Records, later: float, waited: float
) -> None:
    """Claude 2.1.332 ignores a key that comes within a tenth of a second after its dialog."""
    shown = show_dialog(records, desk.to, desk.world)
    drawn = desk.clock.elapsed
    desk.clock.wait(later)
    answer_dialog(records, shown.request, Answer.APPROVE, desk.to, desk.world)
    [(at, key)] = desk.pressed
    assert key == "1"
    assert at - drawn == pytest.approx(waited, abs=0.01)

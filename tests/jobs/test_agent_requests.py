"""Which dialog of an agent without a job is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from agents.captured import read
from fakes.clock import FakeClock
from fakes.world import FakeWorld

from reconciler.agents.catalogue import catalogue
from reconciler.agents.subject import AgentEnvironment
from reconciler.jobs.agent_requests import show_dialog
from reconciler.jobs.agent_state import Recipient
from reconciler.jobs.record import Records
from reconciler.model.errors import Refused

SCREENS = Path(__file__).parents[1] / "agents" / "screens" / "claude"
ASKED = "\n".join(read((SCREENS / "waiting-permission.2.1.332.txt").read_text("utf-8")).lines)
AT_WORK = "\n".join(read((SCREENS / "busy-working.2.1.332.txt").read_text("utf-8")).lines)


class Desk:
    """A Claude that says in its note that it asks; its dialog is drawn at this second."""

    def __init__(self, drawn: float) -> None:
        self.world = FakeWorld()
        self.drawn = drawn
        pane = self.world.tmux.add("lab-creator-it", "claude", "/lab")
        self.pane_id = pane.pane_id
        self.world.tmux.screens[pane.pane_id] = AT_WORK
        note = {"pid": pane.pid, "sessionId": "c", "status": "waiting"}
        self.world.files.put(f"/home/u/.claude/sessions/{pane.pid}.json", json.dumps(note).encode())
        subject = AgentEnvironment("/lab", "/home/u", {})
        self.to = Recipient(pane, catalogue([])["claude"], subject, "c", "/handed")

    def wait(self, seconds: float) -> None:
        FakeClock.wait(self.world.clock, seconds)
        if self.world.clock.elapsed >= self.drawn:
            self.world.tmux.screens[self.pane_id] = ASKED


def test_a_dialog_is_waited_for_that_is_announced_and_not_drawn_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claude 2.1.332 notes that it waits half a second before its dialog is on the screen."""
    desk = Desk(drawn=0.6)
    monkeypatch.setattr(desk.world.clock, "wait", desk.wait)
    records = Records("/jobs", desk.world.files, desk.world.clock)
    shown = show_dialog(records, desk.to, desk.world)
    assert "touch touched" in "\n".join(shown.lines)
    assert 0.5 < desk.world.clock.elapsed < 1


def test_a_dialog_that_is_never_drawn_is_refused_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(drawn=1000)
    monkeypatch.setattr(desk.world.clock, "wait", desk.wait)
    records = Records("/jobs", desk.world.files, desk.world.clock)
    with pytest.raises(Refused, match="a permission prompt is open"):
        show_dialog(records, desk.to, desk.world)
    assert desk.world.clock.elapsed < 10

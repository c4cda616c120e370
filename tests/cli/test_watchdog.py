"""Who waits for a confirmation goes back when none comes, and does not give up too soon."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from on_disk import OnDisk, project_in

from reconciler.app.history.watchdog import MAX_DESTROY, RollbackEnded, RollbackEvent, RollbackStarted, watch
from reconciler.app.plan.options import ApplyOptions
from reconciler.cli.apply_output import carry_out
from reconciler.model.generation import Confirmation
from reconciler.state import confirmation as state
from reconciler.state.generations import newest_first

ONE = "lab-creator-one"
SECOND = Confirmation(id="a1", generation=2, back_to=1, within=60)


@pytest.fixture
def project(tmp_path: Path) -> OnDisk:
    """Two generations, the second with another `one`; it waits for its confirmation, and its apply is gone."""
    made = project_in(tmp_path)
    for args in ("", ", args: [--loud]"):
        declare(made, args)
        made.apply()
    state.write(made.waiting, SECOND)
    return made


def declare(project: OnDisk, args: str) -> None:
    text = f"version: 1\nworkspaces: {{lab: {{path: lab, agents: {{one: {{type: talker{args}}}}}}}}}\n"
    (Path(project.root) / "manifests" / "lab.yaml").write_text(text)


def loud(project: OnDisk) -> bool:
    return "--loud" in project.tmux.started[-1].argv


def ended(project: OnDisk, identifier: str = "a1") -> list[RollbackEvent]:
    """What the watchdog of an apply has to say until it ends."""
    options = ApplyOptions(auto_approve=True, max_destroy=MAX_DESTROY)
    return list(watch(project, identifier, lambda request: carry_out(project, request, options)))


def after(project: OnDisk, monkeypatch: pytest.MonkeyPatch, seconds: float, happens: object) -> None:
    """Let something happen once that time has passed on the project's clock."""
    wait, over = project.clock.wait, []

    def waited(pause: float) -> None:
        wait(pause)
        if project.clock.elapsed >= seconds and not over:
            over.append(True)
            happens()

    monkeypatch.setattr(project.clock, "wait", waited)


def test_the_time_runs_from_the_end_of_an_apply_that_is_gone(project: OnDisk) -> None:
    assert loud(project)
    assert ended(project) == [
        RollbackStarted("generation 2 was not confirmed within 60 s", back_to=1),
        RollbackEnded(0),
    ]
    assert not loud(project)
    assert project.clock.elapsed == pytest.approx(60, abs=1)
    assert state.read(project.waiting) is None
    assert next(newest_first(project.generations)).automatic


def test_who_is_confirmed_in_time_stays(project: OnDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    after(project, monkeypatch, 30, lambda: state.answer(project.waiting))
    assert ended(project) == []
    assert loud(project)
    assert 30 <= project.clock.elapsed < 31


def test_another_apply_than_its_own_is_none_of_its_business(project: OnDisk) -> None:
    state.write(project.waiting, replace(SECOND, id="b2"))
    assert ended(project) == []
    assert loud(project)


def test_an_agent_in_use_is_waited_for(project: OnDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    project.tmux.change(ONE, title="working")
    after(project, monkeypatch, 200, lambda: project.tmux.change(ONE, title=""))
    assert ended(project)[-1] == RollbackEnded(0)
    assert not loud(project)
    assert project.clock.elapsed > 200
    operations = [each.operation for each in newest_first(project.generations)]
    assert operations == ["rollback", "rollback", "apply", "apply"], "an attempt that does nothing leaves nothing"


def test_a_decision_ends_the_attempts(project: OnDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    project.tmux.change(ONE, title="working")
    after(project, monkeypatch, 200, lambda: state.forget(project.waiting))
    assert ended(project)[-1] == RollbackEnded(7)
    assert loud(project)


def test_a_failure_is_not_repeated_and_stays_told(project: OnDisk) -> None:
    project.tmux.exits["talker"] = (1, "")
    [_started, last] = ended(project)
    assert last.exit_code != 0
    assert len(project.tmux.started) == 3
    assert "its rollback is not complete" in state.describe_waiting(project.waiting)[0].summary


def test_a_deadline_that_a_clock_wrote_which_was_ahead_gives_no_more_time(project: OnDisk) -> None:
    state.write(project.waiting, replace(SECOND, deadline="2099-01-01T00:00:00Z"))
    assert ended(project)[-1] == RollbackEnded(0)
    assert project.clock.elapsed == pytest.approx(60, abs=1)

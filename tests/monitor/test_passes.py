"""Passes of the monitor, by the rules of its seed: what is written, what is told, and how often."""

import json

import pytest
from msgspec.structs import replace
from watching import SERVER, Stage, drift, gone, mode, pass_and_confirm, told

from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Present, Unknown
from reconciler.monitor.passes import SETTLE, TICK
from reconciler.state.lock import hold

CLAUDE = "lab-creator-claude"


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path)


# --- what is written --------------------------------------------------------------------------


@pytest.mark.parametrize("letter", "ABCHI")
def test_the_registry_follows(stage, letter):
    stage.drifts = (drift(letter, status="archived"),)
    stage.passes().next()
    assert stage.status() == "archived"
    assert "# mine" in stage.path.read_text()


@pytest.mark.parametrize("letter", "DEFGJKL")
def test_the_registry_does_not_follow_and_it_is_told(stage, letter):
    before = stage.path.read_bytes()
    stage.drifts = (drift(letter, status="archived"),)
    assert told(stage.passes().next()) == [(letter, CLAUDE, 1)]
    assert stage.path.read_bytes() == before


def test_what_a_manifest_accepts_is_written_and_told_to_nobody(stage):
    stage.drifts = stage.accepted = (drift("B", status="archived"),)
    step = stage.passes().next()
    assert stage.status() == "archived"
    assert (told(step), step.seen.drifts) == ([], ())


def test_nothing_is_written_without_a_change(stage):
    before = stage.tree()
    passes = stage.passes()
    for _ in range(3):
        passes.next()
    assert stage.tree() == before
    assert stage.looks == 3


def test_a_dry_run_writes_nothing_and_tells_everything_once(stage):
    stage.drifts = (gone(), drift("D"))
    before = stage.tree()
    passes = stage.passes(dry_run=True)
    assert pass_and_confirm(passes) == [("A", CLAUDE, 1), ("D", CLAUDE, 1)]
    assert pass_and_confirm(passes) == []
    assert stage.tree() == before


def test_what_somebody_else_is_doing_is_neither_written_nor_told(stage):
    stage.drifts = (gone(), drift("E"))
    passes = stage.passes()
    with hold(stage.lock, "apply"):
        step = passes.next()
        assert (step.busy is not None, step.again, told(step), step.seen.blind) == (True, TICK, [], True)
        assert stage.status() == "running"
        assert stage.passes(dry_run=True).next().busy
    stage.drifts = ()  # it was no drift
    assert told(passes.next()) == []


def test_under_the_lock_the_monitor_looks_again(stage):
    """What it saw before may have been somebody's work, done since."""
    first = gone()

    def look():
        return replace(Stage.look(stage), drifts=(first,) if stage.looks == 1 else ())

    passes = stage.passes()
    passes._context = replace(passes._context, look=look)
    assert told(passes.next()) == []
    assert (stage.looks, stage.status()) == (2, "running")


# --- what is told -----------------------------------------------------------------------------


def test_a_drift_is_told_once(stage):
    stage.drifts = (drift("D"),)
    passes = stage.passes()
    assert [pass_and_confirm(passes) for _ in range(3)] == [[("D", CLAUDE, 1)], [], []]


def test_a_drift_is_told_again_when_it_says_something_else(stage):
    passes = stage.passes()
    counts = []
    for message in ("pid 1", "pid 2", "pid 2"):
        stage.drifts = (drift("F", message=message),)
        counts.append(pass_and_confirm(passes))
    assert counts == [[("F", CLAUDE, 1)], [("F", CLAUDE, 2)], []]


def test_a_drift_is_told_again_when_it_is_back(stage):
    passes = stage.passes()
    counts = []
    for found in ((gone(),), (), (gone(),)):
        stage.drifts = found
        counts.append(pass_and_confirm(passes))
    assert counts == [[("A", CLAUDE, 1)], [], [("A", CLAUDE, 2)]]


def test_another_life_of_the_monitor_tells_nothing_twice(stage):
    stage.drifts = (drift("D"),)
    assert pass_and_confirm(stage.passes()) == [("D", CLAUDE, 1)]
    assert pass_and_confirm(stage.passes()) == []
    assert mode(stage.state) == 0o600
    assert mode(stage.state.parent) == 0o700


def test_two_monitors_beside_each_other_tell_a_drift_once(stage):
    one, other = stage.passes(), stage.passes()
    one.next()
    other.next()
    stage.drifts = (drift("D"),)
    assert pass_and_confirm(one) == [("D", CLAUDE, 1)]
    assert pass_and_confirm(other) == []


def test_what_another_one_was_told_in_the_meantime_stays_told(stage):
    one, other = stage.passes(), stage.passes()
    stage.drifts = (drift("D"),)
    one.next()
    one.confirm()
    stage.drifts = (drift("D"), drift("F"))
    assert pass_and_confirm(other) == [("F", CLAUDE, 1)]
    one.confirm()
    assert pass_and_confirm(stage.passes()) == []


def test_what_was_not_told_before_a_crash_is_told_after_it(stage):
    stage.drifts = (gone(),)
    stage.passes().next()  # the registry follows, and nobody is told
    stage.drifts = ()
    passes = stage.passes()
    assert pass_and_confirm(passes) == [("A", CLAUDE, 1)]
    assert pass_and_confirm(passes) == []


def test_what_is_told_after_a_crash_names_the_same_field(stage):
    stage.drifts = (replace(drift("F"), path="pane.cmd"),)
    stage.passes().next()
    [notice] = stage.passes().next().seen.news
    assert notice.drift == stage.drifts[0]


def test_a_registry_that_cannot_be_written_loses_no_news(stage):
    stage.drifts = (drift("A", status="nonsense"),)
    passes = stage.passes()
    step = passes.next()
    assert "the registry would not be valid" in step.seen.diagnostics[0].summary
    stage.drifts = (gone(),)
    assert ("A", CLAUDE, 1) in pass_and_confirm(passes)
    assert stage.status() == "terminated"


# --- what is not known ------------------------------------------------------------------------


def test_what_cannot_be_looked_at_is_no_drift_and_ends_none(stage):
    passes = stage.passes()
    stage.drifts = (drift("D"),)
    pass_and_confirm(passes)
    trouble = Diagnostic(Severity.ERROR, "tmux could not be asked")
    stage.drifts, stage.server, stage.diagnostics = (), Unknown("it hangs"), (trouble,)
    step = passes.next()
    assert (told(step), step.seen.diagnostics) == ([], (trouble,))
    stage.drifts, stage.server, stage.diagnostics = (drift("D"),), Present(SERVER), ()
    assert pass_and_confirm(passes) == []


def test_a_look_that_fails_is_a_diagnostic(stage):
    def look():
        raise ReconcilerError("the registry is broken")

    passes = stage.passes()
    passes._context = replace(passes._context, look=look)
    assert [each.summary for each in passes.next().seen.diagnostics] == ["the registry is broken"]


@pytest.mark.parametrize("now", [ABSENT, Present(replace(SERVER, pid=4243)), Present(replace(SERVER, started=1))])
def test_sessions_of_a_server_that_has_just_changed_are_believed_gone_at_the_second_tick(stage, now):
    passes = stage.passes()
    passes.next()
    stage.server, stage.drifts = now, (gone(), drift("D"))
    step = passes.next()
    passes.confirm()
    assert (told(step), step.again, stage.status()) == ([("D", CLAUDE, 1)], TICK, "running")
    step = passes.next()
    assert (told(step), step.again, stage.status()) == ([("A", CLAUDE, 1)], SETTLE, "terminated")


def test_sessions_that_come_back_with_the_server_were_never_gone(stage):
    passes = stage.passes()
    passes.next()
    stage.server, stage.drifts = ABSENT, (gone(),)
    passes.next()
    stage.server, stage.drifts = Present(replace(SERVER, pid=4243)), ()
    assert told(passes.next()) == []
    assert stage.status() == "running"


def test_the_first_pass_believes_what_it_sees(stage):
    stage.server, stage.drifts = ABSENT, (gone(),)
    assert told(stage.passes().next()) == [("A", CLAUDE, 1)]


def test_a_server_that_could_not_be_asked_is_no_new_life(stage):
    passes = stage.passes()
    passes.next()
    stage.server = Unknown("it hangs")
    passes.next()
    stage.server, stage.drifts = Present(SERVER), (gone(),)
    assert told(passes.next()) == [("A", CLAUDE, 1)]


# --- state files ------------------------------------------------------------------------------

DAMAGED = {
    "no JSON": b"{",
    "nothing": b"",
    "another version": json.dumps({"version": 99, "told": [], "pending": []}).encode(),
    "an old form": b'{"lab-creator-claude": "A"}',
    "another shape": json.dumps({"version": 1, "told": [{"class": "A"}], "pending": []}).encode(),
    "no text": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_state_file_that_cannot_be_understood_is_set_aside_with_a_warning(stage, content):
    stage.state.parent.mkdir()
    stage.state.write_bytes(content)
    stage.drifts = (drift("D"),)
    step = stage.passes().next()
    assert told(step) == [("D", CLAUDE, 1)]
    [aside] = stage.state.parent.glob("lab.state.bad-*")
    assert aside.read_bytes() == content
    [warning] = step.seen.diagnostics
    assert (warning.severity, str(aside) in warning.summary) == (Severity.WARNING, True)
    assert [each["class"] for each in stage.remembered()["told"]] == ["D"]


def test_a_dry_run_leaves_a_damaged_state_file_where_it_is(stage):
    stage.state.parent.mkdir()
    stage.state.write_bytes(b"{")
    before = stage.tree()
    stage.passes(dry_run=True).next()
    assert stage.tree() == before


def test_every_workspace_has_a_state_file_of_its_own(stage):
    stage.drifts = (drift("D"), replace(drift("B"), session="shop-front-creator-agy", address=None))
    stage.passes().next()
    assert sorted(path.name for path in stage.state.parent.iterdir()) == ["lab.state", "shop-front.state"]


def test_a_row_that_somebody_has_just_ended_is_put_back_after_five_seconds_and_not_before(stage):
    passes = stage.passes()
    passes.next()
    stage.drifts = (replace(drift("B", status="archived"), before="terminated", after="running"),)
    for _ in range(5):
        step = passes.next()
        assert (told(step), step.again, stage.status()) == ([], TICK, "running")
        stage.clock.wait(1)
    assert told(passes.next()) == [("B", CLAUDE, 1)]
    assert stage.status() == "archived"


def test_a_new_session_is_registered_at_once(stage):
    passes = stage.passes()
    passes.next()
    stage.drifts = (replace(drift("B"), before=None),)
    assert told(passes.next()) == [("B", CLAUDE, 1)]

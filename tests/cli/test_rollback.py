"""The way back is an ordinary apply: shown, guarded, and no way into nothing."""

from __future__ import annotations

import json
import stat
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec.structs import replace
from on_disk import HEAD, DyingFiles, OnDisk, PowerCut, project_in

from reconciler.app.history import rollback
from reconciler.app.plan.options import ApplyOptions
from reconciler.cli.apply_output import carry_out
from reconciler.model.address import agent_address
from reconciler.model.desired import Agent, RunState
from reconciler.model.errors import ReconcilerError, Refused, UsageError
from reconciler.model.generation import AgentThen
from reconciler.model.plan import Mode
from reconciler.plan.approval import classes
from reconciler.plan.request import Goal, Request, _state
from reconciler.state.generations import numbers

ONE, TWO, THREE = (f"lab-creator-{name}" for name in ("one", "two", "three"))


@pytest.fixture
def project(tmp_path: Path) -> OnDisk:
    return project_in(tmp_path)


def declare(project: OnDisk, *agents: str, rest: str = "") -> Path:
    """A manifest with these agents in the workspace `lab`."""
    path = Path(project.root) / "manifests" / "lab.yaml"
    listed = "".join(f"      {agent}: {{type: talker{rest}}}\n" for agent in agents)
    path.write_text(f"version: 1\nworkspaces:\n  lab:\n    path: lab\n    agents:\n{listed}")
    return path


def test_everything_that_was_destroyed_comes_back_and_goes_again(project: OnDisk) -> None:
    declare(project, "one", "two")
    project.apply()
    was = project.live()
    project.apply(Request(mode=Mode.DESTROY, operation="destroy"))
    assert project.live() == {}
    assert project.rollback() == 0
    assert project.live() == was
    assert project.rollback(2) == 0
    assert project.live() == {}


def test_what_alone_was_destroyed_stays_ended_on_the_way_back(project: OnDisk) -> None:
    declare(project, "one", "two")
    project.apply()
    project.apply(Request(targets=(agent_address("lab", "two"),), mode=Mode.DESTROY, operation="destroy"))
    alone = project.live()
    project.apply()
    assert set(project.live()) == {ONE, TWO}
    assert project.rollback(2) == 0
    assert project.live() == alone


def test_who_was_never_started_then_is_not_started_now(project: OnDisk) -> None:
    declare(project, "one", "two")
    project.apply(Request(targets=(agent_address("lab", "one"),)))
    alone = project.live()
    project.apply()
    assert project.rollback(1) == 0
    assert project.live() == alone == {ONE: alone[ONE]}


def test_who_was_stopped_by_hand_is_stopped_by_hand_again(project: OnDisk) -> None:
    declare(project, "one", "two")
    project.apply()
    one = agent_address("lab", "one")
    project.apply(Request(states={one: RunState.STOPPED}, reason="tired"))
    declare(project, "one", "two", "three")
    project.apply()
    project.apply(Request(states={one: RunState.RUNNING}))
    assert set(project.live()) == {ONE, TWO, THREE}
    assert project.rollback() == 0
    assert set(project.live()) == {TWO}
    assert project.apply() == 0
    assert set(project.live()) == {TWO}, "the manifest says running, and the hand weighs more"


def test_more_endings_than_half_need_a_word_and_nothing_is_written_before(project: OnDisk) -> None:
    declare(project, "one")
    project.apply()
    path = declare(project, "one", "two", "three")
    project.apply()
    request = rollback.request_of(project, None)
    assert carry_out(project, request, ApplyOptions(auto_approve=True)) == 7
    assert "three" in path.read_text()
    assert numbers(project.generations) == [1, 2]


def test_without_a_past_there_is_no_way_back(project: OnDisk) -> None:
    declare(project, "one")
    with pytest.raises(UsageError, match="no generation to go back to"):
        project.rollback()
    with pytest.raises(Refused, match="no earlier generation to roll back to"):
        project.apply(confirm_within=9)
    assert project.live() == {}
    project.apply()
    with pytest.raises(UsageError, match="generation 1 is the first one"):
        project.rollback()
    with pytest.raises(UsageError, match="there is no generation 9"):
        project.rollback(9)


def test_files_come_and_go_and_each_is_told(project: OnDisk, capsys: pytest.CaptureFixture[str]) -> None:
    first = Path(project.root) / "manifests" / "a.yaml"
    first.write_bytes(b"version: 1\n# windows\r\nworkspaces: {a: {path: a}}")
    first.chmod(0o600)
    project.apply()
    before = project.manifests()
    first.rename(first.with_name("b.yaml"))
    declare(project, "one")
    project.apply()
    capsys.readouterr()
    project.apply(rollback.request_of(project, None), as_json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = {line["file"].rpartition("/")[2]: line["change"] for line in lines if line["type"] == "manifest_restore"}
    assert told == {"a.yaml": "create", "b.yaml": "delete", "lab.yaml": "delete"}
    assert lines[-1]["generation"] == 3
    assert project.manifests() == before
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    for _ in range(2):
        assert project.rollback() == 0
    assert stat.S_IMODE(first.stat().st_mode) == 0o600


def test_a_manifest_that_is_a_link_is_not_taken_away(project: OnDisk, tmp_path: Path) -> None:
    project.apply()
    elsewhere = tmp_path / "shared.yaml"
    elsewhere.write_text("version: 1\nworkspaces: {a: {path: a}}\n")
    link = Path(project.root) / "manifests" / "shared.yaml"
    link.symlink_to(elsewhere)
    project.apply()
    with pytest.raises(Refused, match="is a link"):
        project.rollback()
    assert link.is_symlink()


def test_manifests_that_were_named_come_back_alone(project: OnDisk) -> None:
    declare(project, "one")
    named = Path(project.root) / "named.yaml"
    named.write_text(HEAD + "workspaces: {lab: {path: lab, agents: {two: {type: talker}}}}\n")
    project.apply(Request(paths=(str(named),)))
    was = project.live()
    project.apply()
    named.write_text("version: 1\n")
    assert project.rollback(1) == 0
    assert project.live() == was == {TWO: was[TWO]}
    assert "two" in named.read_text()
    assert "one" in (Path(project.root) / "manifests" / "lab.yaml").read_text()


def test_manifests_that_were_changed_without_an_effect_are_a_generation(project: OnDisk) -> None:
    path = declare(project, "one")
    project.apply()
    project.apply()
    assert numbers(project.generations) == [1]
    path.write_text(path.read_text() + "# a remark\n")
    project.apply()
    assert numbers(project.generations) == [1, 2]
    path.write_text(path.read_text() + "# another\n")
    project.apply(Request(states={agent_address("lab", "one"): RunState.STOPPED}))
    project.apply(Request(mode=Mode.REFRESH_ONLY))
    assert numbers(project.generations) == [1, 2]


def test_a_history_that_cannot_be_written_lets_nothing_be_done(project: OnDisk) -> None:
    declare(project, "one")
    Path(project.state).mkdir()
    Path(project.generations.folder).touch()
    with pytest.raises(ReconcilerError, match="history"):
        project.apply()
    assert project.live() == {}


@pytest.mark.parametrize("variable", [{"RECONCILER_HISTORY": "many"}, {"RECONCILER_HISTORY_AGE": "old"}])
def test_what_says_how_much_is_kept_must_make_sense_before_anything_is_done(
    project: OnDisk, variable: dict[str, str]
) -> None:
    declare(project, "one")
    with pytest.raises(UsageError):
        replace(project, env={**project.env, **variable}).apply()
    assert project.live() == {}


def test_only_so_many_generations_are_kept(project: OnDisk) -> None:
    few = replace(project, env={**project.env, "RECONCILER_HISTORY": "11"})
    for number in range(13):
        declare(few, "one", rest=f", args: [--{number}]")
        few.apply()
    assert numbers(few.generations) == list(range(3, 14))


@pytest.mark.parametrize("left", range(13))
def test_a_way_back_that_is_cut_short_is_gone_to_its_end_by_the_next_one(project: OnDisk, left: int) -> None:
    declare(project, "one", "two")
    project.apply()
    project.say_something()
    manifests, sessions = project.manifests(), project.live()
    declare(project, "one", "three", rest=", args: [--loud]")
    other = Path(project.root) / "manifests" / "other.yaml"
    other.write_text("version: 1\nworkspaces: {a: {path: a}}\n")
    project.apply()
    other.write_text("version: 1\n# not applied\n")
    with suppress(PowerCut):
        replace(project, files=DyingFiles(left)).rollback(1)
    assert project.rollback(1) == 0
    assert (project.manifests(), project.live()) == (manifests, sessions)
    assert any("not applied" in path.read_text() for path in Path(project.kept).rglob("other.yaml"))


# --- approved beforehand ----------------------------------------------------------------------


def test_only_what_was_approved_beforehand_needs_no_question(project: OnDisk) -> None:
    def attempt(words: str) -> int:
        return carry_out(project, Request(), ApplyOptions(approved=classes(words)))

    declare(project, "one")
    assert attempt("create,update") == 0
    declare(project, "one", "two", rest=", args: [--loud]")
    with pytest.raises(Refused, match=r"not approved: agent\.lab\.one \(replace\)"):
        attempt("create")
    assert list(project.live()) == [ONE]
    assert attempt("create, replace") == 0
    assert set(project.live()) == {ONE, TWO}


def test_a_class_that_does_not_exist_is_told_with_those_that_do() -> None:
    with pytest.raises(UsageError, match="there is no action 'destroy'") as error:
        classes("create,destroy")
    assert "delete" in error.value.fix


# --- what is not kept -------------------------------------------------------------------------


def test_what_an_agent_shows_on_its_screen_is_told_and_not_kept(
    project: OnDisk, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(project, "one")
    project.tmux.exits["talker"] = (1, "sesame on the screen")
    assert project.apply() == 3
    assert "sesame" in capsys.readouterr().out
    files = [path for path in Path(project.state).rglob("*") if path.is_file()]
    assert [path for path in files if b"sesame" in path.read_bytes()] == []
    assert any(b"action_failed" in path.read_bytes() for path in files)


@pytest.mark.parametrize(
    ("status", "by_hand", "state"),
    [
        ("running", False, RunState.RUNNING),
        ("terminated", False, RunState.RUNNING),
        ("terminated", True, RunState.STOPPED),
        ("stopped", True, RunState.STOPPED),
        ("archived", False, RunState.ARCHIVED),
    ],
)
def test_what_was_ended_on_purpose_rests_on_the_way_back(status: str, state: RunState, *, by_hand: bool) -> None:
    address = agent_address("lab", "one")
    spec = Agent(address, ONE, "claude", "creator", "/lab")
    assert _state(spec, Goal(1, {address: AgentThen(ONE, status, "", by_hand)})) is state

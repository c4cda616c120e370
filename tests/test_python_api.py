"""What Python programs call: the page about it runs, and its documents are those of the command line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import reconciler
from reconciler import ApplyEvent, ApplyOptions, OpenProject, ReconcilerError, open_project
from reconciler.app.plan.events import ApplyEnded, Began, Concluded, PlanMade, Question
from reconciler.model.errors import Refused

PAGE = Path(__file__).parents[1] / "docs" / "python.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
YES = ApplyOptions(auto_approve=True)


@pytest.fixture
def project(tmp_path: Path) -> OpenProject:
    """A folder to make, and no tmux server."""
    (tmp_path / "reconciler.yaml").write_text(
        f"version: 1\ntmux: {{socket_path: {tmp_path}/none}}\nworkspaces: {{landing-page: {{path: w}}}}\n"
    )
    return open_project(str(tmp_path))


def test_the_examples_of_the_page_run_one_after_the_other(
    project: OpenProject, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project.folder)
    names: dict[str, object] = {}
    for example in EXAMPLES:
        exec(compile(example, PAGE.name, "exec"), names)  # noqa: S102 - a reader would run them, too
    assert capsys.readouterr().out.splitlines() == [
        "workspace.landing-page ['create']",
        "version ",
        "plan ",
        "action_start workspace.landing-page",
        "action_complete workspace.landing-page",
        "summary ",
        "['workspace.landing-page']",
        "[]",
        "True",
        "there is no agent nobody 64",
    ]


def test_the_page_names_everything_that_can_be_imported() -> None:
    text = PAGE.read_text()
    assert [name for name in reconciler.__all__ if name not in text] == []


def test_nothing_is_printed(project: OpenProject, capfd: pytest.CaptureFixture[str]) -> None:
    project.plan()
    list(project.apply(options=YES))
    project.status()
    project.drift()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("words", [["plan"], ["status"], ["drift"]], ids=" ".join)
def test_a_document_is_that_of_the_command_line(project: OpenProject, words: list[str]) -> None:
    list(project.apply(options=YES))
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", "-C", project.folder, *words, "--json"], capture_output=True, check=True
    )
    assert getattr(project, words[0])() == json.loads(done.stdout)


def test_the_lines_of_an_apply_are_those_of_the_command_line(project: OpenProject, tmp_path: Path) -> None:
    told = [event.line for event in project.apply(options=YES) if event.line is not None]
    (tmp_path / "w").rmdir()
    words = ["-C", project.folder, "apply", "--auto-approve", "--json"]
    done = subprocess.run([sys.executable, "-m", "reconciler", *words], capture_output=True, check=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [_shape(line) for line in told] == [_shape(line) for line in lines]
    assert [line["sequence"] for line in told] == list(range(len(told)))


def _shape(line: dict[str, object]) -> list[object]:
    return [line["type"], line.get("address"), line.get("exit_code"), *line]


def test_nothing_happens_before_the_first_event_is_taken(project: OpenProject, tmp_path: Path) -> None:
    project.apply(options=YES)
    assert not (tmp_path / ".hermes").exists()


def test_an_iterator_that_is_closed_early_gives_the_lock_back(project: OpenProject, tmp_path: Path) -> None:
    events = project.apply(options=YES)
    assert isinstance(next(events), Began)
    assert isinstance(next(events), PlanMade)
    assert (tmp_path / ".hermes" / "lock").exists()
    events.close()
    assert not (tmp_path / ".hermes" / "lock").exists()
    assert not (tmp_path / "w").exists()


def test_nobody_is_asked_unless_somebody_can_answer(project: OpenProject, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is not approved"):
        list(project.apply())
    assert not (tmp_path / "w").exists()


def _until_it_fails(events: Iterator[ApplyEvent]) -> Iterator[ApplyEvent]:
    with pytest.raises(ReconcilerError):
        yield from events


def test_an_error_is_told_as_events_and_raised(project: OpenProject) -> None:
    told = list(_until_it_fails(project.apply()))
    assert [event.line["type"] for event in told] == ["version", "plan", "diagnostic", "summary"]
    assert told[-1].exit_code == 7


@pytest.mark.parametrize("agrees", [True, False])
def test_the_answer_is_asked_for_once_and_is_followed(project: OpenProject, tmp_path: Path, agrees: bool) -> None:
    asked: list[Question] = []

    def approve(question: Question) -> bool:
        asked.append(question)
        return agrees

    *_, last = project.apply(options=ApplyOptions(approve=approve))
    assert isinstance(last, ApplyEnded)
    assert (last.exit_code, last.declined) == ((0, False) if agrees else (1, True))
    assert (tmp_path / "w").exists() is agrees
    assert asked == [Question()]


def test_who_interrupts_is_told_that_it_did_not_come_to_its_end(project: OpenProject, tmp_path: Path) -> None:
    events = list(project.apply(options=ApplyOptions(auto_approve=True, interrupted=lambda: True)))
    concluded = next(event for event in events if isinstance(event, Concluded))
    assert (concluded.verdict, events[-1].exit_code) == ("interrupted", 130)
    assert concluded.remaining == ("workspace.landing-page",)
    assert not (tmp_path / "w").exists()


def test_a_saved_plan_is_applied_once(project: OpenProject, tmp_path: Path) -> None:
    saved = tmp_path / "today.plan"
    saved.write_text(json.dumps(project.plan()))
    *_, last = project.apply_saved(str(saved), YES)
    assert last.exit_code == 0
    with pytest.raises(ReconcilerError, match="stale"):
        list(project.apply_saved(str(saved), YES))


def test_an_import_of_the_package_loads_none_of_it() -> None:
    program = "import sys, reconciler; print(sorted(name for name in sys.modules if name.startswith('reconciler')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['reconciler']"


def test_a_type_checker_is_told_that_the_package_has_types() -> None:
    assert Path(reconciler.__file__).with_name("py.typed").exists()


def test_what_is_exported_is_there_and_nothing_else() -> None:
    assert all(getattr(reconciler, name) for name in reconciler.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = reconciler.nonsense

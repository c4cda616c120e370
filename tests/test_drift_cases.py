"""33 harmless changes give no alarm, 30 harmful ones give one each: cases/drift/, a line for each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from in_memory import Project
from test_cases import _overlaid, _read, _staged

from reconciler.model.plan import Mode
from reconciler.plan.drift import strict
from reconciler.plan.request import Request
from reconciler.ports.files import RealFiles
from reconciler.state.registry import Registry, read

CASES = Path(__file__).parent / "cases" / "drift"
LAB, HARMLESS, HARMFUL, UNKNOWN = (_read(CASES / f"{name}.yaml") for name in ("lab", "harmless", "harmful", "unknown"))
KEYS = {"before", "desired", "record", "live", "text", "backwards", "clock", "drift"}


def drift(change: Mapping[str, Any], folder: Path) -> list[str]:
    """The classes of all drift that the change leads to; an error is one, too."""
    assert change.keys() <= KEYS
    story = _overlaid(LAB, {key: change[key] for key in ("before", "record", "live") if key in change})
    story["live"]["sessions"] = change.get("live", {}).get("sessions", {})  # null kills one
    project = _staged(story)
    project.world.clock.elapsed += change.get("clock", 0)
    project.registry = rewritten(project, change, folder)
    desired = _overlaid(story["before"], change.get("desired", {}))
    planned = project.plan(desired, Request(mode=Mode.REFRESH_ONLY))
    plan = strict(planned.plan, planned.sources, planned.options)
    return [*(each.kind for each in plan.drift), *(each.summary for each in plan.errors)]


def rewritten(project: Project, change: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The registry as it is read from a file that somebody wrote in another way."""
    content = backwards(project.registry) if change.get("backwards") else project.registry
    text = yaml.safe_dump(content, sort_keys=False)
    for old, new in change.get("text", {}).items():
        assert old in text
        text = text.replace(old, new)
    file = folder / "agent-sessions.yaml"
    file.write_bytes(text.encode())
    return dict(read(Registry(str(file), str(folder / "cache"), RealFiles())).data)


def backwards(value: Any) -> Any:
    return {key: backwards(value[key]) for key in reversed(value)} if isinstance(value, dict) else value


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS.keys())
def test_a_harmless_change_alarms_nobody(change: Mapping[str, Any], tmp_path: Path) -> None:
    assert drift(change, tmp_path) == []


@pytest.mark.parametrize("change", HARMFUL.values(), ids=HARMFUL.keys())
def test_a_harmful_change_gives_one_alarm(change: Mapping[str, Any], tmp_path: Path) -> None:
    assert drift(change, tmp_path) == [change["drift"]]


@pytest.mark.parametrize("change", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_cannot_be_looked_at_is_an_error_and_no_drift(change: Mapping[str, Any], tmp_path: Path) -> None:
    (told,) = drift(change, tmp_path)
    assert told not in set("ABCDEFGHIJKLM")


def test_there_are_30_of_each_and_every_class_that_harms_is_among_them() -> None:
    assert (len(HARMLESS), len(HARMFUL)) == (33, 30)
    assert {change["drift"] for change in HARMFUL.values()} == set("ABDEFGHJKL")

"""The alarm is quiet and sure: of thirty harmless changes it tells none, of thirty harmful ones each."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from in_memory import Planned
from ruamel.yaml import YAML
from test_cases import _staged

from reconciler.cli.wire import Request
from reconciler.model.plan import Mode
from reconciler.plan.alarm import strict
from reconciler.render.drift import drift_document

FOLDER = Path(__file__).parent / "cases" / "drift"
BASE, HARMLESS, HARMFUL = (
    YAML(typ="safe", pure=True).load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    for name in ("base", "harmless", "harmful")
)


def _upon(below: Any, above: Any) -> Any:
    """`below` with what `above` says; a null says that something goes."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    return {**below, **{key: _upon(below.get(key), value) for key, value in above.items()}}


def _checked(change: dict[str, Any]) -> tuple[Planned, list[str]]:
    """The check after the change, and what it tells: classes, or an error."""
    told = {key: _upon(BASE[key], change.get(key, {})) for key in ("record", "live")}
    project = _staged({"before": BASE["before"], **deepcopy(told)})
    desired = _upon(BASE["desired"], change.get("manifest", {}))
    planned = project.plan(desired, Request(mode=Mode.REFRESH_ONLY))
    plan = strict(planned.plan, planned.snapshot)
    document = drift_document(plan)
    said = [each["class"] for each in document["drifts"]] or ["error" for _ in plan.errors]
    assert document["in_sync"] is not bool(said)
    return planned, said


@pytest.mark.parametrize("change", HARMLESS.values(), ids=list(HARMLESS))
def test_a_harmless_change_raises_no_alarm(change: dict[str, Any]) -> None:
    planned, said = _checked(change)
    assert said == [], planned.plan.found


@pytest.mark.parametrize("change", HARMFUL.values(), ids=list(HARMFUL))
def test_a_harmful_change_raises_its_alarm(change: dict[str, Any]) -> None:
    planned, said = _checked(change)
    assert said == change["told"].split(), planned.plan.found


def test_there_are_thirty_of_each_and_every_class_is_among_them() -> None:
    assert (len(HARMLESS), len(HARMFUL)) == (30, 30)
    letters = {letter for change in HARMFUL.values() for letter in change["told"].split()}
    assert letters == {*"ABCDEFGHIJKL", "error"}

"""Two hosts that would do the same have one shape; any other work has another one."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_memory import Planned, Project
from strategies import SCENES, Scene, staged

from reconciler.app.plan.plans import options_of
from reconciler.model.record import ProjectIdentity, ShortNames
from reconciler.render.document import Whose, plan_document
from reconciler.render.documents.plan import PlanDoc
from reconciler.render.shape import shape_of

# Each of these is part of no other one, but some begin alike.
HOMES = st.sampled_from(
    [("/home/r", "/home/r/lab"), ("/home/u", "/home/u/code/lab"), ("/home/u2", "/srv/lab"), ("/h", "/lab2")]
)
HOSTS = st.sampled_from(["build-1", "build-2.example.org", "h"])
few = settings(max_examples=25)


def document(project: Project, planned: Planned, host: str) -> PlanDoc:
    paths = [(project.root, "."), (project.home, "~")]
    identity = ProjectIdentity(host, host, "u", project.home, project.root, planned.record.lineage)
    return plan_document(planned.plan, options_of(planned.request), Whose(identity, ShortNames(tuple(paths), host)))


@few
@given(SCENES, HOMES, HOSTS)
def test_the_same_manifests_in_two_homes_have_one_shape(scene: Scene, there: tuple[str, str], host: str) -> None:
    home, root = there
    here, other = staged(scene), staged(scene, Project(root=root, home=home))
    one = document(here, here.plan(scene.desired), "here")
    two = document(other, other.plan(scene.desired), host)
    assert one["shape"] == two["shape"]
    assert one["digest"] != two["digest"], "approval must not go from one host to the other"


@few
@given(SCENES)
def test_conversations_lineage_and_serial_are_not_in_the_shape(scene: Scene) -> None:
    project = staged(scene)
    planned = project.plan(scene.desired)
    one = document(project, planned, "here")
    changes = deepcopy(one["resource_changes"])
    for change in changes:
        if change["conversation"] and change["conversation"]["id"]:
            change["conversation"]["id"] = "another"
    if any("id-" in each["summary"] for each in one["diagnostics"]):
        return
    names = ShortNames(((project.root, "."), (project.home, "~")), "here")
    assert shape_of(changes, one["resource_drift"], one["diagnostics"], names) == one["shape"]


CHANGE: dict[str, Any] = {
    "address": "agent.lab.claude",
    "kind": "agent",
    "session": "lab-creator-claude",
    "actions": ["delete", "create"],
    "reason": "spec_changed",
    "note": "",
    "changes": [
        {"path": "cwd", "op": "replace", "before": "/home/u/lab/w", "after": "/home/u/w", "sensitive": False},
        {"path": "args", "op": "replace", "before": ["-v"], "after": ["--host", "h1"], "sensitive": False},
        {"path": "env.TOKEN", "op": "add", "before": None, "after": None, "sensitive": True},
    ],
    "steps": [],
    "conversation": {"mode": "resume", "id": "ses_1"},
    "file": "reconciler.yaml",
    "line": 3,
}
DRIFT: dict[str, Any] = {
    "class": "J",
    "session": "broker.bus",
    "address": "broker.bus",
    "message": "edited",
    "before": None,
    "after": None,
    "path": "/home/u/lab/bus/mosquitto.conf",
    "file": "",
    "line": 0,
}
SAID: dict[str, Any] = {
    "severity": "warning",
    "summary": "pid 12 has conversation ses_1 since 2026-11-30T10:00:00Z",
    "detail": "",
    "address": "agent.lab.claude",
    "file": "",
    "line": 0,
    "column": 0,
    "fix": "",
}
NAMES = ShortNames((("/home/u/lab", "."), ("/home/u", "~")), "h1")
THERE = ShortNames((("/srv/lab", "."), ("/root", "~")), "h2")


def shape(change: Any = CHANGE, drift: Any = DRIFT, said: Any = SAID, names: ShortNames = NAMES) -> str:
    return shape_of([change], [drift], [said], names)


def edited(document: Any, edit: Callable[[Any], object]) -> Any:
    copy = deepcopy(document)
    edit(copy)
    return copy


OTHER_WORK: dict[str, dict[str, Callable[[Any], object]]] = {
    "change": {
        "address": lambda change: change.update(address="agent.lab.other"),
        "actions": lambda change: change.update(actions=["create"]),
        "reason": lambda change: change.update(reason="requested"),
        "path": lambda change: change["changes"][0].update(path="role"),
        "op": lambda change: change["changes"][0].update(op="add"),
        "before": lambda change: change["changes"][0].update(before="/home/u/lab/x"),
        "after": lambda change: change["changes"][0].update(after="/home/u2/w"),
        "an item of a list": lambda change: change["changes"][1].update(after=["--host", "h2"]),
        "a change less": lambda change: change["changes"].pop(),
        "a secret more": lambda change: change["changes"][2].update(path="env.OTHER"),
    },
    "drift": {
        "class": lambda drift: drift.update({"class": "D"}),
        "address": lambda drift: drift.update(address=None),
        "path": lambda drift: drift.update(path="/home/u/lab/bus/acl"),
    },
    "said": {
        "severity": lambda said: said.update(severity="error"),
        "summary": lambda said: said.update(summary="something else"),
        "address": lambda said: said.update(address=""),
    },
}


@pytest.mark.parametrize(("part", "field"), [(part, name) for part, edits in OTHER_WORK.items() for name in edits])
def test_any_change_of_one_field_gives_another_shape(part: str, field: str) -> None:
    given = {"change": CHANGE, "drift": DRIFT, "said": SAID}[part]
    assert shape(**{part: edited(given, OTHER_WORK[part][field])}) != shape()


SAME_WORK: dict[str, dict[str, Callable[[Any], object]]] = {
    "change": {
        "another conversation": lambda change: change["conversation"].update(id="ses_2"),
        "the place in the manifest": lambda change: change.update(file="manifests/a.yaml", line=9),
        "a secret": lambda change: change["changes"][2].update(after="sesame"),
    },
    "drift": {"values": lambda drift: drift.update(before=1, after=2, message="edited at noon")},
    "said": {
        "a pid": lambda said: said.update(summary=said["summary"].replace("12", "4711")),
        "a time": lambda said: said.update(summary=said["summary"].replace("10:00:00", "11:11:11")),
        "an id": lambda said: said.update(detail="ses_9"),
    },
}


@pytest.mark.parametrize(("part", "field"), [(part, name) for part, edits in SAME_WORK.items() for name in edits])
def test_what_is_only_true_here_is_not_in_the_shape(part: str, field: str) -> None:
    given = {"change": CHANGE, "drift": DRIFT, "said": SAID}[part]
    if (part, field) == ("change", "another conversation"):
        said = edited(SAID, lambda each: each.update(summary=each["summary"].replace("ses_1", "ses_2")))
        assert shape(edited(given, SAME_WORK[part][field]), said=said) == shape()
        return
    assert shape(**{part: edited(given, SAME_WORK[part][field])}) == shape()


def test_folders_and_host_of_another_machine_have_the_same_shape() -> None:
    change = edited(CHANGE, lambda each: each["changes"][0].update(before="/srv/lab/w", after="/root/w"))
    change["changes"][1]["after"] = ["--host", "h2"]
    drift = edited(DRIFT, lambda each: each.update(path="/srv/lab/bus/mosquitto.conf"))
    assert shape(change, drift, names=THERE) == shape()
    assert shape(change, drift, names=NAMES) != shape()


def test_what_stays_as_it_is_has_no_part_in_the_shape() -> None:
    still = edited(CHANGE, lambda each: each.update(actions=["no-op"]))
    assert shape_of([CHANGE, still], [DRIFT], [SAID], NAMES) == shape()
    assert shape_of([still], [], [], NAMES) == shape_of([], [], [], ShortNames())

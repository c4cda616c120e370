"""What differs on a machine where nothing of the project lives: what the files tell, and nothing else."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from in_memory import HOME, Project
from msgspec.structs import replace

from reconciler.agents.catalogue import catalogue
from reconciler.kinds.agent.case import PlanOptions
from reconciler.manifest import ManifestContext, Source, load
from reconciler.model.action import Verb
from reconciler.model.address import Address, broker_address
from reconciler.model.broker import Survey
from reconciler.model.observed import ABSENT, Observed, Present, Unknown
from reconciler.model.plan import Plan
from reconciler.model.snapshot import Snapshot
from reconciler.observe import recorded_as_live
from reconciler.plan.diff import diff
from reconciler.plan.offline import offline, unseen
from reconciler.plan.scope import EVERYTHING
from reconciler.plan.sources import Sources
from reconciler.state.rows import record_from

MANIFEST: dict[str, Any] = {
    "version": 1,
    "workspaces": {
        "w": {
            "path": "~/w",
            "agents": {
                "claude": {"env": {"MODE": "test", "TOKEN": {"from_env": "MY_TOKEN"}, "KEY": {"from_file": "~/key"}}},
                "quiet": {"type": "claude", "state": "stopped"},
            },
        },
        "tree": {"path": "tree", "git": {"repo": "~/repo", "branch": "wt"}},
    },
}


@pytest.fixture(scope="module")
def applied() -> dict[str, Any]:
    """The registry after an apply on the machine where the agents are."""
    project = Project()
    project.env["MY_TOKEN"] = "the token"
    project.world.files.put(f"{HOME}/key", b"the key")
    project.world.files.add_repo(f"{HOME}/repo", "main")
    project.apply(project.plan(MANIFEST))
    return project.registry


def _compare(
    manifest: dict[str, Any], registry: dict[str, Any], brokers: dict[Address, Observed[Survey]] | None = None
) -> Plan:
    """As a runner does: another home and project folder, another environment."""
    around = ManifestContext("/runner/project", "/runner/home", {"MY_TOKEN": "of the runner"}, "lab")
    desired = load([Source("m.yaml", json.dumps(manifest).encode())], around, ["claude"]).desired
    record = record_from(registry)
    sources = Sources(
        desired,
        record,
        recorded_as_live(record, Snapshot(brokers=brokers or {})),
        catalogue(desired.agent_types.values()),
    )
    return diff(offline(sources), PlanOptions(lineage=record.lineage, now="2030-01-01T00:00:00Z"), EVERYTHING)


def _told(plan: Plan) -> dict[str, tuple[str, list[str]]]:
    """The reason and the fields of every change; of something new, none."""
    return {
        str(action.address): (
            action.reason.value,
            [each.path for each in action.changes] if action.verb is not Verb.CREATE else [],
        )
        for action in plan.pending
    }


def test_what_was_applied_differs_in_nothing_on_another_machine(applied: dict[str, Any]) -> None:
    plan = _compare(MANIFEST, applied)
    assert (plan.pending, plan.all_drift, plan.errors) == ((), (), ())
    assert plan.in_sync


def _edited(**agents: Any) -> dict[str, Any]:
    manifest = deepcopy(MANIFEST)
    for name, said in agents.items():
        if said is None:
            del manifest["workspaces"]["w"]["agents"][name]
        else:
            manifest["workspaces"]["w"]["agents"].setdefault(name, {}).update(said)
    return manifest


ENV = MANIFEST["workspaces"]["w"]["agents"]["claude"]["env"]


@pytest.mark.parametrize(
    ("agents", "expected"),
    [
        ({"claude": {"args": ["-v"]}}, {"agent.w.claude": ("spec_changed", ["args"])}),
        ({"claude": {"env": {**ENV, "MODE": "prod"}}}, {"agent.w.claude": ("spec_changed", ["env.MODE"])}),
        ({"claude": {"env": {**ENV, "NEW": {"from_env": "X"}}}}, {"agent.w.claude": ("spec_changed", ["env.NEW"])}),
        ({"claude": {"env": {"MODE": "test"}}}, {"agent.w.claude": ("spec_changed", ["env.KEY", "env.TOKEN"])}),
        ({"claude": {"protect": True}}, {"agent.w.claude": ("label_changed", ["protect"])}),
        ({"claude": {"role": "reviewer"}}, {"agent.w.claude": ("session_renamed", ["session", "role"])}),
        ({"claude": {"state": "stopped"}}, {"agent.w.claude": ("state_changed", ["state"])}),
        ({"claude": None}, {"agent.w.claude": ("not_declared", ["session"])}),
        ({"new": {"type": "claude", "env": {"T": {"from_env": "X"}}}}, {"agent.w.new": ("declared", [])}),
        ({"quiet": {"state": "running"}}, {"agent.w.quiet": ("declared", [])}),
    ],
)
def test_what_the_manifests_changed_since_is_pending(
    applied: dict[str, Any], agents: dict[str, Any], expected: dict[str, Any]
) -> None:
    plan = _compare(_edited(**agents), applied)
    assert plan.errors == ()
    assert _told(plan) == expected


def test_the_value_of_a_secret_that_is_new_is_not_told(applied: dict[str, Any]) -> None:
    plan = _compare(_edited(claude={"env": {**ENV, "NEW": {"from_env": "MY_TOKEN"}}}), applied)
    [change] = plan.pending[0].changes
    assert (change.path, change.sensitive, change.after) == ("env.NEW", True, None)
    assert "of the runner" not in repr(plan)


def test_a_workspace_that_is_new_or_gone_is_pending(applied: dict[str, Any]) -> None:
    manifest = deepcopy(MANIFEST)
    manifest["workspaces"]["more"] = {"path": "more"}
    del manifest["workspaces"]["tree"]
    assert _told(_compare(manifest, applied)) == {
        "workspace.more": ("declared", []),
        "workspace.tree": ("not_declared", ["path"]),
    }


def test_what_cannot_be_known_is_said() -> None:
    desired = load(
        [Source("m.yaml", b"version: 1\nbroker: {}\n")], ManifestContext("/p", "/h", {}, "p"), ["claude"]
    ).desired
    address = broker_address("main")
    answers = {
        "its files are not on this machine": ABSENT,
        "no rights": Unknown("no rights"),
        "its process, keys, passwords and certificates (classes K and L)": Present(Survey(made=True)),
    }
    for words, found in answers.items():
        sentences = list(unseen(desired, Snapshot(brokers={address: found})))
        assert sentences[-1] == f"broker.main: {words}"
        assert sentences[0].startswith("tmux, processes and conversations")
    assert not any("accepted" in each for each in unseen(replace(desired, accepts=()), Snapshot()))


BROKER = {"version": 1, "workspaces": {}, "broker": {}}


@pytest.mark.parametrize(
    ("recorded", "manifest", "expected"),
    [
        ({"dir": "/there/broker", "target": "process"}, BROKER, {}),
        ({"dir": "/there/broker", "target": "docker"}, BROKER, {"broker.main": ("spec_changed", ["target"])}),
        ({"dir": "/there/broker", "target": "process"}, {"version": 1}, {"broker.main": ("not_declared", ["process"])}),
        ({"dir": "/there/broker", "target": "docker"}, {"version": 1}, {"broker.main": ("not_declared", [])}),
        (None, BROKER, {"broker.main": ("declared", [])}),
    ],
    ids=["as recorded", "another target", "removed", "removed from docker", "new"],
)
def test_a_broker_is_held_against_its_row(
    recorded: dict[str, str] | None, manifest: dict[str, Any], expected: dict[str, Any]
) -> None:
    registry = {"version": 1, "lineage": "ours", "serial": 1, "brokers": {"main": recorded} if recorded else {}}
    found: Observed[Survey] = Present(Survey(made=True)) if recorded else ABSENT
    assert _told(_compare(manifest, registry, {broker_address("main"): found})) == expected

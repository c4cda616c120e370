"""What holds for every manifest, every registry and every live world."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from itertools import count
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from in_memory import Planned, Project
from jsonschema import Draft7Validator
from strategies import SCENES, SECRETS, Scene, is_ours, staged

from reconciler.model.action import Verb
from reconciler.model.address import Address, agent_address
from reconciler.model.event import ActionFailed, ActionStarted
from reconciler.model.generation import AgentThen
from reconciler.model.observed import Present
from reconciler.model.plan import Mode, Plan
from reconciler.model.snapshot import Pane
from reconciler.model.step import StartSession
from reconciler.plan.request import Goal, Request
from reconciler.render.events import event_document, event_text
from reconciler.render.text import plan_text
from reconciler.state.rows import record_from
from reconciler.state.schemas import load_schema

PLANS, EVENTS, REGISTRIES = (Draft7Validator(load_schema(name)) for name in ("plan", "event", "registry"))
few = settings(max_examples=70)


@few
@given(SCENES)
def test_the_same_input_gives_the_same_plan(scene: Scene) -> None:
    one, other = staged(scene), staged(scene)
    assert one.plan(scene.desired).document == other.plan(scene.desired).document


@few
@given(SCENES, st.integers())
def test_the_order_of_what_is_written_and_seen_does_not_matter(scene: Scene, seed: int) -> None:
    project = staged(scene)
    before = project.plan(scene.desired).plan
    shuffle = Random(seed).shuffle  # noqa: S311 - no secret
    project.registry = _shuffled(project.registry, shuffle)
    project.world.tmux._panes = _shuffled(project.world.tmux._panes, shuffle, deep=False)
    after = project.plan(_shuffled(scene.desired, shuffle)).plan
    assert _essence(after) == _essence(before)


def _shuffled(value: Any, shuffle: Any, *, deep: bool = True) -> Any:
    if not isinstance(value, Mapping):
        return value
    keys = list(value)
    shuffle(keys)
    return {key: _shuffled(value[key], shuffle) if deep else value[key] for key in keys}


def _essence(plan: Plan) -> object:
    """The plan, but for the digest of bytes, the places in them and the order of remarks."""
    drift = sorted((drift.kind, drift.session, drift.message) for drift in plan.drift)
    actions = [(a.address, a.verb, a.reason, sorted(map(repr, a.changes)), a.conversation) for a in plan.actions]
    return (
        actions,
        drift,
        sorted((d.severity, d.summary, d.address) for d in plan.diagnostics),
        sorted(each.session for each in plan.unmanaged),
    )


@few
@given(SCENES)
def test_an_apply_does_what_was_planned_in_its_order_and_leaves_only_what_is_deferred(scene: Scene) -> None:
    project = staged(scene)
    planned = project.plan(scene.desired)
    if planned.plan.errors:
        return
    told = project.apply(planned)
    assert not [event for event in told if isinstance(event, ActionFailed)]
    assert list(dict.fromkeys(event.address for event in told)) == [action.address for action in planned.plan.pending]
    begun = [event.address for event in told if isinstance(event, ActionStarted)]
    assert len(begun) == len(set(begun))
    _assert_settled(project, scene)
    REGISTRIES.validate(project.registry or {"version": 1, "lineage": "x", "serial": 0})


def _assert_settled(project: Project, scene: Scene) -> None:
    plan = project.plan(scene.desired).plan
    assert {action.verb for action in plan.pending} <= {Verb.DEFER}
    assert not plan.errors
    assert not plan.all_drift


@few
@given(SCENES, st.integers(min_value=0, max_value=25), st.integers(min_value=0, max_value=25))
def test_an_apply_that_was_cut_short_is_finished_by_the_next_one(scene: Scene, events: int, asked: int) -> None:
    project = staged(scene)
    planned = project.plan(scene.desired)
    if planned.plan.errors:
        return
    questions = count()
    project.apply(planned, interrupted=lambda: next(questions) >= asked, events=events)
    again = project.plan(scene.desired)
    assert not again.plan.errors
    project.apply(again)
    _assert_settled(project, scene)


@few
@given(SCENES)
def test_conversations_stay_listed_whatever_happens(scene: Scene) -> None:
    project = staged(scene)
    before = _conversations(project)
    planned = project.plan(scene.desired)
    if not planned.plan.errors:
        project.apply(planned)
    assert _conversations(project) >= before


def _conversations(project: Project) -> set[tuple[str, str, str]]:
    found = set()
    for workspace, row in project.registry.get("workspaces", {}).items():
        for agent, identity in row.get("agent_identities", {}).items():
            ids = (identity["session_id"], *identity["previous"])
            found |= {(workspace, agent, each) for each in ids if each}
    return found


_OPERATIONS = st.lists(
    st.sampled_from(["apply", "refresh", "fresh", "replace", "import", "delete", "destroy", "back", "an older tool"]),
    min_size=1,
    max_size=4,
)


@few
@given(SCENES, _OPERATIONS, st.randoms(use_true_random=False))
def test_no_operation_makes_a_recorded_conversation_vanish(scene: Scene, operations: list[str], chance: Random) -> None:
    project, manifest = staged(scene), dict(scene.desired)
    for operation in operations:
        if operation == "an older tool":
            _write_as_an_older_tool(project)
        known = _recorded(project)
        request, manifest = _asked(operation, manifest, project, chance)
        planned = project.plan(manifest, request)
        if not planned.plan.errors:
            project.apply(planned)
        assert _recorded(project) >= known, operation
    REGISTRIES.validate(project.registry or {"version": 1, "lineage": "x", "serial": 0})


def _recorded(project: Project) -> set[tuple[str, str]]:
    return {(id_, str(address)) for id_, address in record_from(project.registry).conversations()}


def _write_as_an_older_tool(project: Project) -> None:
    """Ids in the rows, some of them in nothing else."""
    for number, (name, row) in enumerate(sorted(project.registry.get("sessions", {}).items())):
        row |= {f"{row['agent']}_session_id_own": f"older-{name}", "resumable": True}
        if number % 2:
            place = project.registry.get("workspaces", {}).get(row["workspace"], {})
            place.get("agent_identities", {}).pop(row["agent"], None)


def _asked(
    operation: str, manifest: dict[str, Any], project: Project, chance: Random
) -> tuple[Request, dict[str, Any]]:
    rows = [row.address for row in record_from(project.registry).sessions.values()]
    agents = [agent_address(w, name) for w, place in manifest["workspaces"].items() for name in place["agents"]]
    chosen = chance.choice(agents or [agent_address("w", "a")])
    then, sessions = AgentThen("", "running", f"earlier-{chosen}"), sorted(project.world.tmux._panes) or ["none"]
    requests = {
        "refresh": Request(mode=Mode.REFRESH_ONLY),
        "destroy": Request(mode=Mode.DESTROY),
        "replace": Request(replace=(chosen,) if agents else (), force=True),
        "import": Request(imports={chosen: chance.choice(sessions)} if agents else {}),
        "delete": Request(deletes=frozenset(rows[:1]), force=True),
        "back": Request(goal=Goal(1, {chosen: then}), force=True),
    }
    after = _with(manifest, chosen, resume="never") if operation == "fresh" else manifest
    return requests.get(operation, Request()), after


def _with(manifest: Mapping[str, Any], address: Address, **fields: Any) -> dict[str, Any]:
    after = deepcopy(dict(manifest))
    if address.agent in after["workspaces"].get(address.workspace, {"agents": {}})["agents"]:
        after["workspaces"][address.workspace]["agents"][address.agent] |= fields
    return after


@few
@given(SCENES)
def test_no_shown_change_means_that_an_apply_does_nothing(scene: Scene) -> None:
    project = staged(scene)
    planned = project.plan(scene.desired)
    if planned.plan.errors:
        assert not planned.plan.in_sync
        return
    changes = [action for action in planned.plan.pending if action.verb is not Verb.DEFER]
    shown = [change for change in planned.document["resource_changes"] if change["actions"] != ["no-op"]]
    assert planned.plan.in_sync is not bool(shown)
    before = project.state()
    project.apply(planned)
    assert (project.state() != before) is bool(changes or planned.plan.all_drift)


@few
@given(SCENES)
def test_what_is_not_ours_is_never_touched(scene: Scene) -> None:
    project = staged(scene)
    foreign = [pane for pane in _panes(project) if not is_ours(pane)]
    planned = project.plan(scene.desired)
    if not planned.plan.errors:
        project.apply(planned)
    assert [pane for pane in _panes(project) if not is_ours(pane)] == foreign


def _panes(project: Project) -> list[Pane]:
    look = project.world.tmux.look()
    return sorted(look.value.panes, key=lambda pane: pane.session_id) if isinstance(look, Present) else []


@few
@given(SCENES)
def test_an_unknown_tmux_starts_ends_and_changes_nothing(scene: Scene) -> None:
    project = staged(scene)
    project.world.tmux.unknown = "timed out"
    plan = project.plan(scene.desired).plan
    assert (plan.actions, plan.drift) == ((), ())
    assert plan.errors


@few
@given(SCENES)
def test_unreadable_folders_and_conversations_are_left_alone(scene: Scene) -> None:
    project = staged(scene)
    known = {(workspace, agent) for workspace, agent, _ in _conversations(project)}
    transcripts = "/home/u/.claude/projects"
    project.world.files.make_folder(transcripts)
    project.world.files.unreadable |= dict.fromkeys(["/lab/v", "/lab/w", transcripts], "Permission denied")
    plan = project.plan(scene.desired).plan
    assert not [action for action in plan.pending if action.address.kind == "workspace" and _touches_disk(action)]
    starts = [step for action in plan.actions for step in action.steps if isinstance(step, StartSession)]
    resumable = [step for step in starts if step.type == "claude" and step.conversation.id]
    assert not [step for step in resumable if (step.address.workspace, step.address.agent) in known]


def _touches_disk(action: Any) -> bool:
    return any(step.do != "write_registry" for step in action.steps)


@few
@given(SCENES)
def test_no_secret_reaches_the_plan_the_events_the_screen_or_the_registry(scene: Scene) -> None:
    project = staged(scene)
    planned = project.plan(scene.desired)
    told = [] if planned.plan.errors else project.apply(planned)
    lines = [event_document(event, number, "") for number, event in enumerate(told)]
    shown = [*plan_text(planned.document), *plan_text(planned.document, full=True)]
    said = [sentence for line in lines for sentence in event_text(line)]
    everything = json.dumps([planned.document, lines, shown, said, project.registry])
    assert not [secret for secret in SECRETS if secret in everything]


@few
@given(SCENES)
def test_documents_are_as_published(scene: Scene) -> None:
    project = staged(scene)
    planned = project.plan(scene.desired)
    PLANS.validate(planned.document)
    told = [] if planned.plan.errors else project.apply(planned)
    for number, event in enumerate(told):
        EVENTS.validate(event_document(event, number, "2026-01-01T00:00:00.000Z"))


@few
@given(SCENES)
def test_planning_changes_nothing(scene: Scene) -> None:
    project = staged(scene)
    before = deepcopy(project.state())
    _: Planned = project.plan(scene.desired)
    assert project.state() == before

"""A step is done in its own phase, whatever else its action does."""

from __future__ import annotations

from fakes.world import FakeWorld

from reconciler.apply.run import Run
from reconciler.apply.walk import apply
from reconciler.model.action import Action, Verb
from reconciler.model.address import workspace_address
from reconciler.model.event import ActionDone
from reconciler.model.plan import Mode, Plan
from reconciler.model.step import MakeFolder, RemoveFolder


def test_a_folder_goes_only_after_everything_that_is_made():
    world = FakeWorld()
    world.files.make_folder("/old")
    steps = (RemoveFolder("/old"), MakeFolder("/new"))
    plan = Plan(Mode.NORMAL, "ours", 1, "", (Action(workspace_address("w"), Verb.REPLACE, steps=steps),))
    run = Run(
        lineage="ours",
        now="2026-01-01T00:00:00Z",
        new_id=str,
        interrupted=lambda: False,
        secrets={},
        keep="/kept",
    )

    seen = [
        world.files.folders & {"/old", "/new"} for event in apply(plan, world, run) if isinstance(event, ActionDone)
    ]

    assert seen == [{"/old", "/new"}, {"/new"}]

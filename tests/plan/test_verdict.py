"""How far a run came, and whether a saved plan may be applied: decided from values alone."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.model.action import Verb
from reconciler.model.address import agent_address
from reconciler.model.event import ActionDone, ActionFailed, ActionSkipped, PromptUnverified
from reconciler.plan.saved import Basis, stale, unapproved, unexpected
from reconciler.plan.totals import Totals

ONE = agent_address("lab", "one")
DONE = ActionDone(ONE, Verb.CREATE)
FAILED = ActionFailed(ONE, Verb.CREATE, "why")
SKIPPED = ActionSkipped(ONE, Verb.DEFER, "why")
UNVERIFIED = PromptUnverified(ONE, Verb.CREATE, "why")
HERE = ("id", "h1", "/lab")
BASIS = Basis(lineage="a", serial=1, manifest_digest="m", place=HERE, work=["start"], facts="f")


@pytest.mark.parametrize(
    ("events", "verdict", "code"),
    [
        ((), "done", 0),
        ((DONE,), "done", 0),
        ((DONE, FAILED), "partial", 3),
        ((DONE, UNVERIFIED), "partial", 3),
        ((FAILED, SKIPPED), "failed", 1),
        ((SKIPPED,), "refused", 7),
    ],
)
def test_a_run_is_judged_by_what_is_not_as_planned(events, verdict, code):
    totals = Totals()
    for event in events:
        totals.add(event)
    assert (totals.verdict, totals.verdict.exit_code) == (verdict, code)


def test_an_interrupted_run_is_that_whatever_it_has_done():
    assert Totals(interrupted=True).verdict.exit_code == 130


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"serial": 2}, r"serial 1 then, 2 now"),
        ({"manifest_digest": "n"}, "manifests have changed"),
        ({"facts": "g"}, "live sessions"),
        ({"work": []}, "live sessions"),
    ],
)
def test_a_stale_plan_says_what_has_changed(change, why):
    now = replace(BASIS, **change, **({} if change.keys() & {"facts", "work"} else {"facts": "g"}))
    assert why in stale(BASIS, now).detail


@pytest.mark.parametrize(
    ("then", "what"),
    [
        ({"lineage": "b"}, "registry"),
        ({"lineage": "b", "place": ("id2", "h2", "/lab")}, "registry"),
        ({"lineage": "", "place": ("id2", "h2", "/lab")}, "machine"),
        ({"lineage": "", "place": ("id", "h2", "/lab")}, "machine"),
        ({"lineage": "", "place": ("id", "h1", "/other")}, "project folder"),
        ({"place": ()}, "machine"),
    ],
)
def test_a_plan_of_another_place_is_named_as_such(then, what):
    error = stale(replace(BASIS, facts="g", **then), BASIS)
    assert (error.summary, error.exit_code) == (f"the plan is for another {what}", 5)


@pytest.mark.parametrize(("expected", "fits"), [("", True), ("sha256:abc", True), ("abc", True), ("sha256:abd", False)])
def test_a_plan_that_is_made_now_is_the_expected_one(expected, fits):
    assert (unexpected(expected, "abc") is None) is fits


def test_a_plan_is_fresh_while_work_and_facts_are_the_same():
    assert stale(BASIS, replace(BASIS, serial=1)) is None


@pytest.mark.parametrize(("digest", "fits"), [("", True), ("abc", True), ("sha256:abc", True), ("sha256:abd", False)])
def test_a_saved_plan_is_the_one_that_was_approved(digest, fits):
    assert (unapproved(digest, "abc") is None) is fits

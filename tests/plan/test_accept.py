"""Which drift is news, for whom, and until when."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.kinds.agent.case import PlanOptions
from reconciler.model.address import agent_address, broker_address
from reconciler.model.desired import Accept, Desired, Socket
from reconciler.model.diagnostic import Diagnostic, Place, Severity
from reconciler.model.drift_class import DriftClass
from reconciler.model.observed import Unknown
from reconciler.model.plan import Drift, Mode, Plan
from reconciler.model.record import Record
from reconciler.model.snapshot import Snapshot
from reconciler.plan.accept import expiries, judge_drift, useless
from reconciler.plan.drift import strict
from reconciler.plan.sources import Sources

NOW = "2030-01-31T23:59:59Z"
GONE = Drift(
    DriftClass.SESSION_GONE,
    "w-creator-claude",
    agent_address("w", "claude"),
    "gone",
    "running",
    "terminated",
    path="status",
)
MOVED = Drift(DriftClass.MOVED, "w-creator-claude", agent_address("w", "claude"), "moved", "/a", "/b", path="pane.cwd")
STRANGER = Drift(DriftClass.ALIVE, "w-creator-other", None, "found", None, "running", path="status")
EDITED = Drift(
    DriftClass.BROKER_EDITED, "", broker_address("main"), "edited", "as written", "changed", path="etc/mosquitto/acl"
)
ALL = (GONE, MOVED, STRANGER, EDITED)


def _accept(address: str = "agent.w.claude", path: str = "A", until: str = "2030-01-31") -> Accept:
    return Accept(address, path, until, "ann", "a known thing", Place("m.yaml", 7, 5))


@pytest.mark.parametrize(
    ("address", "path", "covered"),
    [
        ("agent.w.claude", "A", GONE),
        ("agent.w.claude", "status", GONE),
        ("w-creator-claude", "A", GONE),
        ("agent.w.claude", "pane.cwd", MOVED),
        ("w-creator-other", "B", STRANGER),
        ("broker.main", "etc/mosquitto/acl", EDITED),
        ("broker.main", "J", EDITED),
    ],
)
def test_one_drift_is_accepted_by_its_address_or_session_and_its_class_or_field(
    address: str, path: str, covered: Drift
) -> None:
    verdict = judge_drift(ALL, [_accept(address, path)], NOW)
    assert [each.drift for each in verdict.accepted] == [covered]
    assert verdict.drift == tuple(each for each in ALL if each is not covered)
    assert (verdict.expired, verdict.unused) == ((), ())


@pytest.mark.parametrize(
    ("address", "path"),
    [("agent.w.other", "A"), ("agent.w.claude", "B"), ("agent.w.claude", "pane"), ("w", "A"), ("None", "B")],
)
def test_what_accepts_nothing_is_a_mistake_with_its_place(address: str, path: str) -> None:
    verdict = judge_drift(ALL, [_accept(address, path)], NOW)
    assert (verdict.drift, verdict.accepted) == (ALL, ())
    [mistake] = useless(verdict.unused)
    assert mistake.summary == f"there is no drift {path} of {address} to accept"
    assert (mistake.severity, mistake.place) == (Severity.ERROR, Place("m.yaml", 7, 5))
    assert mistake.fix.startswith("remove the entry")


@pytest.mark.parametrize(("until", "silent"), [("2030-01-31", True), ("2030-02-01", True), ("2030-01-30", False)])
def test_it_is_silent_through_its_last_day_and_says_so_afterwards(until: str, silent: bool) -> None:
    verdict = judge_drift([GONE], [_accept(until=until)], NOW)
    assert (verdict.drift == ()) is silent
    assert [each.severity for each in expiries(verdict.expired)] == ([] if silent else [Severity.WARNING])


def test_what_is_over_and_accepts_nothing_any_more_is_only_useless() -> None:
    verdict = judge_drift([], [_accept(until="2029-12-31")], NOW)
    assert (len(verdict.expired), len(verdict.unused)) == (0, 1)


# --- the check ----------------------------------------------------------------------------------


NOTHING = Sources(Desired("p", Socket(), {}, {}, {}, ""), Record(), Snapshot(), {})


def test_a_check_complains_of_what_accepts_nothing() -> None:
    plan = strict(Plan(Mode.REFRESH_ONLY, "", 0, "", unused=(_accept(),)), NOTHING, PlanOptions())
    assert [each.summary for each in plan.errors] == ["there is no drift A of agent.w.claude to accept"]


def test_a_check_that_could_not_look_everywhere_says_so_and_judges_no_acceptance() -> None:
    trouble = Diagnostic(Severity.ERROR, "tmux could not be asked")
    plan = Plan(Mode.REFRESH_ONLY, "", 0, "", unused=(_accept(),), diagnostics=(trouble,))
    blind = Snapshot(
        brokers={broker_address("main"): Unknown("no rights")}, artifacts={agent_address("w", "a"): Unknown("no disk")}
    )
    plan = strict(plan, replace(NOTHING, snapshot=blind), PlanOptions())
    assert [(each.summary, each.detail) for each in plan.errors] == [
        ("tmux could not be asked", ""),
        ("cannot look at broker.main", "no rights"),
        ("cannot look at the conversation of agent.w.a", "no disk"),
    ]

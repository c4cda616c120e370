"""The same faults of jobs, in other surroundings: a broker of MQTT 3.1.1 only, and one that was set up by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import pytest
from broker.by_hand import PRIVATE_CA, SELF_SIGNED
from campaign import share, trial
from campaign.delegation import SESSION, delegation, delegation_by_hand
from campaign.hook import parse
from campaign.job_operations import JOB_OPERATIONS
from campaign.operations import DONE, Operation
from campaign.scene import documents, look
from waiting import wait_until

Told = Callable[[str, object], None]
_HIDDEN = {"job wait, at work", "job follower"}  # their end is said once a subscription is seen, which TLS hides
_OLD = partial(delegation, only_3_1_1=True)
_OPERATIONS = {name: each for name, each in JOB_OPERATIONS.items() if each.lab is delegation}
_BY_HAND = {
    name: each._replace(lab=delegation_by_hand, again=frozenset({DONE}) if "--env" in name else each.again)
    for name, each in _OPERATIONS.items()
    if name not in _HIDDEN
}
SURROUNDINGS: Mapping[str, Mapping[str, Operation]] = MappingProxyType(
    {"MQTT 3.1.1": {name: each._replace(lab=_OLD) for name, each in _OPERATIONS.items()}, "by hand": _BY_HAND}
)
ALL = [(surrounding, name) for surrounding, operations in SURROUNDINGS.items() for name in operations]


@pytest.mark.skipif(share.ALL, reason="the campaign tries them all")
def test_an_older_broker_that_is_lost_half_way_keeps_no_job_from_its_end(record_property: Told):
    operation = SURROUNDINGS["MQTT 3.1.1"]["job publish, the end"]
    verdict = trial.attempt(operation, parse("mqtt 3 RESTART"))
    record_property("campaign", ["faults, MQTT 3.1.1", 1, bool(verdict.wrong)])
    assert verdict.hit
    assert not verdict.wrong, "\n".join(verdict.wrong)


@pytest.mark.skipif(not share.ALL, reason="make campaign")
@pytest.mark.parametrize("kind", share.MQTT_FAULTS)
@pytest.mark.parametrize(("surrounding", "name"), ALL)
def test_a_broker_of_another_kind_that_is_lost_half_way_keeps_no_job_from_its_end(
    surrounding: str, name: str, kind: str, record_property: Told
):
    operation = SURROUNDINGS[surrounding][name]
    faults = share.numbers(share.MQTT_FAULTS[kind], trial.count(operation))
    verdicts = {fault: trial.attempt(operation, fault) for fault in faults}
    wrong = [f"{name}, {fault}: {each}" for fault, verdict in verdicts.items() for each in verdict.wrong]
    violated = sum(bool(verdict.wrong) for verdict in verdicts.values())
    record_property("campaign", [f"faults, {surrounding}", sum(v.hit for v in verdicts.values()), violated])
    assert not wrong, "\n".join(wrong)


# A key of 4096 bits takes seconds, so each test run tries the other recipe.
@pytest.mark.parametrize("certificates", [SELF_SIGNED, *([PRIVATE_CA] if share.ALL else [])])
def test_a_broker_that_was_set_up_by_hand_is_verified_and_carries_a_job_from_its_prompt_to_its_end(certificates: str):
    with delegation_by_hand(certificates) as project:
        assert "Verified: " in project.run("broker", "verify", "--env")
        project.with_agent()
        project.run("job", "submit", "--agent", SESSION, "--prompt", "ask", "--detach")
        [job] = documents(project.root)
        asked = wait_until(lambda: documents(project.root)[job]["permission"])
        assert "touch played" in project.run("job", "answer", "--job", job)
        project.run("job", "answer", "--job", job, "--request", asked["request"], "approve")
        wait_until(lambda: not project.asks())
        project.say(job, "completed")
        project.run("job", "wait", "--job", job)
        seen = look(project)
        assert (seen.jobs[job]["status"], dict(seen.told), seen.leaks) == ("completed", {job: 1}, ())

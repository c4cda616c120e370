"""Many hosts as one view: what became of each, which belong together, and the exit code."""

from __future__ import annotations

import json

import pytest
from fleet_lines import documents, line, recorded, result, results
from jsonschema import Draft7Validator

from reconciler.fleet.exit_codes import apply_exit_code, look_exit_code
from reconciler.fleet.hosts import HostOutcome
from reconciler.fleet.merge import fleet_document, groups
from reconciler.fleet.results import LARGEST, read_lines, with_unknown
from reconciler.fleet.text import applied_text, fleet_text
from reconciler.state.schemas import load_schema


def test_a_recorded_plan_has_one_result_for_each_host():
    found = results(recorded("plan"))
    assert {name: each.outcome.value for name, each in found.items()} == {
        "web-1": "ok",
        "web-2": "ok",
        "web-3": "ok",
        "broken": "failed",
        "bare": "failed",
        "noisy": "failed",
        "mute": "unknown",
        "away": "unreachable",
    }
    assert "the host printed something before the document: Welcome to noisy" in found["noisy"].said
    assert "is not a folder" in found["broken"].said
    assert "Connection refused" in found["away"].said
    assert found["web-1"].shape == found["web-2"].shape
    assert found["web-1"].digest != found["web-2"].digest


def test_hosts_with_the_same_work_are_one_group_and_others_never_count_as_in_sync():
    found = list(results(recorded("plan")).values())
    document = fleet_document(found)
    Draft7Validator(load_schema("fleet")).validate(document)
    assert [(each["outcome"], each["hosts"]) for each in document["groups"]] == [
        ("ok", ["web-1", "web-2", "web-3"]),
        ("failed", ["bare", "broken", "noisy"]),
        ("unreachable", ["away"]),
        ("unknown", ["mute"]),
    ]
    assert document["groups"][0]["document_of"] == "web-1"
    text = "\n".join(fleet_text(found))
    assert text.startswith("3 hosts: +2  (web-1, web-2, web-3)\n")
    assert "# agent.w.s will be created" in text
    assert "1 host unreachable:\n  away: " in text
    assert text.endswith("8 hosts: 3 with changes, 0 in sync, 5 not known to be in sync.")


def test_a_recorded_stale_apply_is_stale_and_a_recorded_apply_changed_something():
    assert results(recorded("stale"))["web-1"].outcome is HostOutcome.STALE
    applied = results(recorded("apply"))
    assert {(each.outcome.value, each.changed) for each in applied.values()} == {("ok", True)}
    assert look_exit_code(list(results(recorded("drift")).values()), changes_count=True) == 0


def test_the_biggest_group_comes_first_and_a_few_of_its_hosts_are_named():
    plan = documents("plan")["web-1"]
    other = {**plan, "shape": "other"}
    lines = [line("h00", document=other), *(line(f"h{number}", document=plan) for number in range(10, 54))]
    found = list(results(lines).values())
    assert [len(each.results) for each in groups(found)] == [44, 1]
    assert next(fleet_text(found)) == "44 hosts: +2  (h10, h11, 42 more)"


def test_a_document_without_a_shape_is_like_no_other_one():
    plan = {key: value for key, value in documents("plan")["web-1"].items() if key != "shape"}
    found = results([line("a", document=plan), line("b", document=plan)])
    assert len(groups(found.values())) == 2


# --- what may come from a host ----------------------------------------------------------------

PLAN = documents("plan")["web-1"]
ODD = {
    "killed before it told what it did": ({"event": "failed", "unknown": True, "exit_code": -9}, "unknown"),
    "no JSON from the module": ({"event": "failed", "exit_code": None, "msg": "No start of json char"}, "unknown"),
    "ok without a document": ({}, "unknown"),
    "ok with a document of another form": ({"document": {"format_version": 7}}, "unknown"),
    "locked": ({"event": "failed", "exit_code": 6, "document": PLAN}, "locked"),
    "refused": ({"event": "failed", "exit_code": 7, "document": PLAN}, "refused"),
    "stale": ({"event": "failed", "exit_code": 5}, "stale"),
    "an exit code of nobody": ({"event": "failed", "exit_code": 99}, "failed"),
}


@pytest.mark.parametrize(("told", "outcome"), ODD.values(), ids=ODD)
def test_each_odd_answer_has_its_outcome(told, outcome):
    assert results([line("h", **told)])["h"].outcome.value == outcome


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"host": 1}', b"\xff\xfe", b"[" * 100_000])
def test_a_line_that_cannot_be_read_says_nothing(text):
    told = read_lines([line("h", event="begun"), text])
    assert with_unknown(["h"], told)[0].outcome is HostOutcome.UNKNOWN


def test_a_document_of_more_than_eight_mebibytes_is_unknown():
    large = line("h", document={**PLAN, "manifest_digest": "x" * LARGEST})
    assert with_unknown(["h"], read_lines([large]))[0].outcome is HostOutcome.UNKNOWN


def test_what_a_host_says_cannot_draw_on_the_terminal():
    evil = "\x1b[2Jgone\nfake: ok"
    found = list(results([line("h", event="failed", exit_code=1, msg=evil)]).values())
    for text in (*fleet_text(found), *applied_text(found, ())):
        assert "\x1b" not in text
        assert "\n" not in text


def test_a_damaged_document_is_named_and_not_shown():
    found = list(results([line("h", document={**PLAN, "resource_changes": [{"address": 7}]})]).values())
    assert any("the document of h is damaged" in text for text in fleet_text(found))


def test_with_a_host_only_that_one_is_shown_in_full():
    found = list(results(recorded("plan")).values())
    text = "\n".join(fleet_text(found, "web-2"))
    assert text.startswith("web-2: ok, +2")
    assert "web-1" not in text


# --- exit codes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        (["ok", "ok"], 0),
        (["ok", "unreachable"], 4),
        (["ok", "unknown"], 4),
        (["failed", "unreachable"], 1),
        (["failed", "failed"], 1),
        (["locked", "failed", "unknown"], 6),
        (["stale", "locked", "ok"], 5),
        (["refused", "stale", "locked", "failed", "unreachable"], 7),
    ],
)
def test_the_worst_host_gives_the_exit_code(outcomes, code):
    found = [result(f"h{number}", outcome) for number, outcome in enumerate(outcomes)]
    assert look_exit_code(found, changes_count=False) == code
    assert apply_exit_code(found) == code, "nothing was done anywhere"


@pytest.mark.parametrize(("count", "code"), [(True, 2), (False, 0)])
def test_changes_exit_with_two_where_that_was_asked_for(count, code):
    assert look_exit_code([result("a", "ok", add=1), result("b", "ok")], changes_count=count) == code
    unreachable = [result("a", "ok", add=1), result("b", "unreachable")]
    assert look_exit_code(unreachable, changes_count=count) == 4


@pytest.mark.parametrize("outcome", ["failed", "stale", "refused", "locked", "unreachable", "unknown"])
def test_some_hosts_done_and_some_not_is_three(outcome):
    assert apply_exit_code([result("a", "ok", changed=True), result("b", outcome)]) == 3
    assert apply_exit_code([result("a", "failed", changed=True)]) == 3, "a host that was done in part"


def test_hosts_that_were_not_begun_remain():
    assert apply_exit_code([result("a", "ok", changed=True)], not_begun=["b"]) == 3
    assert apply_exit_code([result("a", "ok", changed=True)]) == 0
    assert list(applied_text([result("a", "ok", changed=True)], ["b"])) == ["Applied on 1 host: a", "Not begun: b"]


def test_unknown_hosts_have_the_command_that_looks_at_them():
    said = list(applied_text([result("a", "unknown"), result("b", "unknown")], ()))
    assert said[-1] == "  -> see what runs there: reconciler fleet status --limit a,b"


# --- many hosts -------------------------------------------------------------------------------


def test_five_thousand_hosts_are_merged_and_only_shown_documents_are_decoded(monkeypatch):
    """How long it takes, and how much memory, is measured by `bench/fleet.py`."""
    from reconciler.fleet import text as shown

    decoded = []
    monkeypatch.setattr(shown, "plan_mistake", lambda document: decoded.append(document) or "")
    bodies = [json.dumps({**PLAN, "shape": f"{number}"}) for number in range(6)]
    lines = (
        f'{{"host":"h{number:04}","event":"ok","exit_code":0,"document":{bodies[number % 6]}}}'.encode()
        for number in range(5000)
    )
    told = read_lines(lines)
    found = with_unknown(sorted(told.begun), told)
    assert [len(each.results) for each in groups(found)] == [834, 834, 833, 833, 833, 833]
    assert "834 hosts: +2  (h0000, h0006, 832 more)" in next(fleet_text(found))
    list(fleet_text(found))
    assert len(decoded) <= 2 * 6

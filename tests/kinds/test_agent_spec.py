from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.agents.launch import Launch
from reconciler.agents.profile import Profile
from reconciler.kinds.agent.spec import Secrets, differences, digest, known_value, would_start_with
from reconciler.model.address import agent_address
from reconciler.model.desired import Agent, EnvOrigin, EnvVar
from reconciler.model.observed import ABSENT, Present, Unknown
from reconciler.model.record import SessionRow, StartedWith

SPEC = StartedWith("mine", ("mine",), ("-v",), {"A": "1"}, "/lab")
FROM_ENV = EnvVar("TOKEN", EnvOrigin.FROM_ENV, source="MY_TOKEN")
KNOWN: Secrets = {(EnvOrigin.FROM_ENV, "MY_TOKEN"): Present("sesame")}


def _wanted(var: EnvVar, secrets: Secrets, lineage: str = "ours", row: SessionRow | None = None) -> str:
    spec = Agent(agent_address("w", "a"), "w-creator-a", "mine", "creator", "/lab", env=(var,))
    return would_start_with(spec, Profile(name="mine", launch=Launch(command=("mine",))), secrets, lineage, row).env[
        var.name
    ]


@pytest.mark.parametrize(
    "var",
    [
        FROM_ENV,
        EnvVar("MODE", EnvOrigin.EXPANDED, "sesame"),
        EnvVar("API_KEY", EnvOrigin.LITERAL, "sesame"),
        EnvVar("DB_PASSWORD", EnvOrigin.LITERAL, "sesame"),
    ],
)
def test_a_secret_is_recorded_as_a_digest_that_only_this_project_can_make(var: EnvVar) -> None:
    recorded = _wanted(var, KNOWN)
    assert recorded.startswith("hmac-sha256:")
    assert "sesame" not in recorded
    assert recorded == _wanted(var, KNOWN)
    assert recorded != _wanted(var, KNOWN, lineage="theirs")


@pytest.mark.parametrize("lineage", ["ours", "our\ud800s"])
def test_a_secret_that_is_not_utf_8_is_one_like_any_other(lineage: str) -> None:
    values = ["sesame\udcff", "sesame\udcfe", "sesame"]
    known = [{(EnvOrigin.FROM_ENV, "MY_TOKEN"): Present(value)} for value in values]
    assert len({_wanted(FROM_ENV, secrets, lineage) for secrets in known}) == 3


def test_an_innocent_variable_is_recorded_in_clear() -> None:
    assert _wanted(EnvVar("KEYBOARD", EnvOrigin.LITERAL, "qwerty"), {}) == "qwerty"


@pytest.mark.parametrize("found", [ABSENT, Unknown("Permission denied")])
def test_a_value_that_cannot_be_had_counts_as_unchanged(found: object) -> None:
    row = SessionRow("w-creator-a", "w", "a", started_with=replace(SPEC, env={"TOKEN": "hmac-sha256:0"}))
    secrets = {(EnvOrigin.FROM_ENV, "MY_TOKEN"): found}
    assert known_value(FROM_ENV, secrets) is None
    assert _wanted(FROM_ENV, secrets, row=row) == "hmac-sha256:0"


@pytest.mark.parametrize(
    ("change", "path", "op"),
    [
        ({"type": "other"}, "type", "replace"),
        ({"command": ("other",)}, "command", "replace"),
        ({"args": ()}, "args", "replace"),
        ({"cwd": "/elsewhere"}, "cwd", "replace"),
        ({"env": {"A": "2"}}, "env.A", "replace"),
        ({"env": {}}, "env.A", "remove"),
        ({"env": {"A": "1", "B": ""}}, "env.B", "add"),
    ],
)
def test_every_difference_is_told_and_changes_the_digest(change: dict[str, object], path: str, op: str) -> None:
    other = replace(SPEC, **change)
    assert [(each.path, each.op) for each in differences(SPEC, other)] == [(path, op)]
    assert digest(SPEC) != digest(other)


def test_equal_specs_do_not_differ_whatever_the_order_of_their_variables() -> None:
    one, other = replace(SPEC, env={"A": "1", "B": "2"}), replace(SPEC, env={"B": "2", "A": "1"})
    assert differences(one, other) == ()
    assert digest(one) == digest(other)


def test_a_variable_that_becomes_a_secret_shows_neither_value() -> None:
    (change,) = differences(SPEC, replace(SPEC, env={"A": "hmac-sha256:0"}))
    assert (change.before, change.after, change.sensitive) == (None, None, True)

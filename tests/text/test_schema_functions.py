"""A quick yes about data is never given where jsonschema says no, and data that we write gets one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from msgspec import to_builtins

from reconciler.model.job import Job
from reconciler.state.schemas import SchemaMistake, load_schema, schema_mistake
from reconciler.text.json_schema import surely_fits

GOLDEN = Path(__file__).parents[1] / "render" / "golden"
ROW = {
    "workspace": "w",
    "agent": "a",
    "status": "running",
    "a_session_id_own": "1f",
    "pane": {"id": "%1", "pid": 7, "started": 12},
    "spec": {"command": ["sleep"], "env": {"A": None}},
    "depends_on": ["b"],
    "managed": True,
}
REGISTRY = {
    "version": 1,
    "lineage": "ab",
    "serial": 4,
    "origin": {"inode": 3},
    "workspaces": {"w": {"path": "/w"}, "v": None},
    "sessions": {"w-a": ROW},
    "theirs": [1.5, None],
}
JOB = Job(
    id="20261130T120000123-0123456789abcdef",
    prompt="p",
    agent="a",
    agent_session="tmux:s",
    workdir="/w",
    timeout=3600,
    idle_timeout=0.5,
    created_at="2026-11-30T12:00:00.123Z",
    updated_at="2026-11-30T12:00:00.123Z",
    topic="t",
    auth_token="0" * 64,
)
DOCUMENTS: dict[str, Any] = {
    "registry": REGISTRY,
    "job": to_builtins(JOB),
    "plan": json.loads((GOLDEN / "destroy.json").read_text("utf-8")),
}
VALUES = st.sampled_from(
    [None, True, False, -1, 0, 1, 1.0, 0.5, "", "x", "running", "terminated", [], ["a"], [1], {}, {"id": 3}, {"a": "b"}]
)
SCHEMAS: dict[str, dict[str, Any]] = {
    "type": {"type": ["integer", "null"]},
    "number": {"type": "number"},
    "flag": {"type": "boolean"},
    "enum": {"enum": ["x", "running", None]},
    "enum of numbers": {"enum": [1, 0]},
    "const": {"const": 1},
    "items": {"type": "array", "items": {"type": "string"}},
    "items by place": {"items": [{"type": "string"}]},
    "minimum": {"minimum": 0.5},
    "exclusive minimum": {"exclusiveMinimum": 0},
    "length": {"minLength": 1},
    "pattern": {"pattern": "^r.*g$"},
    "either": {"anyOf": [{"type": "string"}, {"required": ["id"]}]},
    "no keys": {"additionalProperties": False},
    "keys": {
        "required": ["id"],
        "properties": {"id": {"type": "integer"}},
        "patternProperties": {"_x$": {"type": "string"}},
        "additionalProperties": {"type": "string"},
    },
    "reference": {"$ref": "#/definitions/Id", "definitions": {"Id": {"type": "string"}}},
    "reference to itself": {
        "$ref": "#/definitions/Tree",
        "definitions": {"Tree": {"type": "object", "additionalProperties": {"$ref": "#/definitions/Tree"}}},
    },
    "missing reference": {"anyOf": [{"$ref": "#/definitions/Nothing"}, {"type": "string"}]},
    "unknown keyword": {"maxLength": 0},
    "nothing": {"anyOf": [False, {"type": "null"}]},
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_fits_its_schema_needs_no_jsonschema(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "jsonschema", None)  # an import of it would fail

    assert schema_mistake(name, DOCUMENTS[name]) is None


def test_a_mistake_is_named_with_its_place():
    broken = {**REGISTRY, "sessions": {"w-a": {**ROW, "status": "asleep"}}}

    found = schema_mistake("registry", broken)

    assert isinstance(found, SchemaMistake)
    assert found.where == "sessions.w-a.status"
    assert "'asleep' is not one of" in found.why


@given(st.sampled_from([*sorted(ROW), "role", "last_visible_status", "resumable", "server"]), VALUES)
def test_a_changed_row_is_never_accepted_against_jsonschema(key: str, value: Any):
    changed = {**REGISTRY, "sessions": {"w-a": {**ROW, key: value}}}

    if surely_fits(load_schema("registry"))(changed):
        assert Draft7Validator(load_schema("registry")).is_valid(changed)


@given(st.sampled_from(sorted(SCHEMAS)), VALUES)
def test_no_value_is_accepted_against_jsonschema(name: str, value: Any):
    if surely_fits(SCHEMAS[name])(value):
        assert Draft7Validator(SCHEMAS[name]).is_valid(value)

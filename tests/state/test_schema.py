from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from random_registries import JSON, SESSIONS, WORKSPACES

from reconciler.model.errors import RegistryUnreadable
from reconciler.state.rows import record_from
from reconciler.state.schemas import load_schema
from reconciler.state.shape import registry_schema

PUBLISHED = Path(__file__).parents[2] / "schemas" / "registry.schema.json"
KEYS = st.sampled_from(["status", "pane", "pid", "spec", "env", "args", "agent", "last_visible_status", "protect", "x"])


def test_the_published_schema_is_the_one_that_the_code_makes():
    assert PUBLISHED.read_text() == json.dumps(registry_schema(), indent=2) + "\n"


def test_the_published_schema_is_the_one_that_writes_are_checked_with():
    Draft7Validator.check_schema(load_schema("registry"))
    assert load_schema("registry") == json.loads(PUBLISHED.read_text())


@given(SESSIONS, WORKSPACES, st.dictionaries(KEYS, JSON, max_size=2))
@settings(max_examples=200, deadline=None)
def test_what_can_be_read_is_valid_and_what_is_valid_can_be_read(session, workspace, noise):
    data = {"version": 1, "sessions": {"s": {**session, **noise}}, "workspaces": {"w": {**workspace, **noise}}}

    assert Draft7Validator(load_schema("registry")).is_valid(data) == can_be_read(data)


@pytest.mark.parametrize("key", ["status", "last_visible_status"])
def test_a_status_is_one_of_four(key):
    data = {"sessions": {"s": {"workspace": "w", "agent": "a", "status": "running", key: "busy"}}}

    assert not Draft7Validator(load_schema("registry")).is_valid(data)


def can_be_read(data):
    try:
        record_from(data)
    except RegistryUnreadable:
        return False
    return True

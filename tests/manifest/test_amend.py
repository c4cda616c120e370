"""The settings of a broker in its own manifest: they change, and nothing else does."""

from __future__ import annotations

import pytest

from reconciler.manifest import Source
from reconciler.manifest.amend import amended
from reconciler.manifest.format import formatted
from reconciler.manifest.source import read
from reconciler.model.errors import ReconcilerError

BEFORE = """\
# mine
version: 1
broker:
  host: "localhost"  # here
  names:
  - 010
  users: {one: worker}
"""


def amend(text, settings):
    return amended(Source("b.yaml", text.encode()), settings).decode()


def test_a_setting_changes_and_comments_quotes_and_order_stay():
    after = BEFORE.replace('"localhost"', '"elsewhere"').replace("{one: worker}", "{one: worker, two: observer}")
    assert amend(BEFORE, {"host": "elsewhere", "users": {"one": "worker", "two": "observer"}}) == after


def test_without_a_difference_the_same_bytes_come_back():
    text = BEFORE.replace("host: ", "host:   ").replace("\n", "\r\n")
    assert amend(text, {"host": "localhost", "users": {"one": "worker"}}) == text


def test_line_ends_and_the_mark_of_the_byte_order_stay():
    text = "\ufeff" + BEFORE.replace("\n", "\r\n")
    assert amend(text, {"host": "elsewhere"}) == text.replace("localhost", "elsewhere")


def test_a_new_manifest_has_the_one_style_and_the_one_rule_of_quoting():
    new = amend("", {"host": "10.0.0.1", "listeners": [{"port": 8883, "mtls": False}]})
    assert read(Source("b.yaml", new.encode())).content == {
        "version": 1,
        "broker": {"host": "10.0.0.1", "listeners": [{"port": 8883, "mtls": False}]},
    }
    assert formatted(Source("b.yaml", new.encode())).decode() == new
    assert 'host: "10.0.0.1"' in new


def test_a_value_that_others_share_is_not_changed_for_them():
    text = "version: 1\nx: &u {one: worker}\nbroker:\n  users: *u\n"
    with pytest.raises(ReconcilerError, match="cannot be edited"):
        amend(text, {"users": {"one": "observer"}})

"""Whose broker the events of jobs travel over."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from on_disk import project_in

from reconciler.app.project.manifests import broker_of, load_manifests
from reconciler.model.errors import InvalidManifest

OWN = "version: 1\nbroker: {host: own.example}\n"


@pytest.fixture
def at(tmp_path):
    project = project_in(tmp_path)
    own = Path(project.root, ".hermes", "broker", "broker.yaml")
    own.parent.mkdir(parents=True)
    own.write_text(OWN)
    return project


def found(at):
    broker = broker_of(at, load_manifests(at, ()).desired)
    return broker.host if broker else None


def test_the_one_that_broker_init_made_is_used_where_none_is_declared(at):
    assert found(at) == "own.example"


def test_a_declared_one_comes_first(at):
    manifest = Path(at.root, "reconciler.yaml")
    manifest.write_text(manifest.read_text() + "broker: {host: declared.example}\n")
    assert found(at) == "declared.example"


def test_one_that_the_environment_names_is_not_mixed_with_the_login_of_our_own(at):
    assert found(replace(at, env={**at.env, "MQTT_BROKER": "elsewhere.example"})) is None


def test_without_any_there_is_none(at):
    Path(at.root, ".hermes", "broker", "broker.yaml").unlink()
    assert found(at) is None


def test_a_broken_one_is_an_error_and_nothing_goes_over_a_public_one(at):
    Path(at.root, ".hermes", "broker", "broker.yaml").write_text("broker: {hst: x}\n")
    with pytest.raises(InvalidManifest):
        found(at)

import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from reconciler.agents.catalogue import BUILT_IN
from reconciler.manifest import ManifestContext, Source, load
from reconciler.manifest.shape import manifest_schema

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "manifests").rglob("*.yaml"))
SCHEMA = ROOT / "schemas" / "manifest.schema.json"
AROUND = ManifestContext("/project", "/home/u", {}, "project")


def loaded(*paths):
    return load([Source(path.name, path.read_bytes()) for path in paths], AROUND, BUILT_IN).desired


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_valid_alone(path):
    assert loaded(path).agents


def test_the_examples_are_valid_together():
    assert len(EXAMPLES) >= 3
    assert len(loaded(*EXAMPLES).agents) == sum(len(loaded(path).agents) for path in EXAMPLES)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_fits_the_published_schema(path):
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(YAML(typ="safe", pure=True).load(path))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_points_editors_at_the_schema(path):
    first, _ = path.read_text().split("\n", 1)
    assert (path.parent / first.removeprefix("# yaml-language-server: $schema=")).resolve() == SCHEMA


def test_the_published_schema_is_the_generated_one():
    assert SCHEMA.read_text() == json.dumps(manifest_schema(), indent=2) + "\n"


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"version": 2},
        {"version": 1, "workspace": {}},
        {"version": 1, "workspaces": {"a.b": {"path": "x"}}},
        {"version": 1, "workspaces": {"a": {"path": "x", "env": {"A": 1}}}},
        {"version": 1, "workspaces": {"a": {"path": "x", "agents": {"claude": {"state": "on"}}}}},
        {"version": 1, "workspaces": {"a": {"path": "x", "agents": {"claude": {"role": "a b"}}}}},
    ],
)
def test_the_published_schema_refuses_what_load_refuses(content):
    assert not jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).is_valid(content)

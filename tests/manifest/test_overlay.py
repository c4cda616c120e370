"""Files with `merge: true` change what others declare."""

from __future__ import annotations

import json
from itertools import permutations

import pytest

from reconciler.manifest import ManifestContext, Source, load
from reconciler.model.address import agent_address
from reconciler.model.desired import Desired
from reconciler.model.errors import InvalidManifest

AROUND = ManifestContext("/project", "/home/u", {}, "project")
BASE = {
    "workspaces": {"lab": {"path": "lab", "agents": {"claude": {"args": ["-x"], "env": {"A": "1"}}, "codex": None}}},
    "defaults": {"agent": {"protect": True}},
}


def desired(**files: object) -> Desired:
    sources = [Source(f"{name}.yaml", json.dumps({"version": 1, **each}).encode()) for name, each in files.items()]
    return load(sources, AROUND, ["claude", "codex"]).desired


def test_mappings_are_merged_and_lists_replaced():
    over = {"merge": True, "workspaces": {"lab": {"agents": {"claude": {"args": ["-y"], "env": {"B": "2"}}}}}}
    found = desired(a=over, z=BASE)
    agent = found.agents[agent_address("lab", "claude")]
    assert (agent.args, {var.name: var.value for var in agent.env}, agent.protect) == (
        ("-y",),
        {"A": "1", "B": "2"},
        True,
    )
    assert agent.place is not None
    assert agent.place.file == "z.yaml"
    assert agent_address("lab", "codex") in found.agents


def test_what_no_other_file_declares_is_added():
    over = {"merge": True, "workspaces": {"lab": {"agents": {"second": {"type": "codex"}}}, "new": {"path": "new"}}}
    found = desired(base=BASE, over=over)
    assert found.agents[agent_address("lab", "second")].cwd == "/project/lab"
    assert len(found.workspaces) == 2


def test_several_are_laid_over_by_name_in_whatever_order_they_are_read():
    def over(value: str) -> dict[str, object]:
        return {"merge": True, "defaults": {"agent": {"role": value, "protect": False}}}

    files = {"base": BASE, "one": over("one"), "two": over("two")}
    for names in permutations(files):
        agent = desired(**{name: files[name] for name in names}).agents[agent_address("lab", "claude")]
        assert (agent.role, agent.protect) == ("two", False)


def test_a_count_takes_the_place_of_a_list():
    base = {"workspaces": {"lab": {"path": "lab", "agents": {"claude": {"for_each": ["a"]}}}}}
    over = {"merge": True, "workspaces": {"lab": {"agents": {"claude": {"count": 1}}}}}
    assert [*desired(base=base, over=over).agents] == [agent_address("lab", "claude[1]")]


def test_a_mistake_is_told_at_the_line_of_the_file_that_makes_it():
    over = {"merge": True, "workspaces": {"lab": {"agents": {"claude": {"type": "nope"}}}}}
    with pytest.raises(InvalidManifest) as caught:
        desired(base=BASE, over=over)
    assert [(each.place.file, each.summary) for each in caught.value.diagnostics if each.place] == [
        ("over.yaml", "unknown agent type `nope`")
    ]


def test_without_the_word_a_second_declaration_stays_an_error():
    with pytest.raises(InvalidManifest):
        desired(base=BASE, over={"workspaces": {"lab": {"path": "lab"}}})

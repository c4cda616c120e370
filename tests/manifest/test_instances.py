"""`for_each` and `count`: the agents that a block stands for are those that would be written by hand."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.manifest import ManifestContext, Source, load
from reconciler.model.address import agent_address
from reconciler.model.desired import Agent, Desired, EnvOrigin

AROUND = ManifestContext("/project", "/home/u", {"TOKEN": "hunter2"}, "project")
KEYS = st.lists(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,4}", fullmatch=True), min_size=1, max_size=5, unique=True)
TEXTS = st.text(st.sampled_from("ab ${}:.x'\"[]#"), max_size=8).map(lambda text: text.replace("${", "$${").rstrip("$"))


def desired(workspaces: object, **rest: object) -> Desired:
    data = json.dumps({"version": 1, "workspaces": workspaces, **rest}).encode()
    return load([Source("m.yaml", data)], AROUND, ["claude"]).desired


def lab(agents: object) -> Desired:
    return desired({"lab": {"path": "lab", "agents": agents}})


def alike(agent: Agent) -> Agent:
    """The agent without what tells an instance from an agent that is written by hand."""
    return replace(agent, address=agent_address("", ""), place=None)


@given(KEYS, TEXTS, TEXTS)
def test_instances_are_the_agents_that_are_written_by_hand(keys: list[str], before: str, value: str):
    settings = {"type": "claude", "args": [f"{before}${{each.key}}", "${each.value.word}"], "env": {"K": "${each.key}"}}
    short = lab({"a": {"for_each": {key: {"word": value} for key in keys}, **settings}})
    by_hand = {f"a-{key}": {"type": "claude", "args": [f"{before}{key}", value], "env": {"K": key}} for key in keys}
    long = lab(by_hand)
    assert [str(address) for address in short.agents] == [f"agent.lab.a[{key}]" for key in keys]
    assert [*map(alike, short.agents.values())] == [*map(alike, long.agents.values())]


@given(st.permutations(["a", "b", "c"]), st.permutations(["a", "b", "c"]))
def test_the_order_of_the_items_does_not_matter(one: list[str], two: list[str]):
    first, second = (
        lab({"x": {"type": "claude", "for_each": keys}, "claude": {"depends_on": ["x"]}}) for keys in (one, two)
    )
    assert first.agents == second.agents


def test_a_count_makes_keys_from_one():
    found = lab({"claude": {"count": 3}})
    assert [agent.session for agent in found.agents.values()] == [f"lab-creator-claude-{n}" for n in (1, 2, 3)]
    assert {agent.type for agent in found.agents.values()} == {"claude"}


def test_instances_of_a_workspace_have_agents_of_their_own():
    inner = {"claude": {"prompt": "${each.key}"}, "b": {"type": "claude", "for_each": {"x": "${each.value}"}}}
    block = {"for_each": {"ui": 1, "api": True}, "path": "lab-${each.key}", "agents": inner}
    inner["b"]["prompt"] = "${each.value}"
    found = desired({"lab": block})
    assert {str(home.address): home.path for home in found.workspaces.values()} == {
        "workspace.lab[ui]": "/project/lab-ui",
        "workspace.lab[api]": "/project/lab-api",
    }
    assert {agent.session: agent.prompt for agent in found.agents.values()} == {
        "lab-ui-creator-claude": "ui",
        "lab-ui-creator-b-x": "1",
        "lab-api-creator-claude": "api",
        "lab-api-creator-b-x": "true",
    }


@pytest.mark.parametrize(
    ("needed", "found"),
    [
        ("x", ["agent.lab.x[a]", "agent.lab.x[b]"]),
        ("x[b]", ["agent.lab.x[b]"]),
        ("agent.lab.x", ["agent.lab.x[a]", "agent.lab.x[b]"]),
        ("agent.lab.x[a]", ["agent.lab.x[a]"]),
        ("agent.site.claude", ["agent.site[1].claude", "agent.site[2].claude"]),
        ("agent.site[2].claude", ["agent.site[2].claude"]),
    ],
)
def test_depends_on_means_all_instances_or_one(needed: str, found: list[str]):
    agents = {"x": {"type": "claude", "for_each": ["b", "a"]}, "claude": {"depends_on": [needed]}}
    site = {"count": 2, "path": "site-${each.key}", "agents": {"claude": {}}}
    whole = desired({"lab": {"path": "lab", "agents": agents}, "site": site})
    assert [str(each) for each in whole.agents[agent_address("lab", "claude")].depends_on] == found


def test_a_variable_in_a_value_stays_a_secret():
    found = lab({"claude": {"for_each": {"a": {"t": "${TOKEN}"}}, "env": {"X": "${each.value.t}", "Y": "${each.key}"}}})
    (agent,) = found.agents.values()
    assert {var.name: (var.value, var.origin) for var in agent.env} == {
        "X": ("hunter2", EnvOrigin.EXPANDED),
        "Y": ("a", EnvOrigin.LITERAL),
    }


def test_a_plain_text_that_looks_like_a_reference_stays_plain():
    found = lab({"claude": {"for_each": ["a"], "prompt": "$${each.key} ${each.key}"}})
    assert [agent.prompt for agent in found.agents.values()] == ["${each.key} a"]


def test_the_place_of_an_instance_is_its_block():
    found = lab({"claude": {"count": 2}})
    written_by_hand = lab({"claude": {}})
    assert {agent.place for agent in found.agents.values()} == {
        agent.place for agent in written_by_hand.agents.values()
    }

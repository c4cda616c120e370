"""`extends`: what an agent or an agent type takes over."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from reconciler.agents.catalogue import BUILT_IN, catalogue
from reconciler.agents.extended import extended_profile
from reconciler.agents.token_store import token_store
from reconciler.agents.type_words import manifest_words
from reconciler.manifest import ManifestContext, Source, load
from reconciler.model.address import agent_address, parse_address
from reconciler.model.desired import AgentType, Desired

AROUND = ManifestContext("/project", "/home/u", {}, "project")


def desired(*contents: dict[str, object]) -> Desired:
    sources = [Source(f"{n}.yaml", json.dumps({"version": 1, **each}).encode()) for n, each in enumerate(contents)]
    return load(sources, AROUND, BUILT_IN).desired


def lab(agents: object, **rest: object) -> Desired:
    return desired({"workspaces": {"lab": {"path": "lab", "agents": agents}}, **rest})


def test_an_agent_takes_over_what_it_does_not_give_and_merges_env():
    base = {"args": ["-x"], "env": {"A": "1", "B": "1"}, "protect": True, "role": "reviewer"}
    found = lab({"codex": base, "second": {"extends": "codex", "args": [], "env": {"B": "2"}}})
    agent = found.agents[agent_address("lab", "second")]
    assert (agent.type, agent.role, agent.args, agent.protect) == ("codex", "reviewer", (), True)
    assert {var.name: var.value for var in agent.env} == {"A": "1", "B": "2"}
    assert agent.session == "lab-reviewer-second"


def test_a_chain_goes_over_workspaces_files_and_templates():
    one = {
        "workspaces": {
            "a": {
                "path": "a",
                "agents": {"claude": {"extends": "careful", "depends_on": ["x"]}, "x": {"type": "shell"}},
            }
        }
    }
    two = {"templates": {"careful": {"trust": True, "prompt": "Be careful with ${each.key}."}}}
    three = {"workspaces": {"b": {"path": "b", "agents": {"y": {"extends": "agent.a.claude", "for_each": ["k"]}}}}}
    one["workspaces"]["a"]["agents"]["claude"]["prompt"] = "Work."
    agent = desired(one, two, three).agents[agent_address("b", "y[k]")]
    assert (agent.type, agent.trust, agent.prompt) == ("claude", True, "Work.")
    assert agent.depends_on == (parse_address("agent.a.x"),)
    four = {"workspaces": {"c": {"path": "c", "agents": {"claude": {"extends": "careful", "count": 1}}}}}
    assert desired(two, four).agents[agent_address("c", "claude[1]")].prompt == "Be careful with 1."


def test_the_conversation_of_another_agent_is_not_taken_over():
    agents = {"claude": {"resume": "b3a7"}, "second": {"extends": "claude"}}
    assert lab(agents).agents[agent_address("lab", "second")].resume == "auto"


def test_own_instances_replace_those_of_the_base():
    agents = {"claude": {"for_each": ["a", "b"], "prompt": "${each.key}"}, "x": {"extends": "claude", "count": 1}}
    found = lab({**agents, "y": {"extends": "claude", "role": "r"}})
    assert {str(each.address): each.prompt for each in found.agents.values()} == {
        "agent.lab.claude[a]": "a",
        "agent.lab.claude[b]": "b",
        "agent.lab.x[1]": "1",
        "agent.lab.y[a]": "a",
        "agent.lab.y[b]": "b",
    }


@pytest.mark.parametrize("base", [*BUILT_IN])
def test_a_type_that_only_extends_a_built_in_one_knows_all_that_it_knows(base: str):
    found = lab({}, agent_types={"mine": {"extends": base}})
    known = catalogue(found.agent_types.values())
    mine, built_in = known["mine"], known[base]
    assert mine.name == "mine"
    different = [name for name in mine.__struct_fields__ if getattr(mine, name) != getattr(built_in, name)]
    assert different == ["name", "form"]
    assert mine.form is not None
    assert replace(mine.form, name=base) == built_in.form


@pytest.mark.parametrize(
    ("base", "given", "part", "changed"),
    [
        ("claude", {"screens": [{"state": "idle", "all": ["ready"]}]}, "display", "rules"),
        ("claude", {"box": {"mark": ">"}}, "display", "box"),
        ("claude", {"proof": "said"}, "transcript", "proof"),
        ("claude", {"quit": "/bye"}, "shutdown", "quit"),
        ("claude", {"follows": True}, "storage", "follows"),
        ("pi", {"head": {"id": "id", "cwd": "folder"}}, "storage", "read_head"),
        ("pi", {"artifacts": ["~/mine/{session_id}.jsonl"]}, "storage", "artifacts read_head"),  # the id is in the path
        ("codex", {"submit": ["Enter"]}, "display", "submit"),
    ],
)
def test_a_key_changes_what_it_says_and_nothing_beside_it(base: str, given: dict, part: str, changed: str):
    mine = catalogue(lab({}, agent_types={"mine": {"extends": base, **given}}).agent_types.values())["mine"]
    known = catalogue([])[base]
    parts = {name for name in mine.__struct_fields__ if getattr(mine, name) != getattr(known, name)}
    assert parts == {"name", "form", part}
    before, after = getattr(known, part), getattr(mine, part)
    assert [
        name for name in after.__struct_fields__ if getattr(after, name) != getattr(before, name)
    ] == changed.split()


def test_tokens_are_counted_as_the_type_says():
    usage = {"input": "used.in", "output": "used.out"}
    mine = catalogue(lab({}, agent_types={"mine": {"extends": "pi", "usage": usage}}).agent_types.values())["mine"]
    store = token_store(mine)
    assert store is not None
    assert store != token_store(catalogue([])["pi"])


def test_a_type_of_a_package_without_a_form_can_be_extended():
    in_python = replace(catalogue([])["claude"], form=None)
    mine = extended_profile(AgentType("mine", ("nice", "claude"), parts={"trust": {"args": ["--yes"]}}), in_python)
    assert (mine.name, mine.launch.command, mine.trust.args) == ("mine", ("nice", "claude"), ("--yes",))
    assert (mine.launch.resume, mine.storage, mine.display) == (
        in_python.launch.resume,
        in_python.storage,
        in_python.display,
    )


def test_a_type_is_described_by_what_it_gives_and_by_what_it_extends():
    """A CLI of your own may be made from OpenCode; what was checked of that says nothing of its versions."""
    given = {"command": "copse", "tested": ["7.7.7"], "quit": "/bye", "titles": {"busy": "copse"}}
    known = catalogue(lab({}, agent_types={"copse": {"extends": "opencode", **given}}).agent_types.values())
    copse, base = known["copse"], known["opencode"]
    assert (copse.tested, base.tested[-1]) == (("7.7.7",), "1.18.33")
    assert copse.form is not None
    words = manifest_words(copse.form)
    assert {name: words[name] for name in given} == {
        "command": ["copse"], "tested": ["7.7.7"], "quit": "/bye", "titles": {"busy": ["copse"]}
    }  # fmt: skip
    assert words["prompt"] == ["--prompt", "{prompt}"]


def test_a_type_changes_what_it_gives():
    types = {
        "first": {"extends": "claude", "command": ["nice", "claude"]},
        "mine": {"extends": "first", "quit": "/bye"},
    }
    known = catalogue(lab({"mine": {}}, agent_types=types).agent_types.values())
    mine, claude = known["mine"], known["claude"]
    assert mine.launch.command == ("nice", "claude")
    assert mine.shutdown.quit == "/bye"
    assert (mine.launch.resume, mine.storage, mine.display) == (claude.launch.resume, claude.storage, claude.display)

"""Two sets of manifests are compared by what they declare, not by how they are written."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from strategies import manifests

from reconciler.manifest.compare import blocks_of, compare_manifests
from reconciler.model.deep import DeepChange
from reconciler.model.manifest_difference import AddressDifference, ManifestsDifference

HEAD = "version: 1\n"
LAB = f"{HEAD}workspaces:\n  w:\n    path: w\n    agents:\n"
MODEL = ("agent.w.a", [("args[1]", "replace", "opus", "sonnet")])
CASES: dict[str, tuple[str, str, list[tuple[str, list[tuple[object, ...]]]]]] = {
    "an argument": (
        f"{LAB}      a: {{args: [--model, opus]}}\n",
        f"{LAB}      a: {{args: [--model, sonnet]}}\n",
        [MODEL],
    ),
    "an argument, and all else is written otherwise": (
        f"{LAB}      a: {{args: [--model, opus]}}\n",
        f'# new\nworkspaces: {{w: {{"agents": {{a: {{args: ["--model", "sonnet"]}}}}, path: w}}}}\n{HEAD}',
        [MODEL],
    ),
    "an agent comes": (f"{LAB}      a:\n", f"{LAB}      a: {{}}\n      b:\n", [("agent.w.b", [("", "add", None, {})])]),
    "a workspace goes": (
        f"{LAB}      a:\n",
        HEAD,
        [("agent.w.a", [("", "remove", {}, None)]), ("workspace.w", [("", "remove", {"path": "w"}, None)])],
    ),
    "a workspace moves": (
        f"{LAB}      a:\n",
        f"{LAB}      a:\n".replace("path: w", "path: v"),
        [("workspace.w", [("path", "replace", "w", "v")])],
    ),
    "a setting": (
        f"{HEAD}project: lab\ntmux: {{socket: a}}\n",
        f"{HEAD}project: bab\ntmux: {{socket: b}}\n",
        [("project", [("", "replace", "lab", "bab")]), ("tmux", [("socket", "replace", "a", "b")])],
    ),
    "defaults": (
        f"{HEAD}defaults: {{agent: {{depends_on: [x]}}}}\n",
        f"{HEAD}defaults: {{agent: {{depends_on: [y, x]}}}}\n",
        [("defaults", [("agent.depends_on[0]", "add", None, "y")])],
    ),
    "a type": (
        f"{HEAD}agent_types: {{mine: {{command: [mine]}}}}\n",
        f"{HEAD}agent_types: {{mine: {{command: [theirs]}}}}\n",
        [("agent_types.mine", [("command[0]", "replace", "mine", "theirs")])],
    ),
    "a broker": (
        f"{HEAD}broker: {{topics: [a, b], users: {{ci: {{acl: [read x]}}}}}}\n",
        f"{HEAD}broker: {{topics: [b], users: {{ci: {{acl: [read x, write y]}}}}}}\n",
        [("broker.main", [("topics[0]", "remove", "a", None), ("users.ci.acl[1]", "add", None, "write y")])],
    ),
    "a port before another": (
        f"{HEAD}broker: {{name: bus, listeners: [{{port: 8883}}]}}\n",
        f"{HEAD}broker: {{name: bus, listeners: [{{port: 1883}}, {{port: 8883}}]}}\n",
        [("broker.bus", [("listeners[0]", "add", None, {"port": 1883})])],
    ),
    "an acceptance": (
        f"{HEAD}accept: [{{address: a, path: D, until: 2030-01-01}}]\n",
        f"{HEAD}accept: [{{address: a, path: D, until: 2031-01-01}}]\n",
        [("accept", [("[0].until", "replace", "2030-01-01", "2031-01-01")])],
    ),
    "what is not the manifest of today": (
        f"{HEAD}workspaces: [a]\nbroker: x\n",
        f"{HEAD}workspaces: [b]\nbroker: [x]\n",
        [("broker", [("", "replace", "x", ["x"])]), ("workspaces", [("[0]", "replace", "a", "b")])],
    ),
}


@pytest.mark.parametrize(("before", "after", "expected"), CASES.values(), ids=CASES)
def test_a_difference_is_told_by_its_address_and_its_path(before: str, after: str, expected: list[Any]) -> None:
    found = compare_manifests({"m.yaml": before.encode()}, {"m.yaml": after.encode()})
    told = [
        (block.address, [(each.path, each.op, each.before, each.after) for each in block.changes])
        for block in found.blocks
    ]
    assert told == expected
    assert (found.same_meaning, found.unreadable) == (frozenset(), {})


BLOCKS = {
    "agent.w.a": {"type": "claude"},
    "agent.w.b": {},
    "agent_types.mine": {"command": ["mine"]},
    "broker.main": {"host": "h"},
    "version": 1,
    "workspace.v": {"path": "v"},
    "workspace.w": {"path": "w"},
}


def test_everything_in_a_manifest_has_an_address() -> None:
    workspaces = {"w": {"path": "w", "agents": {"a": {"type": "claude"}, "b": None}}, "v": {"path": "v"}}
    types = {"mine": {"command": ["mine"]}}
    assert blocks_of({"version": 1, "workspaces": workspaces, "agent_types": types, "broker": {"host": "h"}}) == BLOCKS


@given(manifests())
def test_the_layout_means_nothing(manifest: dict[str, Any]) -> None:
    plain = json.dumps(manifest).encode()
    other = b"# by hand\n" + yaml.safe_dump(manifest, sort_keys=True, default_flow_style=False).encode()
    found = compare_manifests({"m": plain}, {"m": other})
    assert (found.blocks, found.same_meaning) == ((), {"m"})
    found = compare_manifests({"m": plain}, {"m": plain})
    assert (found.blocks, found.same_meaning) == ((), frozenset())


@given(manifests(), manifests())
def test_no_difference_means_that_the_same_is_declared(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = compare_manifests({"m": json.dumps(before).encode()}, {"m": json.dumps(after).encode()})
    assert (found.blocks == ()) == (blocks_of(before) == blocks_of(after))


def test_a_block_that_moved_to_another_file_is_told_with_both() -> None:
    one, two = f"{LAB}      a:\n      b: {{args: [x]}}\n", f"{LAB}      a:\n"
    there = f"{HEAD}workspaces: {{v: {{path: v}}}}\n"
    moved = there.replace("path: v", "path: v}, w: {path: w, agents: {b: {args: [y]}}")
    found = compare_manifests({"1.yaml": one.encode()}, {"1.yaml": two.encode(), "2.yaml": moved.encode()})
    assert [(each.address, each.file_before, each.file_after) for each in found.blocks] == [
        ("agent.w.b", "1.yaml", "2.yaml"),
        ("workspace.v", "", "2.yaml"),
    ]
    assert found.blocks[0].changes == (DeepChange("args[0]", "replace", "x", "y"),)
    only = compare_manifests({"1.yaml": there.encode()}, {"2.yaml": there.encode()})
    assert [(each.address, each.changes) for each in only.blocks] == [("workspace.v", ())]


def test_a_setting_that_another_file_repeats_may_go() -> None:
    both = {"1.yaml": f"{HEAD}project: lab\n".encode(), "2.yaml": f"{HEAD}project: lab\n".encode()}
    found = compare_manifests(both, {**both, "2.yaml": HEAD.encode()})
    assert found == ManifestsDifference()


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"a: [", "not YAML"), (b"", "it is not a mapping"), (b"- a\n", "it is not a mapping"), (b"\xff", "not UTF-8")],
)
def test_a_file_that_cannot_be_read_is_told_with_the_reason(data: bytes, reason: str) -> None:
    good = f"{HEAD}project: lab\n".encode()
    found = compare_manifests({"bad.yaml": good, "m.yaml": good}, {"bad.yaml": data, "m.yaml": good})
    assert list(found.unreadable) == ["bad.yaml"]
    assert found.unreadable["bad.yaml"].startswith(reason)
    assert (found.blocks, found.same_meaning) == ((), frozenset())


SECRET = f"{LAB}      a: {{env: {{MODE: x, API_TOKEN: sesame-1, REF: {{from_env: R}}}}}}\n"


@pytest.mark.parametrize(
    "after",
    [
        SECRET.replace("sesame-1", "sesame-2"),
        HEAD,
        SECRET.replace("sesame-1", "{from_env: MY_TOKEN}"),
        SECRET.replace("a:", "b:"),
    ],
)
def test_a_secret_in_a_manifest_is_hidden(after: str) -> None:
    found = compare_manifests({"m": SECRET.encode()}, {"m": after.encode()})
    assert found.blocks
    assert "sesame" not in repr(found.blocks)
    assert "sesame-1" in found.secrets
    assert "sesame" not in repr(found)


def test_a_reference_is_no_secret() -> None:
    found = compare_manifests({"m": SECRET.encode()}, {"m": SECRET.replace("from_env: R", "from_env: S").encode()})
    (change,) = found.blocks[0].changes
    assert change == DeepChange("env.REF.from_env", "replace", "R", "S")
    assert found.blocks == (AddressDifference("agent.w.a", "m", "m", (change,)),)

"""What is declared as a graph, in two languages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from reconciler.app.project.graph import _rights
from reconciler.cli.commands.graph import GraphFormat
from reconciler.cli.run import run
from reconciler.manifest import ManifestContext, Source, load
from reconciler.render.graphs.dot import dot
from reconciler.render.graphs.graph import Graph, graph
from reconciler.render.graphs.mermaid import mermaid

AROUND = ManifestContext("/lab", "/home/u", {"MY_SHELL_SECRET": "s"}, "lab")
HOSTILE = 'a"b\\c`/<x>&#42;]--\n%% \u202e'
LAB: dict[str, Any] = {
    "version": 1,
    "workspaces": {
        "site": {
            "path": "site",
            "agents": {
                "claude": {},
                "review": {"type": "claude", "role": "reviewer", "depends_on": ["claude"]},
                "late": {"type": "claude", "state": "stopped", "depends_on": ["review", "claude", "agent.api.claude"]},
            },
        },
        "api": {"path": "api", "agents": {"claude": {}}},
        "attic": {"path": "attic"},
    },
    "broker": {
        "demo_topic": True,
        "users": {"hermes": "observer", "worker": "worker", "odd": {"acl": ["deny secret/+", "readwrite jobs/#"]}},
    },
}


def drawn(manifest: dict[str, Any]) -> Graph:
    desired = load([Source("lab.yaml", json.dumps(manifest).encode())], AROUND, frozenset({"claude"})).desired
    return graph(desired, {address: _rights(broker) for address, broker in desired.brokers.items()})


def test_mermaid_shows_what_leads_where() -> None:
    assert list(mermaid(drawn(LAB))) == (Path(__file__).parent / "golden" / "graph.mermaid").read_text().splitlines()


def test_dot_shows_what_leads_where() -> None:
    assert list(dot(drawn(LAB))) == (Path(__file__).parent / "golden" / "graph.dot").read_text().splitlines()


# --- labels -----------------------------------------------------------------------------------

MISCHIEF = {"version": 1, "project": HOSTILE, "workspaces": {"w": {"path": HOSTILE}}, "broker": {"topics": [HOSTILE]}}
SHOWN = HOSTILE.replace("\n", r"\n").replace("\u202e", r"\u202e")


def test_a_label_of_mermaid_can_do_no_mischief() -> None:
    labels = [label for line in mermaid(drawn(MISCHIEF)) for label in re.findall(r'"(.*)"', line)]
    read = [re.sub(r"#(\d+);", lambda found: chr(int(found[1])), label) for label in labels]
    assert SHOWN in read
    assert all(re.fullmatch(r"[^\"`<>\[\]{}|\\]*", label.replace("<br>", "")) for label in labels)


def test_a_label_of_dot_can_do_no_mischief() -> None:
    for line in dot(drawn(MISCHIEF)):
        outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", line)
        assert re.fullmatch(r"[\w ={}\[\];,\->]*", outside)
    words = [json.loads(word) for line in dot(drawn(MISCHIEF)) for word in re.findall(r'"(?:[^"\\]|\\.)*"', line)]
    assert SHOWN in words


def test_nothing_declared_is_an_empty_graph() -> None:
    assert list(mermaid(drawn({"version": 1}))) == ["flowchart LR"]


# --- the command ------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "first"), [("mermaid", "flowchart LR"), ("dot", "digraph")])
def test_it_needs_no_tmux(
    form: str, first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "reconciler.yaml").write_text(json.dumps(LAB))
    monkeypatch.setenv("PATH", "/nowhere")
    assert run(["graph", "-C", str(tmp_path), "--format", form]) == 0
    assert capsys.readouterr().out.startswith(first)
    assert {"mermaid", "dot"} == set(GraphFormat)

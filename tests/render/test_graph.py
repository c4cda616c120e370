"""What is declared as a graph, in three languages."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from strategies import manifests

from reconciler.cli.commands.graph import Form, _rights
from reconciler.cli.run import run
from reconciler.manifest import Source, Surroundings, load
from reconciler.render.dot import dot
from reconciler.render.graph import Graph, graph
from reconciler.render.layout import Box, picture
from reconciler.render.mermaid import mermaid
from reconciler.render.svg import svg

AROUND = Surroundings("/lab", "/home/u", {"MY_SHELL_SECRET": "s"}, "lab")
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


def test_a_label_of_svg_can_do_no_mischief() -> None:
    root = ET.fromstring("\n".join(svg(drawn(MISCHIEF))))  # noqa: S314 - our own
    assert SHOWN in [element.text for element in root.iter()]
    assert {element.tag.partition("}")[2] for element in root.iter()} <= {
        *("svg", "title", "style", "defs", "marker", "path", "rect", "g", "text")
    }


# --- the picture ------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(manifests())
def test_nothing_in_the_picture_covers_something_else(manifest: dict[str, Any]) -> None:
    found = picture(drawn(manifest))
    boxes = list(found.boxes)
    assert not any(overlap(one, other) for one in boxes for other in boxes if one is not other)
    for box in boxes:
        assert found.margin < box.x
        assert box.x + box.width < found.width - found.margin
        assert any(lane.y < box.y and box.y + box.height < lane.y + lane.height for lane in found.lanes)
    straight = [(one, other) for route in found.routes for one, other in pairwise(route.points) if one[1] == other[1]]
    assert not any(passes(line, box) for line in straight for box in boxes)


def overlap(one: Box, other: Box) -> bool:
    beside = one.x + one.width <= other.x or other.x + other.width <= one.x
    return not beside and one.y < other.y + other.height and other.y < one.y + one.height


def passes(line: tuple[tuple[float, float], tuple[float, float]], box: Box) -> bool:
    (x, y), (to_x, _) = line
    within = box.y < y < box.y + box.height
    return within and max(min(x, to_x), box.x) < min(max(x, to_x), box.x + box.width)


def test_what_comes_first_stands_left() -> None:
    found = picture(drawn(LAB))
    left = {box.node.id: box.x for box in found.boxes}
    assert left["agent.site.claude"] < left["agent.site.review"] < left["agent.site.late"]
    assert left["broker.main user worker"] < left["broker.main topic jobs/#"] < left["broker.main user hermes"]


def test_the_same_graph_gives_the_same_picture() -> None:
    assert list(svg(drawn(LAB))) == list(svg(drawn(LAB)))
    assert "url(http" not in "".join(svg(drawn(LAB)))


def test_nothing_declared_is_an_empty_picture() -> None:
    ET.fromstring("\n".join(svg(drawn({"version": 1}))))  # noqa: S314 - our own
    assert list(mermaid(drawn({"version": 1}))) == ["flowchart LR"]


# --- the command ------------------------------------------------------------------------------


@pytest.mark.parametrize(("form", "first"), [("mermaid", "flowchart LR"), ("dot", "digraph"), ("svg", "<svg")])
def test_it_needs_no_tmux(
    form: str, first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "reconciler.yaml").write_text(json.dumps(LAB))
    monkeypatch.setenv("PATH", "/nowhere")
    assert run(["graph", "-C", str(tmp_path), "--format", form]) == 0
    assert capsys.readouterr().out.startswith(first)
    assert {"mermaid", "dot", "svg"} == set(Form)

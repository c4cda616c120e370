"""What differs between two generations, as golden files: golden/diff/NAME.json, and NAME.txt as a user sees it.

NAME.lines.txt is the same with `--text`. After a change: `UPDATE_GOLDEN=1 pytest tests/render`, then read the diff.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from reconciler.manifest.compare import compare_manifests
from reconciler.model.generation import AgentThen
from reconciler.render.documents.generation_diff import GenerationDiffDoc
from reconciler.render.generations import diff_document, diff_text
from reconciler.state.schemas import load_schema

GOLDEN = Path(__file__).parent / "golden" / "diff"
SCHEMA = Draft7Validator(load_schema("generation-diff"))
LAB = """\
version: 1
workspaces:
  lab:
    path: lab
    agents:
      claude: {args: [--model, opus, --debug], env: {MODE: test, API_TOKEN: sesame-one}}
      gone: {type: shell}
      waits: {type: codex, depends_on: [claude]}
"""
EDITED = """\
# The same lab, written by somebody else.
version: 1
project: bench
workspaces:
  "lab":
    agents:
      claude: {env: {API_TOKEN: sesame-two, MODE: test, "A B": "x y"}, args: [--verbose, --model, sonnet, --debug]}
      new: {type: claude, prompt: Read AGENTS.md., env: {TOKEN: sesame-three}}
    path: lab
"""
OTHER = "version: 1\nworkspaces: {lab2: {path: lab2, agents: {waits: {type: codex}}}}\n"
MOVED = "version: 1\nworkspaces: {lab2: {path: lab2, agents: {waits: {type: codex, depends_on: [agent.lab.claude]}}}}\n"
LONG = "version: 1\nworkspaces: {lab: {path: lab, agents: {claude: {args: [%s]}}}}\n"
STORIES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "edited": ({"lab.yaml": LAB}, {"lab.yaml": EDITED}),
    "layout": ({"lab.yaml": LAB}, {"lab.yaml": f"# new\n\n{LAB.replace('shell', chr(34) + 'shell' + chr(34))}"}),
    "moved": ({"a.yaml": OTHER}, {"b.yaml": MOVED}),
    "split": ({"a.yaml": f"{OTHER}project: x\n"}, {"a.yaml": "version: 1\nproject: x\n", "b.yaml": OTHER}),
    "repeated": (
        {"a.yaml": "version: 1\nproject: x\n", "b.yaml": f"{OTHER}project: x\n"},
        {"a.yaml": "version: 1\nproject: x\n", "b.yaml": OTHER},
    ),
    "unreadable": ({"a.yaml": OTHER, "b.yaml": "version: 1\n"}, {"a.yaml": OTHER, "b.yaml": "version: [\n"}),
    "many": (
        {"a.yaml": LONG % ", ".join(f"word-{number}" for number in range(40))},
        {"a.yaml": LONG % ", ".join(f"word-{number}!" for number in range(40))},
    ),
    "agents": ({"a.yaml": OTHER}, {"a.yaml": OTHER}),
    "same": ({"a.yaml": OTHER}, {"a.yaml": OTHER}),
}


def _document(name: str) -> GenerationDiffDoc:
    old, new = ({path: text.encode() for path, text in files.items()} for files in STORIES[name])
    then = {"agent.lab.claude": AgentThen("lab-creator-claude", "running", "11111111-2222")}
    now = {"agent.lab.claude": AgentThen("lab-creator-claude", "stopped", "11111111-2222")}
    agents = (then, now) if name in {"agents", "edited"} else (then, then)
    return diff_document((3, 5), (old, new), compare_manifests(old, new), agents)


@pytest.mark.parametrize("form", ["json", "txt", "lines.txt"])
@pytest.mark.parametrize("name", STORIES)
def test_a_difference_reads_as_in_the_golden_file(name: str, form: str) -> None:
    document = _document(name)
    SCHEMA.validate(document)
    if form == "json":
        text = f"{json.dumps(document, indent=2)}\n"
    else:
        text = "".join(f"{line}\n" for line in diff_text(document, lines=form == "lines.txt"))
    golden = GOLDEN / f"{name}.{form}"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, "utf-8")
    assert text == golden.read_text("utf-8")


def test_every_golden_file_has_its_story() -> None:
    assert {path.name.partition(".")[0] for path in GOLDEN.iterdir()} == set(STORIES)


@pytest.mark.parametrize("name", STORIES)
def test_what_differs_is_never_told_as_nothing(name: str) -> None:
    said = list(diff_text(_document(name)))
    assert said
    assert said[0].startswith("Generations") == (name == "same")


def test_no_form_shows_a_secret() -> None:
    document = _document("edited")
    forms = [json.dumps(document), *diff_text(document), *diff_text(document, lines=True)]
    assert "sesame" not in "\n".join(forms)
    assert "API_TOKEN" in "\n".join(diff_text(document))


def test_a_difference_from_before_blocks_were_published_is_shown() -> None:
    document = _document("edited")
    del document["blocks"]
    assert any("lab.yaml" in line for line in diff_text(document))

"""Every address of every story can be explained, and every reason has its sentence."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from in_memory import HOME, ROOT, Planned, Project
from jsonschema import Draft7Validator
from test_cases import CASES, _read, _request, _staged

from reconciler.agents.catalogue import BUILT_IN
from reconciler.cli.typer_program import program
from reconciler.manifest import ManifestContext, Source, load
from reconciler.model.action import Reason
from reconciler.model.diagnostic import Place
from reconciler.model.short_names import everything_named
from reconciler.render.explain import NEXT, WHY, explanation_document, explanation_text
from reconciler.render.subject import PlanView, subject
from reconciler.state.schemas import load_schema

COMMANDS = program().commands
SCHEMA = Draft7Validator(load_schema("explanation"))
REASON = re.compile(rf"reason: ({'|'.join(filter(None, Reason))})\b")
STORIES = {found: path for path in CASES for found in REASON.findall(path.read_text("utf-8"))}  # one for each reason


def overview(project: Project, manifest: Mapping[str, Any], planned: Planned) -> PlanView:
    around = ManifestContext(ROOT, HOME, project.env, "lab")
    desired = load([Source("lab.yaml", json.dumps(manifest).encode())], around, frozenset(BUILT_IN)).desired
    return PlanView(
        planned.plan, desired, planned.record, planned.snapshot, planned.options, lambda *_: Place("registry.yaml", 7)
    )


def explained(story: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The explanation of every address of a story, by address."""
    project = _staged(story)
    manifest = story.get("desired") or story["before"]
    planned = project.plan(manifest, _request(story.get("options", {})))
    seen = overview(project, manifest, planned)
    addresses = {each.address for each in everything_named(seen.desired, seen.record)}
    subjects = [subject(seen, address) for address in sorted(addresses)]
    return {str(each.address): explanation_document(planned.document, each) for each in subjects}


def told(story: str, address: str) -> str:
    path = next(path for path in CASES if path.stem == story)
    return "\n".join(explanation_text(explained(_read(path))[address]))


def test_every_reason_has_a_sentence_and_a_way_out() -> None:
    assert set(WHY) == set(NEXT) == set(Reason) == {Reason.NONE, *map(Reason, STORIES)}
    assert all(sentence.endswith(".") for sentence in WHY.values())


def test_the_ways_out_name_commands_that_there_are() -> None:
    ways = " ".join(way for each in NEXT.values() for way in each)
    assert set(re.findall(r"`reconciler ([a-z]+)", ways)) <= set(COMMANDS)


@pytest.mark.parametrize(("reason", "path"), STORIES.items(), ids=STORIES.keys())
def test_every_address_of_a_story_is_explained(reason: str, path: Path) -> None:
    documents = explained(_read(path))
    for address, document in documents.items():
        SCHEMA.validate(document)
        assert "\n".join(explanation_text(document)).startswith(f"# {address} ")
        assert "{" not in " ".join(document["next"])
    sentences = {document["why"] for document in documents.values()}
    assert WHY[Reason(reason)] in sentences


@pytest.mark.parametrize("path", [path for path in CASES if "broker" in path.stem], ids=lambda path: path.stem)
def test_a_broker_is_explained_however_it_is(path: Path) -> None:
    for document in explained(_read(path)).values():
        SCHEMA.validate(document)
        assert "\nlive:\n" in "\n".join(explanation_text(document))


def test_a_lost_session_is_explained_from_all_three_sources() -> None:
    text = told("session-gone-resumes", "agent.w.claude")
    assert "its tmux session is gone. (session_gone)" in text
    assert re.search(r"declared in lab.yaml:1:\d+:\n  state +running\n", text)
    assert re.search(r"recorded in registry.yaml:7:\n  status +running\n", text)
    assert re.search(r"live:\n  session +none\n", text)
    assert "drift:\n  A  " in text
    assert "`reconciler stop w-creator-claude` stops it until you resume it" in text


def test_a_long_list_is_cut_unless_all_of_it_is_wanted() -> None:
    words = ["--prompt", "word " * 40, *(f"--option-{number}" for number in range(20))]
    story = {"before": {"version": 1, "workspaces": {"w": {"path": "w", "agents": {"claude": {"args": words}}}}}}
    document = explained(story)["agent.w.claude"]
    (short,) = (line for line in explanation_text(document) if line.startswith("  args "))
    assert short.startswith("  args     --prompt 'word word ")
    assert short.endswith(" more (cut; --full shows all)")
    assert len(short) < 150
    (whole,) = (line for line in explanation_text(document, full=True) if line.startswith("  args "))
    assert whole.split("args", 1)[1].strip() == shlex.join(words)
    assert document["declared"]["facts"]["args"] == words


def test_what_runs_as_declared_is_explained_too() -> None:
    text = told("nothing-to-do", "agent.w.claude")
    assert "\nIt matches its manifest block.\n" in text
    assert "`reconciler apply --replace agent.w.claude` restarts it" in text


def test_without_tmux_nothing_is_decided_and_it_says_why() -> None:
    text = told("tmux-unknown", "agent.w.claude")
    assert "is left alone\n\nIt could not be compared, so nothing is done about it (see the messages below).\n" in text
    assert "Error: tmux could not be asked" in text


def test_a_broker_is_explained() -> None:
    text = told("broker-edited-by-hand", "broker.main")
    assert "(edited_by_hand)" in text
    assert re.search(r"live:\n  files +exist\n  process +runs\n  edited +etc/mosquitto/acl\n", text)


def test_a_broker_that_is_no_longer_declared_is_explained_from_its_row_and_its_process() -> None:
    text = told("broker-removed", "broker.main")
    assert "declared: in no manifest" in text
    assert re.search(r"recorded in registry.yaml:7:\n  dir +", text)
    assert re.search(r"live:\n  process +runs \(pid \d+\)", text)


def test_no_value_of_a_variable_is_told() -> None:
    story = {
        "desired": {"version": 1, "workspaces": {"w": {"path": "w", "agents": {"claude": {"env": {"A": "sesame"}}}}}}
    }
    document = explained({**story, "plan": {}})["agent.w.claude"]
    assert document["declared"]["facts"]["env"] == ["A"]

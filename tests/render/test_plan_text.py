"""The screen, as golden files: golden/NAME.json is a plan, NAME.txt and NAME.full.txt what a user sees of it.

After a change of the words: `UPDATE_GOLDEN=1 pytest tests/render`, then read the diff.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from in_memory import Project
from jsonschema import Draft7Validator
from msgspec.structs import replace

from reconciler.app.plan.plans import options_of
from reconciler.render.document import essence, plan_document
from reconciler.render.text import apply_summary, plan_summary, plan_text
from reconciler.state.schemas import load_schema

DOCUMENTS = sorted((Path(__file__).parent / "golden").glob("*.json"))


@pytest.mark.parametrize("full", [False, True], ids=["", "full"])
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_a_plan_reads_as_in_the_golden_file(path: Path, full: bool) -> None:
    text = "".join(f"{line}\n" for line in plan_text(json.loads(path.read_text("utf-8")), full=full))
    golden = path.with_suffix(".full.txt" if full else ".txt")
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text, "utf-8")
    assert text == golden.read_text("utf-8")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_the_golden_documents_are_as_published(path: Path) -> None:
    Draft7Validator(load_schema("plan")).validate(json.loads(path.read_text("utf-8")))


def test_no_golden_text_is_without_its_document() -> None:
    texts = {path.name.removesuffix(".txt").removesuffix(".full") for path in DOCUMENTS[0].parent.glob("*.txt")}
    assert texts == {path.stem for path in DOCUMENTS}


def _summary(**counts: int) -> str:
    names = ("add", "change", "destroy", "import", "forget", "resume", "deferred")
    return plan_summary(dict.fromkeys(names, 0) | counts)


@pytest.mark.parametrize(
    ("counts", "line"),
    [
        ({"add": 3, "change": 1}, "Plan: 3 to add, 1 to change, 0 to destroy."),
        ({"add": 3, "resume": 2}, "Plan: 3 to add, 0 to change, 0 to destroy. (2 conversations resume)"),
        ({"add": 1, "resume": 1}, "Plan: 1 to add, 0 to change, 0 to destroy. (1 conversation resumes)"),
        ({"import": 1}, "Plan: 1 to import, 0 to add, 0 to change, 0 to destroy."),
        ({"forget": 1, "deferred": 2}, "Plan: 0 to add, 0 to change, 0 to destroy, 1 to forget, 2 deferred."),
    ],
)
def test_the_summary_is_the_line_that_others_parse(counts: dict[str, int], line: str) -> None:
    assert _summary(**counts) == line


def test_the_last_line_of_an_apply_counts_what_was_done() -> None:
    counts = {"imported": 0, "added": 2, "changed": 1, "destroyed": 3}
    assert apply_summary(counts, destroyed_all=False) == "Apply complete! Resources: 2 added, 1 changed, 3 destroyed."
    assert apply_summary(counts, destroyed_all=True) == "Destroy complete! Resources: 3 destroyed."
    imported = apply_summary({**counts, "imported": 1}, destroyed_all=False)
    assert imported == "Apply complete! Resources: 1 imported, 2 added, 1 changed, 3 destroyed."


def test_what_a_plan_rests_on_does_not_depend_on_where_it_is_looked_at_from() -> None:
    planned = Project().plan({"version": 1, "workspaces": {"w": {"path": "w", "agents": {"claude": {}}}}})
    elsewhere = replace(planned.plan, places={}, registry="../elsewhere.yaml")
    one, other = (plan_document(plan, options_of(planned.request)) for plan in (planned.plan, elsewhere))
    assert one["resource_changes"][0]["file"] == "lab.yaml"
    assert other["resource_changes"][0]["file"] == "../elsewhere.yaml"
    assert (one["basis"], essence(one)) == (other["basis"], essence(other))

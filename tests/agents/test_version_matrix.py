"""The recorded drives of the real CLIs are held against the page, the profiles and what is driven."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from reconciler.agents.catalogue import catalogue

ROOT = Path(__file__).parents[2]
ROWS: list[dict[str, Any]] = json.loads((ROOT / "tests/real/versions.json").read_text("utf-8"))["rows"]
PROFILES = catalogue([])
OUTCOMES = {"passed", "not possible", "failed", "not reached"}


def _module(path: str) -> Any:
    """A program beside the tests; what it imports lies in its own folder."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    before = list(sys.path)
    sys.path[:0] = [str(ROOT / "tests" / "real")]
    try:
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path[:] = before
    return module


def _maker() -> Any:
    return _module("docs/make_matrix.py")


def test_the_page_has_the_matrix_of_the_recorded_drives() -> None:
    page = (ROOT / "docs" / "agent-types.md").read_text("utf-8")
    assert page == _maker().with_matrix(page, ROWS), "make matrix"


def test_the_page_says_of_every_step_what_it_shows() -> None:
    page = (ROOT / "docs" / "agent-types.md").read_text("utf-8")
    section = page.partition("\n## Driven versions\n")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| ([^|`-]+) \| ", section, re.MULTILINE)[1:]
    told = [step for row in rows for step in row.split(", ")]
    assert sorted(told) == sorted(_maker().STEPS)


def test_what_is_not_green_says_why() -> None:
    steps = [(row["cli"], row["version"], name, step) for row in ROWS for name, step in row["steps"].items()]
    assert {step["outcome"] for *_, step in steps} <= OUTCOMES
    assert [each for each in steps if each[3]["outcome"] != "passed" and not each[3].get("seen")] == []


def test_a_matrix_names_the_reason_of_a_cell_once() -> None:
    steps = {step: {"outcome": "passed"} for step in _maker().STEPS}
    broken = steps | {"answer": {"outcome": "failed", "seen": "nothing happened"}}
    rows = [{"cli": "cli", "version": version, "date": "2026-11-30", "steps": broken} for version in ("1.0.0", "2.0.0")]
    made = _maker().with_matrix("### What passed\n\nold\n\n## Next\n", rows)
    assert made.count("**no** (1)") == 2
    assert made.count("1. nothing happened\n") == 1
    assert "old" not in made
    assert made.endswith("\n\n## Next\n")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['cli']}-{row['version']}")
def test_a_row_has_every_step_and_a_version_that_the_profile_lists(row: dict[str, Any]) -> None:
    assert list(row["steps"]) == list(_maker().STEPS)
    assert row["version"] in PROFILES[row["cli"]].tested
    assert date.fromisoformat(row["date"])


def test_every_tested_version_is_in_the_record() -> None:
    recorded = {(row["cli"], row["version"]) for row in ROWS}
    tested = {(name, version) for name, profile in PROFILES.items() for version in profile.tested}
    assert tested == recorded


def test_what_no_longer_holds_is_said_with_the_version_where_it_held() -> None:
    newest = _module("tests/real/newest.py")
    [*_, known] = [row for row in ROWS if row["cli"] == "claude"]
    steps = known["steps"] | {
        "answer": {"outcome": "failed", "seen": "another dialog"},
        "stop": {"outcome": "not reached", "seen": "start failed"},
    }
    rows = [{**known, "version": "9.0.0", "steps": steps}, {**known, "version": "8.0.0"}]
    assert list(newest.no_longer_holds(rows)) == [
        f"claude 9.0.0: answer failed ({known['version']}: passed): another dialog",
        "claude 9.0.0: not reached: stop",
        "claude 8.0.0: everything holds",
    ]


def test_a_version_is_driven_as_the_newest_known_one_that_is_not_newer() -> None:
    newest = _module("tests/real/newest.py")
    codex = [cli for cli in newest.DRIVEN if cli.name == "codex"]
    made = {version: newest.of_version(codex, version) for version in ("0.100.0", "0.168.0", "0.170.0-beta.1", "1.0.0")}
    assert {version: cli.version for version, cli in made.items()} == {version: version for version in made}
    assert made["0.168.0"].ready == made["0.100.0"].ready == codex[0].ready
    assert made["0.170.0-beta.1"].ready == made["1.0.0"].ready == codex[-1].ready != codex[0].ready

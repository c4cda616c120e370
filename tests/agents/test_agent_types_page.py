"""docs/agent-types.md is held against the profiles."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.agents.catalogue import BUILT_IN, catalogue
from reconciler.agents.screen import Rule, rules

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "agent-types.md").read_text("utf-8")
JOBS = (DOCS / "jobs.md").read_text("utf-8")
PROFILES = catalogue([])


def _cells(heading: str) -> dict[str, list[str]]:
    """The rows of the table under a heading, by each name in their first cell."""
    section = re.split(r"^## ", PAGE.partition(f"\n## {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    rows = [[cell.strip() for cell in row.split(" | ")] for row in re.findall(r"^\| (.*) \|$", section, re.MULTILINE)]
    return {name: row for row in rows for name in re.findall(r"`([^`]+)`", row[0])}


TYPES = _cells("Built in")
DIALOGS = _cells("Dialogs at the start, and trust")


def test_the_page_lists_exactly_the_built_in_types() -> None:
    assert TYPES.keys() == DIALOGS.keys() == BUILT_IN.keys()


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_page_tells_who_chooses_the_id(name: str) -> None:
    assert (TYPES[name][1] == "yes") == PROFILES[name].launch.chooses_id


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_page_tells_every_variable_that_moves_the_conversations(name: str) -> None:
    assert set(re.findall(r"`([A-Z_]+)`", TYPES[name][2])) == set(PROFILES[name].storage.variables)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_page_tells_the_word_that_ends_it(name: str) -> None:
    assert re.findall(r"`([^`]+)`", TYPES[name][4]) == [PROFILES[name].shutdown.quit]


@pytest.mark.parametrize("name", sorted({path.stem for path in Path(__file__).parent.glob("screens/*")}))
def test_the_page_lists_the_dialogs_that_are_recognised(name: str) -> None:
    assert re.findall(r"`([^`]+)`", DIALOGS[name][1]) == [rule.name for rule in rules(name) if rule.name]


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_page_tells_how_a_folder_is_trusted(name: str) -> None:
    profile, told = PROFILES[name], DIALOGS[name][2]
    assert tuple(re.findall(r"`(--?[a-z-]+)`", told)) == profile.trust.args[:1]
    assert ("nothing" in told) is not profile.trust.can_be_given


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_page_tells_what_it_is_always_started_with(name: str) -> None:
    assert all(f"`{arg}`" in PAGE for arg in PROFILES[name].launch.args_always)


def test_the_page_lists_the_keys_of_a_rule() -> None:
    assert _cells("What an agent does").keys() == set(Rule._fields)


@pytest.mark.parametrize("name", sorted(BUILT_IN.keys() - {"shell"}))
def test_the_page_on_jobs_tells_what_submits_a_prompt(name: str) -> None:
    keys = PROFILES[name].display.submit or ("Enter",)
    told = " ".join(key.title().replace("C-", "Ctrl-").replace("M-", "Alt-") for key in keys)
    [row] = re.findall(rf"^\| [^|]*`{name}`[^|]* \| ((?:Ctrl-|Alt-|Tab|Enter).*) \|$", JOBS, re.MULTILINE)
    assert row.partition(";")[0] == told

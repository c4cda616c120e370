from __future__ import annotations

from typing import get_args

import pytest
from jsonschema import Draft7Validator

from reconciler.model.action import Verb
from reconciler.model.address import agent_address
from reconciler.model.event import (
    ActionDone,
    ActionEvent,
    ActionFailed,
    ActionSkipped,
    ActionStarted,
    ActionWaiting,
    PromptUnverified,
)
from reconciler.render.events import event_document, event_text, progress_text
from reconciler.state.schemas import load_schema

ADDRESS = agent_address("w", "claude")
EVENTS = Draft7Validator(load_schema("event"))
LINES: list[tuple[ActionEvent, list[str]]] = [
    (ActionStarted(ADDRESS, Verb.CREATE), []),
    (ActionWaiting(ADDRESS, Verb.CREATE), []),
    (ActionDone(ADDRESS, Verb.CREATE), ["agent.w.claude: Created"]),
    (
        ActionDone(ADDRESS, Verb.RESUME, "session w-x", "b3a7"),
        ["agent.w.claude: Resumed (session w-x, conversation b3a7)"],
    ),
    (ActionDone(ADDRESS, Verb.FORGET, "its folder stays"), ["agent.w.claude: No longer managed (its folder stays)"]),
    (
        ActionFailed(ADDRESS, Verb.CREATE, "it exited with status 1", "no licence\n\nbye"),
        ["agent.w.claude: Failed: it exited with status 1", "    | no licence", "    | ", "    | bye"],
    ),
    (ActionSkipped(ADDRESS, Verb.DEFER, "it is busy"), ["agent.w.claude: Skipped: it is busy"]),
    (PromptUnverified(ADDRESS, Verb.CREATE, "nothing shows it"), ["agent.w.claude: Not verified: nothing shows it"]),
]


@pytest.mark.parametrize(("event", "sentences"), LINES, ids=[f"{e.type} {e.verb}" for e, _ in LINES])
def test_an_event_is_one_published_line_and_the_sentences_made_from_it(
    event: ActionEvent, sentences: list[str]
) -> None:
    line = event_document(event, 7, "2026-01-01T00:00:00.000Z")
    EVENTS.validate(line)
    assert (line["type"], line["sequence"], line["address"]) == (event.type, 7, "agent.w.claude")
    assert list(event_text(line)) == sentences


def test_every_event_has_a_line_here() -> None:
    assert {type(event) for event, _ in LINES} == set(get_args(ActionEvent))


def test_who_is_waited_for_is_told_as_progress() -> None:
    line = event_document(ActionWaiting(ADDRESS, Verb.CREATE), 0, "")
    assert progress_text(line) == "Waiting for the conversation of agent.w.claude"


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb not in {Verb.NOOP, Verb.DEFER}])
def test_whatever_can_be_done_can_be_told(verb: Verb) -> None:
    done = event_document(ActionDone(ADDRESS, verb), 0, "")
    assert list(event_text(done)) != []
    assert not progress_text(done).startswith("Working on")

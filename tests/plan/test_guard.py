from __future__ import annotations

import pytest

from reconciler.model.action import Action, Verb
from reconciler.model.address import agent_address
from reconciler.model.conversation import Conversation, ConversationMode
from reconciler.model.diagnostic import Severity
from reconciler.model.plan import Mode, Plan
from reconciler.model.record import Record, SessionRow, Status
from reconciler.plan.guard import shared_conversations, too_many_endings


def _plan(ending: int, mode: Mode = Mode.NORMAL) -> Plan:
    actions = tuple(Action(agent_address("w", f"a{n}"), Verb.DELETE, ends_session=True) for n in range(ending))
    return Plan(mode, "", 0, "", actions)


def _record(running: int, *others: SessionRow) -> Record:
    rows = (*(SessionRow(f"w-creator-a{n}", "w", f"a{n}") for n in range(running)), *others)
    return Record(sessions={row.session: row for row in rows})


@pytest.mark.parametrize(
    ("running", "ending", "allowed", "refused"),
    [
        (10, 0, None, False),
        (10, 5, None, False),
        (10, 6, None, True),
        (2, 1, None, False),
        (2, 2, None, True),
        (10, 6, 6, False),
        (10, 6, 5, True),
        (10, 1, 0, True),
        (10, 0, 0, False),
        (0, 3, None, True),  # the registry knows of none, tmux of three
    ],
)
def test_more_than_half_need_a_word_and_the_word_is_a_limit(
    running: int, ending: int, allowed: int | None, refused: bool
) -> None:
    verdict = too_many_endings(_plan(ending), _record(running), allowed)
    assert (verdict is not None) is refused
    assert verdict is None or verdict.severity is Severity.REFUSAL


def test_the_refusal_names_the_word_that_would_do() -> None:
    verdict = too_many_endings(_plan(6), _record(10), None)
    assert verdict is not None
    assert "--max-destroy 6" in verdict.fix


def test_destroy_itself_asks_for_that_but_keeps_to_a_limit() -> None:
    assert too_many_endings(_plan(10, Mode.DESTROY), _record(10), None) is None
    assert too_many_endings(_plan(10, Mode.DESTROY), _record(10), 9) is not None


def test_rows_at_rest_and_rows_of_others_do_not_count_as_running() -> None:
    others = [SessionRow(f"x{n}", "x", f"x{n}", status=Status.STOPPED) for n in range(9)]
    others += [SessionRow(f"y{n}", "y", f"y{n}", managed=False) for n in range(9)]
    assert too_many_endings(_plan(3), _record(4, *others), None) is not None


def _start(name: str, conversation: str, mode: ConversationMode = ConversationMode.RESUME) -> Action:
    return Action(agent_address("w", name), Verb.RESUME, conversation=Conversation(mode, conversation))


def _refused(*actions: Action, held: dict[str, str] | None = None) -> list[str]:
    holders = [(agent_address("w", name), conversation) for name, conversation in (held or {}).items()]
    return [diagnostic.address for diagnostic in shared_conversations(actions, holders)]


def test_two_starts_into_one_conversation_are_refused() -> None:
    both = ["agent.w.a", "agent.w.b"]
    assert _refused(_start("a", "x"), _start("b", "x"), _start("c", "y")) == both
    assert _refused(_start("a", "x"), _start("b", "x", ConversationMode.FRESH_SAME_ID)) == both


def test_conversations_that_are_not_chosen_yet_are_not_shared() -> None:
    assert _refused(_start("a", "", ConversationMode.NEW), _start("b", "", ConversationMode.NEW)) == []


def test_a_conversation_that_a_running_agent_holds_is_refused() -> None:
    assert _refused(_start("a", "x"), held={"b": "x"}) == ["agent.w.a"]
    assert _refused(_start("a", "x"), held={"a": "x", "b": "y"}) == []


def test_a_conversation_of_an_agent_that_ends_is_free() -> None:
    ending = Action(agent_address("w", "b"), Verb.DELETE, ends_session=True)
    assert _refused(_start("a", "x"), ending, held={"b": "x"}) == []

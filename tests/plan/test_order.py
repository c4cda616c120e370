from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.model.action import Action, Verb
from reconciler.model.address import Address, agent_address, workspace_address
from reconciler.model.conversation import Conversation, ConversationMode
from reconciler.model.phase import Phase
from reconciler.model.snapshot import TmuxTarget
from reconciler.model.step import MakeFolder, RemoveFolder, StartSession, Step, StopSession
from reconciler.model.waves import phases, waves
from reconciler.plan.order import ordered


def _agent(number: int, needs: tuple[Address, ...] = ()) -> Action:
    address = agent_address("w", f"a{number:05}")
    return Action(address, Verb.CREATE, steps=(_start(address),), needs=needs)


def _start(address: Address) -> StartSession:
    new = Conversation(ConversationMode.NEW, "")
    return StartSession(address.agent, address, "claude", "/w", ("claude",), (), (), new, {})


def _stop(address: Address) -> StopSession:
    return StopSession(address.agent, TmuxTarget("$1", "%1", 1, 1))


def _made(name: str) -> Action:
    return Action(workspace_address(name), Verb.CREATE, steps=(MakeFolder(f"/{name}"),))


@st.composite
def _graphs(draw: st.DrawFn) -> list[Action]:
    """Actions whose needs point to earlier numbers only, under names that are shuffled."""
    names = draw(st.permutations(range(8)))
    edges = [draw(st.sets(st.sampled_from(names[:at]), max_size=3)) if at else set() for at in range(8)]
    actions = [
        _agent(name, tuple(_agent(need).address for need in needs)) for name, needs in zip(names, edges, strict=True)
    ]
    return draw(st.permutations(actions))


@given(_graphs())
def test_every_action_comes_after_what_it_needs(actions: list[Action]) -> None:
    places = {action.address: at for at, action in enumerate(ordered(actions))}
    assert len(places) == len(actions)
    assert all(places[need] < places[action.address] for action in actions for need in action.needs)


@given(_graphs(), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_of_the_input(actions: list[Action], random: object) -> None:
    shuffled = list(actions)
    random.shuffle(shuffled)
    assert ordered(shuffled) == ordered(actions)


@given(_graphs())
def test_endings_go_the_other_way_and_between_the_folders(actions: list[Action]) -> None:
    ending = [replace(action, verb=Verb.DELETE, steps=(_stop(action.address),)) for action in actions]
    made, removed = _made("z"), Action(workspace_address("a"), Verb.DELETE, steps=(RemoveFolder("/a"),))
    plan = ordered([removed, *ending, made])
    places = {action.address: at for at, action in enumerate(plan)}
    assert (plan[0], plan[-1]) == (made, removed)
    assert all(places[need] > places[action.address] for action in ending for need in action.needs)


def test_without_needs_workspaces_come_first_and_then_addresses() -> None:
    actions = [_agent(2), _agent(1), _made("z")]
    assert [str(action.address) for action in ordered(actions)] == ["workspace.z", "agent.w.a00001", "agent.w.a00002"]


def test_a_need_that_is_not_in_the_plan_is_passed_over() -> None:
    action = _agent(1, (agent_address("w", "elsewhere"),))
    assert ordered([action]) == (action,)


def test_a_chain_may_be_longer_than_the_stack_is_deep() -> None:
    length = 20_000
    chain = [_agent(n, (_agent(n + 1).address,) if n < length else ()) for n in range(length + 1)]
    assert ordered(chain) == tuple(reversed(chain))


def test_a_circle_of_needs_in_a_registry_edited_by_hand_still_has_an_order() -> None:
    one, other = _agent(1).address, _agent(2).address
    circle = [_agent(1, (other,)), _agent(2, (one,)), _agent(3, (one,))]
    assert {action.address for action in ordered(circle)} == {action.address for action in circle}


def test_an_agent_that_is_made_again_has_its_place_where_it_ends() -> None:
    again = replace(_agent(9), verb=Verb.REPLACE, steps=(_stop(_agent(9).address), *_agent(9).steps))
    plan = ordered([_agent(1), again])
    assert phases(again) == (Phase.END, Phase.START)
    assert plan == (again, _agent(1))


def test_those_that_start_wait_for_an_agent_that_is_made_again() -> None:
    again = replace(_agent(9, (_agent(1).address,)), steps=(_stop(_agent(9).address), *_agent(9).steps))
    started = waves([again, _agent(1), _agent(2, (again.address,))], Phase.START)
    assert [[action.address.agent for action in wave] for wave in started] == [["a00001"], ["a00009"], ["a00002"]]


def test_every_step_says_in_which_phase_it_is_done_or_that_it_goes_along() -> None:
    assert all(step.phase is None or isinstance(step.phase, Phase) for step in get_args(Step))

"""Which agents must start one after the other, so that their conversations can be told apart.

Some CLIs choose the ids of their conversations and do not show at once which agent has which. The only proof is then
which conversation began since an agent's start. So agents of one such CLI in one folder start in a queue: those with
a first prompt first, each as soon as the conversation of the one before it is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from reconciler.agents.profile import Profile
from reconciler.model.action import Action
from reconciler.model.address import Address
from reconciler.model.step import AwaitConversation, StartSession

from .order import ordered


def order_starts(actions: Sequence[Action], profiles: Mapping[str, Profile]) -> tuple[Action, ...]:
    """Sort the actions, and add to each start in a queue which agents it has to wait for."""
    queues = _queues(actions, profiles)
    prompted = {action.address for queue in queues for action in queue if _start(action).prompt}
    marked = (_awaited(action) if action.address in prompted else action for action in actions)
    return ordered(_with_waiting(ordered(marked, prompted), queues, prompted), prompted)


def _queues(actions: Iterable[Action], profiles: Mapping[str, Profile]) -> list[list[Action]]:
    """The agents that start with the same CLI in the same folder, if one of them has a first prompt.

    Without a first prompt there is nothing to wait for: the user may never type one.
    """
    queues: dict[tuple[str, str], list[Action]] = defaultdict(list)
    for action in actions:
        for step in action.steps:
            if isinstance(step, StartSession) and profiles[step.type].starts_in_queue:
                queues[step.type, step.cwd].append(action)
    return [queue for queue in queues.values() if len(queue) > 1 and any(_start(action).prompt for action in queue)]


def _start(action: Action) -> StartSession:
    return next(step for step in action.steps if isinstance(step, StartSession))


def _awaited(action: Action) -> Action:
    return replace(action, steps=(*action.steps, AwaitConversation(_start(action).session)))


def _with_waiting(
    plan: Iterable[Action], queues: Iterable[Iterable[Action]], prompted: set[Address]
) -> Iterable[Action]:
    """Make each queue follow the order of the plan, in which no agent comes before one that it needs.

    So two agents never wait for each other.
    """
    queue_of = {action.address: number for number, queue in enumerate(queues) for action in queue}
    before: dict[int, tuple[Address, ...]] = defaultdict(tuple)
    for action in plan:
        queue = queue_of.get(action.address)
        if queue is None:
            yield action
            continue
        yield replace(action, after=before[queue])
        if action.address in prompted:
            before[queue] += (action.address,)

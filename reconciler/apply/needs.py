"""What keeps an action of a plan from being done, once others of the same plan have failed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from reconciler.model.action import Action, Verb
from reconciler.model.address import Address
from reconciler.model.step import StartSession, StopSession


class Needs(Struct, frozen=True):
    """Who relies on an address, who holds a conversation until it has ended, and who a session."""

    by_need: Mapping[Address, Sequence[Address]]
    by_conversation: Mapping[str, Sequence[Address]]
    by_session: Mapping[str, Sequence[Address]]

    def obstacle(self, action: Action, blocked: Collection[Address]) -> str:
        """Why the action is not done after the failure of those that are blocked; empty when it may be."""
        return next((f"not done: it needs {why}" for address, why in self._asked_for(action) if address in blocked), "")

    def _asked_for(self, action: Action) -> Iterator[tuple[Address, str]]:
        yield from ((need, f"{need}") for need in action.needs)
        if _ends_for_good(action):
            yield from ((each, f"{each} to end first") for each in self.by_need.get(action.address, ()))
        for step in action.steps:
            if isinstance(step, StartSession):
                held = self.by_conversation.get(step.conversation.id, ())
                yield from ((each, f"{each} to leave its conversation") for each in held)
                named = self.by_session.get(step.session, ())
                yield from ((each, f"{each} to leave its session") for each in named)


def needs_of(actions: Iterable[Action]) -> Needs:
    """What the actions of a plan need of each other."""
    by_need: dict[Address, list[Address]] = defaultdict(list)
    by_conversation: dict[str, list[Address]] = defaultdict(list)
    by_session: dict[str, list[Address]] = defaultdict(list)
    for action in actions:
        for need in action.needs:
            by_need[need].append(action.address)
        for step in action.steps:
            if isinstance(step, StopSession):
                by_session[step.session].append(action.address)
                for conversation in step.known[:1]:
                    by_conversation[conversation].append(action.address)
    return Needs(by_need, by_conversation, by_session)


def _ends_for_good(action: Action) -> bool:
    """Whether it leaves or rests afterwards: what is made again is there for those that rely on it."""
    starts = any(isinstance(step, StartSession) for step in action.steps)
    ends = any(isinstance(step, StopSession) for step in action.steps)
    return not starts and (ends or action.verb in {Verb.DELETE, Verb.FORGET})

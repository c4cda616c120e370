"""Which actions of a plan cannot be done after others of the same plan have failed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from reconciler.model.action import Action, Verb
from reconciler.model.address import Address
from reconciler.model.step import StartSession, StopSession


class Needs(Struct, frozen=True):
    """What the actions of one plan need from each other."""

    by_need: Mapping[Address, Sequence[Address]]
    """The addresses that need each address."""
    by_conversation: Mapping[str, Sequence[Address]]
    """The addresses that the plan ends and that hold each conversation until then."""
    by_session: Mapping[str, Sequence[Address]]
    """The addresses that the plan ends and that hold each session name until then."""

    def obstacle(self, action: Action, blocked: Collection[Address]) -> str:
        """Return why the action cannot be done when those in `blocked` were not done; empty when it can."""
        return next((f"not done: it needs {why}" for address, why in self._needed(action) if address in blocked), "")

    def _needed(self, action: Action) -> Iterator[tuple[Address, str]]:
        """Every address that the action needs, with the rest of the sentence for the user."""
        yield from ((need, f"{need}") for need in action.needs)
        if _ends_for_good(action):
            yield from ((each, f"{each} to end first") for each in self.by_need.get(action.address, ()))
        for step in action.steps:
            if isinstance(step, StartSession):
                conversation_holders = self.by_conversation.get(step.conversation.id, ())
                yield from ((each, f"{each} to leave its conversation") for each in conversation_holders)
                session_holders = self.by_session.get(step.session, ())
                yield from ((each, f"{each} to leave its session") for each in session_holders)


def needs_of(actions: Iterable[Action]) -> Needs:
    """Collect what the actions of a plan need from each other."""
    by_need: dict[Address, list[Address]] = defaultdict(list)
    by_conversation: dict[str, list[Address]] = defaultdict(list)
    by_session: dict[str, list[Address]] = defaultdict(list)
    for action in actions:
        for need in action.needs:
            by_need[need].append(action.address)
        for step in action.steps:
            if isinstance(step, StopSession):
                by_session[step.session].append(action.address)
                for conversation in step.known[:1]:  # the present one comes first
                    by_conversation[conversation].append(action.address)
    return Needs(by_need, by_conversation, by_session)


def _ends_for_good(action: Action) -> bool:
    """True when the address ends and is not started again in the same action."""
    starts = any(isinstance(step, StartSession) for step in action.steps)
    ends = any(isinstance(step, StopSession) for step in action.steps)
    return not starts and (ends or action.verb in {Verb.DELETE, Verb.FORGET})

"""Which actions the user approved beforehand, and which need a confirmation."""

from __future__ import annotations

from collections.abc import Collection

from reconciler.model.action import Action, Verb
from reconciler.model.errors import UsageError
from reconciler.model.plan import Plan

_CLASSES = tuple(verb for verb in Verb if verb not in {Verb.DEFER, Verb.NOOP})


def classes(text: str) -> frozenset[Verb]:
    """Parse a list such as `create,update` into classes of action; UsageError for an unknown word."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    unknown = next((word for word in words if word not in _CLASSES), None)
    if unknown is not None:
        raise UsageError(f"there is no action {unknown!r}", fix=f"choose from {', '.join(_CLASSES)}")
    return frozenset(map(Verb, words))


def beyond(plan: Plan, allowed: Collection[Verb]) -> list[Action]:
    """The actions whose class was not approved beforehand."""
    return [action for action in plan.pending if action.verb is not Verb.DEFER and action.verb not in allowed]

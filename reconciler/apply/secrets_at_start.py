"""Run the commands that print the secrets of agents (`from_command`), before anything is ended for their starts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from reconciler.model.action import Action
from reconciler.model.desired import EnvOrigin, EnvVar
from reconciler.model.event import ActionFailed
from reconciler.model.observed import Observed, Present
from reconciler.model.step import StartSession

from .run import Run

_AT_ONCE = 8
Values = Mapping[tuple[EnvOrigin, str], Observed[str]]


def command_values(actions: Iterable[Action], run: Run) -> Values:
    """What the commands of these starts print. A command runs once, however many agents need it."""
    wanted = {(var.origin, var.source): var for action in actions for var in _variables(action)}
    if not wanted:
        return {}
    with ThreadPoolExecutor(min(_AT_ONCE, len(wanted))) as workers:
        return dict(zip(wanted, workers.map(run.secret_of, wanted.values()), strict=True))


def without_value(actions: Sequence[Action], values: Values) -> Iterator[ActionFailed]:
    """The starts that cannot be done, because a command failed."""
    for action in actions:
        for var in _variables(action):
            found = values[var.origin, var.source]
            if not isinstance(found, Present):
                yield ActionFailed(action.address, action.verb, *_why(var, found))
                break


def _why(var: EnvVar, found: Observed[str]) -> tuple[str, str]:
    """The message and the way out. Neither contains anything that the command printed."""
    why = getattr(found, "reason", "printed nothing")
    return f"{var.name} has no value: {var.words[0]} {why}", "-> run the command of its from_command yourself"


def _variables(action: Action) -> Iterator[EnvVar]:
    starts = (step for step in action.steps if isinstance(step, StartSession))
    yield from (var for step in starts for var in step.env if var.origin is EnvOrigin.FROM_COMMAND)

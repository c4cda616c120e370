"""Look at the budgets of a project again and again, for the monitor."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.app.agents.look import ProjectView
from reconciler.app.project.project import Project
from reconciler.app.usage.budgets import used_up
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.errors import ReconcilerError
from reconciler.model.moment import local_day
from reconciler.model.plan import Drift
from reconciler.usage.budgets import Limit, as_drift, limits

_PERIOD = 60.0  # seconds between two looks at what the CLIs stored


@dataclass(slots=True)
class BudgetWatch:
    """Tells which budgets are used up. The stores are read at most once a minute."""

    at: Project
    _seen: tuple[tuple[Limit, ...], str] | None = None
    _next: float = 0.0
    _drifts: dict[Limit, Drift] = field(default_factory=dict)
    _trouble: tuple[Diagnostic, ...] = ()

    def look(self, seen: ProjectView) -> tuple[tuple[Drift, ...], tuple[Diagnostic, ...]]:
        """What to report of the budgets, and why they cannot be watched."""
        wanted = limits(seen.desired)
        if not wanted:
            return (), ()
        question = wanted, local_day(self.at.now().timestamp())
        if self._seen != question:
            self._seen, self._next, self._drifts = question, 0.0, {}
        if self.at.clock.monotonic() >= self._next:
            self._next = self.at.clock.monotonic() + _PERIOD
            self._read(seen, *question)
        return tuple(self._drifts.values()), self._trouble

    def _read(self, seen: ProjectView, wanted: tuple[Limit, ...], day: str) -> None:
        """What was used up stays so for the day, also when a store cannot be read any more."""
        try:
            found = used_up(self.at, seen, wanted)
        except ReconcilerError as error:
            summary = f"budgets are not watched: {error.summary}"
            self._trouble = (Diagnostic(Severity.WARNING, summary, error.detail, error.fix),)
        else:
            self._drifts |= {each.limit: as_drift(each, day) for each in found}
            self._trouble = ()

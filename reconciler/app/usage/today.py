"""What agents used since midnight, for a face that shows it all the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from reconciler.app.agents.look import ProjectView
from reconciler.app.project.project import Project
from reconciler.app.usage.stores import OpenedProject, owners, token_places
from reconciler.model.address import Address, parse_address
from reconciler.model.moment import local_day, start_of_day
from reconciler.model.tokens import TokenFile
from reconciler.model.usage import GroupBy, Owner
from reconciler.observe.tokens import read_tokens
from reconciler.usage.counting import answers
from reconciler.usage.period import Period
from reconciler.usage.sums import sum_up


class TodaysTokens(Struct, frozen=True):
    """The tokens of each agent since midnight, in local time."""

    counted: Mapping[Owner, int]
    types: frozenset[str] = frozenset()
    """The names of the profiles whose stores could be read: their agents without an entry used none."""

    def of(self, project: str, address: Address, type_: str) -> int | None:
        """The tokens of an agent whose profile has this name; None when they are not known."""
        return self.counted.get(Owner(project, address), 0 if type_ in self.types else None)


@dataclass(slots=True)
class TodaysCount:
    """Counts again and again; only what was added to the stores is read again.

    Only files that were written today are read, and the index of `usage` is neither read nor written: that takes long
    when it knows the conversations of months.
    """

    _since: int = 0
    _known: dict[str, TokenFile] = field(default_factory=dict)

    def count(self, projects: Sequence[OpenedProject]) -> TodaysTokens:
        """The tokens of the agents of these projects."""
        if not projects:
            return TodaysTokens({})
        today = _today(projects[0].at)
        if today.since != self._since:
            self._since, self._known = today.since, {}
        places = [each for project in projects for each in token_places(project)]
        seen = read_tokens(places, self._known, projects[0].at.files, today.since)
        self._known = dict(seen.files)
        found = sum_up(answers(seen.files, owners(projects)), [GroupBy.AGENT], today, None)
        counted = {
            Owner(group.project, address): group.total
            for group in found.groups
            if (address := parse_address(group.agent)) is not None
        }
        unread = {each.type for each in seen.unread}
        return TodaysTokens(counted, frozenset(place.type for place in places if place.type not in unread))


def profile_of(view: ProjectView, address: Address) -> str:
    """The name of an agent's profile; empty if it is not known."""
    case = view.cases.get(address)
    return case.profile.name if case and case.profile else ""


def _today(at: Project) -> Period:
    now = at.now().timestamp()
    return Period(start_of_day(local_day(now)) or 0, int(now) + 1)

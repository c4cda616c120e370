"""One look at a project as the monitor needs it."""

from __future__ import annotations

from msgspec import Struct, field

from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.drift_class import DriftClass
from reconciler.model.observed import Absent, Observed, Present, Unknown
from reconciler.model.plan import Drift
from reconciler.model.record import RowEdit
from reconciler.model.snapshot import Server
from reconciler.model.watch import AgentObservation
from reconciler.state.registry import StoredRegistry

from .debounce import ServerProcess
from .trigger import WatchedPaths

WRITTEN = frozenset(
    {
        DriftClass.SESSION_GONE,
        DriftClass.ALIVE,
        DriftClass.CONVERSATION_KNOWN,
        DriftClass.OTHER_CONVERSATION,
        DriftClass.RESUMABLE,
    }
)
"""The classes of drift that the registry follows; of the others people are told."""


class Observation(Struct, frozen=True):
    """Everything that one look saw, compared. `stored` is the registry that it was compared with.

    Those of the `drifts` that are `accepted` are written down like the others, and told to nobody.
    `notes` are edits that are written and told to nobody, such as what jobs say of their agents. `paths` are where a
    change may mean something.
    """

    stored: StoredRegistry
    server: Observed[Server]
    drifts: tuple[Drift, ...] = ()
    agents: tuple[AgentObservation, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    notes: tuple[RowEdit, ...] = ()
    paths: WatchedPaths = field(default_factory=WatchedPaths)
    accepted: tuple[Drift, ...] = ()

    @property
    def is_sure(self) -> bool:
        """True when nothing was left unseen: what was not found is not there."""
        return not isinstance(self.server, Unknown) and all(
            each.severity is Severity.WARNING for each in self.diagnostics
        )

    def process(self, before: tuple[ServerProcess, ...]) -> tuple[ServerProcess, ...]:
        """The server that the next pass compares with; one that could not be asked tells nothing."""
        match self.server:
            case Present(server):
                return (server,)
            case Absent():
                return (None,)
            case Unknown():
                return before


def edits(drifts: tuple[Drift, ...], look: Observation) -> tuple[RowEdit, ...]:
    """What the registry gets: the drifts of the classes that it follows, and the notes."""
    followed = (edit for drift in drifts if drift.kind in WRITTEN for edit in drift.edits)
    return (*followed, *look.notes)

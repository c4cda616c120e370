"""One look at a project, for the monitor."""

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
"""The drift classes that the monitor corrects in the registry; other classes are only reported."""


class Observation(Struct, frozen=True):
    """The result of one look. `stored` is the registry that it was compared with.

    Drifts that are also in `accepted` are corrected like the others, but not reported. `notes` are edits that are
    written and not reported, such as notes of jobs about their agents. `paths` are watched for changes.
    """

    stored: StoredRegistry
    server: Observed[Server]
    drifts: tuple[Drift, ...] = ()
    agents: tuple[AgentObservation, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    notes: tuple[RowEdit, ...] = ()
    paths: WatchedPaths = field(default_factory=WatchedPaths)
    accepted: tuple[Drift, ...] = ()
    socket: str = ""
    """The path of the socket of the tmux server."""

    @property
    def is_sure(self) -> bool:
        """Whether everything could be looked at: what was not found does not exist."""
        return not isinstance(self.server, Unknown) and all(
            each.severity is Severity.WARNING for each in self.diagnostics
        )

    def process(self, before: tuple[ServerProcess, ...]) -> tuple[ServerProcess, ...]:
        """The server for the next pass to compare with; the previous one if the server could not be asked."""
        match self.server:
            case Present(server):
                return (server,)
            case Absent():
                return (None,)
            case Unknown():
                return before


def edits(drifts: tuple[Drift, ...], look: Observation) -> tuple[RowEdit, ...]:
    """The edits of the registry: those of the drifts that it follows, and the notes."""
    followed = (edit for drift in drifts if drift.kind in WRITTEN for edit in drift.edits)
    return (*followed, *look.notes)

"""A host of a fleet, and what became of it in one run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec
from msgspec import Struct, field


class HostOutcome(StrEnum):
    """How one run ended on one host."""

    OK = "ok"
    FAILED = "failed"
    STALE = "stale"
    REFUSED = "refused"
    LOCKED = "locked"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"


class FleetHost(Struct, frozen=True):
    """A host as the inventory names it. `project` is empty if nothing says where its project is."""

    name: str
    address: str
    user: str = ""
    port: int = 0
    project: str = ""
    executable: str = ""
    values: Mapping[str, str] | None = None
    """What `${NAME}` stands for on this host (`reconciler_vars`); None if the inventory says nothing."""
    git_url: str = ""
    git_ref: str = ""


class HostWork(Struct, frozen=True):
    """What a push or an installation did on one host."""

    host: str
    outcome: HostOutcome
    said: str = ""
    exit_code: int | None = None
    written: Sequence[str] = ()
    deleted: Sequence[str] = ()
    changed: bool = False


class HostResult(Struct, frozen=True):
    """What one run left on one host; `document` is JSON, empty if there is none."""

    host: str
    outcome: HostOutcome
    exit_code: int | None = None
    said: str = ""
    """Why it is not ok; else what the command said beside the document."""
    changed: bool = False
    digest: str = ""
    shape: str = ""
    summary: Mapping[str, int] = field(default_factory=dict)
    document: msgspec.Raw = field(default_factory=msgspec.Raw)

    @property
    def is_fine(self) -> bool:
        """Whether everything that was asked for was done on it."""
        return self.outcome is HostOutcome.OK

    @property
    def pending(self) -> bool:
        """Whether its plan would do something, or its drift is not empty."""
        return any(self.summary.values())

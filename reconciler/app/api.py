"""The public Python API: open a project, then plan, apply and look. All documents are the same as with `--json`."""

from __future__ import annotations

from collections.abc import Generator

from reconciler.app.agents.status import status
from reconciler.app.jobs.send import live_recipient, send
from reconciler.app.plan.apply import work
from reconciler.app.plan.drift import DriftOptions, drift
from reconciler.app.plan.events import ApplyEvent, Question
from reconciler.app.plan.make import make_plan
from reconciler.app.plan.options import ApplyOptions
from reconciler.app.plan.plans import document_of
from reconciler.app.plan.saved_plans import request_of, saved_plan
from reconciler.app.project.project import Project, find_project
from reconciler.model.address import parse_address
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.redacted import Redacted
from reconciler.plan.request import Request
from reconciler.render.documents.drift import DriftsDoc
from reconciler.render.documents.plan import PlanDoc
from reconciler.render.documents.send import SendDoc
from reconciler.render.documents.status import StatusDoc
from reconciler.render.sending import send_document

__all__ = [
    "ApplyEvent",
    "ApplyOptions",
    "DriftOptions",
    "OpenProject",
    "Question",
    "ReconcilerError",
    "Request",
    "open_project",
    "parse_address",
]

EVERYTHING = Request()
ASK = ApplyOptions()
ALL = DriftOptions()


class OpenProject(Redacted, frozen=True):
    """One project on this machine. Every call reads manifests, registry and the live world again.

    Failures raise a ReconcilerError with a `summary`, a `detail` and a `fix`.
    """

    at: Project

    @property
    def folder(self) -> str:
        """The project's folder."""
        return self.at.root

    def plan(self, request: Request = EVERYTHING) -> PlanDoc:
        """Return what an apply of the request would do, as `reconciler plan --json`. Nothing is changed."""
        return document_of(self.at, make_plan(self.at, request))

    def apply(self, request: Request = EVERYTHING, options: ApplyOptions = ASK) -> Generator[ApplyEvent, None, None]:
        """Carry out the request and yield events; `event.line` is the line of `--json`.

        Nothing happens before you take the first event. The project's lock is held until you took the last one.
        """
        return work(self.at, request, options)

    def apply_saved(self, path: str, options: ApplyOptions = ASK) -> Generator[ApplyEvent, None, None]:
        """Carry out a plan saved by `reconciler plan --out`. Raises StalePlan if anything changed since."""
        saved = saved_plan([path])
        if saved is None:
            raise UsageError(f"{path} is not a saved plan", fix="make one with `reconciler plan --out FILE`")
        return work(self.at, request_of(saved), options, saved)

    def status(self, name: str = "") -> StatusDoc:
        """Return all agents, or the named one in detail, as `reconciler status --json`."""
        return status(self.at, name)

    def drift(self, options: DriftOptions = ALL) -> DriftsDoc:
        """Return the differences between registry and live world, as `reconciler drift --json`. Nothing is written."""
        return drift(self.at, options)

    def send(self, name: str, text: str, wait_idle: float = 0.0) -> SendDoc:
        """Send one prompt to the live agent of that name, as `reconciler send --json`; `wait_idle` is in seconds.

        The `verdict` says what became of it. Only what could not be tried raises a ReconcilerError.
        """
        sent = send(self.at, live_recipient(self.at, name, within_budget=True), text, wait_idle)
        return send_document(str(sent.address), sent.session, sent.delivery)


def open_project(folder: str = "", registry: str = "") -> OpenProject:
    """Open the project in `folder`, else the nearest one upward. Raises UsageError if `folder` is not a folder."""
    return OpenProject(find_project(folder, registry))

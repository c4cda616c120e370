"""The actions that were begun on the page: each runs in a thread of its own, and its page shows how far it is."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from threading import Event, Thread

from msgspec import Struct

from reconciler.app.board.actions import ActionResult, Tell, failed
from reconciler.app.board.service import AgentKey
from reconciler.model.errors import ReconcilerError

from .threads import in_thread
from .trail import AuditTrail, TrailEntry, Visitor

_MOST = 200  # actions whose pages are kept
_SHOWN = 500  # lines

Task = Callable[[Tell], ActionResult]


class Deed(Struct, frozen=True, kw_only=True):
    """What is to be done: for its page, and for the log."""

    what: str
    """As in the log."""
    title: str
    key: AgentKey
    """The agent; for a whole project, with an empty address."""
    detail: str = ""
    back: str = "/"


class DeedRun:
    """One action and what came of it."""

    def __init__(self, deed: Deed) -> None:
        self.id = secrets.token_urlsafe(9)
        self.deed = deed
        self.lines: list[str] = []
        self.result: ActionResult | None = None
        self.ended = Event()

    def tell(self, line: str) -> None:
        """Note what is done now."""
        self.lines.append(line)
        del self.lines[:-_SHOWN]


class DeedRuns:
    """Begins actions, and keeps what came of the last ones. `after` is called in their threads."""

    def __init__(self, trail: AuditTrail, after: Callable[[], None]) -> None:
        self._trail, self._after = trail, after
        self._runs: dict[str, DeedRun] = {}

    def find(self, id_: str) -> DeedRun | None:
        """The action with this id."""
        return self._runs.get(id_)

    @property
    def going_on(self) -> list[DeedRun]:
        """The actions that have not ended."""
        return [each for each in self._runs.values() if not each.ended.is_set()]

    async def begin(self, visitor: Visitor, deed: Deed, task: Task, patience: float) -> DeedRun:
        """Write the action down, begin it, and wait a moment for it to end. Raises ReconcilerError if nothing began."""
        run = DeedRun(deed)
        key = deed.key
        about = {"project": key.folder, "registry": key.registry, "about": key.address}
        entry = self._trail.entry(visitor, deed.what, "begun", **about, detail=deed.detail, id=run.id)
        await in_thread(lambda: self._trail.write(entry))
        self._runs[run.id] = run
        for old in [each for each in self._runs.values() if each.ended.is_set()][:-_MOST]:
            del self._runs[old.id]
        Thread(target=self._work, args=(run, task, visitor, entry), daemon=True).start()
        await in_thread(lambda: run.ended.wait(patience))
        return run

    def _work(self, run: DeedRun, task: Task, visitor: Visitor, begun: TrailEntry) -> None:
        try:
            run.result = task(run.tell)
        except ReconcilerError as error:
            run.result = failed(error)
        except Exception as error:  # noqa: BLE001 - its page must not wait for ever
            run.result = ActionResult(done=False, lines=(f"unexpected: {type(error).__name__}: {error}",))
        verdict = "done" if run.result.done else "failed"
        try:
            said = run.result.lines[0] if run.result.lines else ""
            about = {"project": begun.project, "registry": begun.registry, "about": begun.about}
            self._trail.write(self._trail.entry(visitor, begun.what, verdict, **about, detail=said, id=run.id))
        except ReconcilerError as error:
            run.result = ActionResult(run.result.done, (*run.result.lines, error.summary))
        run.ended.set()
        self._after()

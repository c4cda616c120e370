"""The passes of the monitor, one after the other.

A pass looks without the project's lock. Only if it finds something to write or report, it takes the lock and looks
again, so that the work of a running command is never mistaken for drift.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.errors import LockHeld, ReconcilerError
from reconciler.model.moment import to_second
from reconciler.model.observed import Present
from reconciler.model.plan import Drift
from reconciler.model.watch import Notice, Pass
from reconciler.ports import lockfile
from reconciler.ports.world import Clock
from reconciler.state.lock import MONITOR, HolderState, Lock, describe_holder, hold, status
from reconciler.state.registry import Registry, commit

from .debounce import GRACE, ServerProcess, after_grace, debounce
from .news import ToldDrifts, news, update_reported
from .observation import Observation, edits
from .state_folder import StateFolder, set_aside
from .watch_state import WatchState, load, save, strike_off

TICK = 1.0  # seconds before the next pass if drifts must be seen twice
SETTLE = 6.0  # seconds before an extra pass after changes: the user's latest action counts for 5 seconds


class PassContext(Struct, frozen=True):
    """The project for the passes; `look` looks and compares again, `dry_run` writes no file.

    `project` is its folder where one monitor watches several.
    """

    look: Callable[[], Observation]
    registry: Registry
    lock: Lock
    folder: StateFolder
    clock: Clock
    dry_run: bool = False
    project: str = ""


class PassResult(Struct, frozen=True):
    """A pass, and the seconds until the next one must start; 0 if there is no hurry.

    Without a `look` it could see nothing; `busy` names the command that was at work.
    """

    seen: Pass
    again: float = 0.0
    look: Observation | None = None
    busy: LockHeld | None = None


class _JudgedLook(Struct, frozen=True):
    """The result of one look: the drifts to act on, and how many must wait."""

    look: Observation
    drifts: tuple[Drift, ...]
    waiting: int

    @property
    def telling(self) -> tuple[Drift, ...]:
        """The drifts that may be reported."""
        return tuple(drift for drift in self.drifts if drift not in self.look.accepted)


class Passes:
    """Makes pass after pass. Its changes count as reported only after `confirm`."""

    def __init__(self, context: PassContext) -> None:
        self._context = context
        self._number = 0
        self._server: tuple[ServerProcess, ...] = ()
        self._state = WatchState()
        self._complaints: tuple[Diagnostic, ...] = ()
        self._alive_since: dict[str, float] = {}

    def next(self) -> PassResult:
        """Look, correct the registry, and return the changes. Errors become diagnostics and are not raised."""
        clock, self._number = self._context.clock, self._number + 1
        at = to_second(clock.now())
        began = clock.monotonic()
        try:
            result = self._pass()
        except LockHeld as held:
            result = PassResult(_nothing(()), TICK, busy=held)
        except ReconcilerError as error:
            result = PassResult(_nothing(error.diagnostics))
        except OSError as error:  # a folder was deleted while it was being listed
            trouble = ReconcilerError("the project cannot be read", detail=str(error))
            result = PassResult(_nothing(trouble.diagnostics))
        seconds = clock.monotonic() - began
        seen = replace(result.seen, number=self._number, at=at, seconds=seconds, project=self._context.project)
        return replace(result, seen=seen)

    def confirm(self) -> None:
        """Mark the changes of the last pass as reported. Raises ReconcilerError if that cannot be stored."""
        if not self._context.dry_run:
            self._state = strike_off(self._context.folder, self._state.pending)

    def _pass(self) -> PassResult:
        if self._number == 1:
            self._state = self._loaded()
        found = self._found()
        fresh: tuple[Notice, ...] = ()
        if self._context.dry_run:
            fresh = news(found.telling, self._state.told)
            self._state = replace(self._state, told=self._known(found))
        elif not self._is_quiet(found):
            with hold(self._context.lock, MONITOR):
                found = self._found()
                fresh = self._written(found)
        self._server = found.look.process(self._server)
        return self._result(found, fresh)

    def _loaded(self) -> WatchState:
        """The stored state; damaged files are renamed, and their drifts may be reported again."""
        state = load(self._context.folder)
        if state.strange and not self._context.dry_run:
            said = [set_aside(self._context.folder, path) for path in state.strange]
            self._complaints = tuple(Diagnostic(Severity.WARNING, words) for words in said)
        return replace(state, strange=())

    def _found(self) -> _JudgedLook:
        look = self._context.look()
        match status(self._context.lock):
            case Present(found) if self._context.dry_run and found.holder is HolderState.ALIVE:
                raise LockHeld(f"the project is being changed by {describe_holder(found.info, self._context.clock)}")
            case _:
                return self._judged(look)

    def _judged(self, look: Observation) -> _JudgedLook:
        """Judge a look. A first pass acts at once, because it cannot know since when things are as they are."""
        drifts, waiting = debounce(look.drifts, self._server, _now(look))
        since = {drift.session: -GRACE for drift in drifts} if self._number == 1 else self._alive_since
        now = self._context.clock.monotonic()
        kept, self._alive_since = after_grace(drifts, since, now)
        return _JudgedLook(look, kept, waiting + len(drifts) - len(kept))

    def _known(self, found: _JudgedLook) -> ToldDrifts:
        return update_reported(found.telling, self._state.told, sure=found.look.is_sure)

    def _is_quiet(self, found: _JudgedLook) -> bool:
        """Whether there is nothing to write, report or store."""
        written = bool(self._state.pending or edits(found.drifts, found.look))
        return not written and self._known(found) == self._state.told

    def _written(self, found: _JudgedLook) -> tuple[Notice, ...]:
        """Store the changes to report, then correct the registry; after a crash, the next pass does the rest."""
        with lockfile.one_at_a_time(self._context.folder.path):
            before = self._state = self._loaded()
            fresh = (*before.pending, *map(_done, news(found.telling, before.told)))
            self._state = WatchState(self._known(found), fresh)
            save(self._context.folder, before, self._state)
        rows, stored = edits(found.drifts, found.look), found.look.stored
        if rows:
            commit(self._context.registry, stored, rows, new_lineage=stored.record.lineage or uuid.uuid4().hex)
        return fresh

    def _result(self, found: _JudgedLook, fresh: tuple[Notice, ...]) -> PassResult:
        look, complaints = found.look, self._complaints
        self._complaints = ()
        seen = Pass(
            number=0,
            at="",
            seconds=0.0,
            agents=look.agents,
            drifts=found.telling,
            news=fresh,
            diagnostics=(*complaints, *look.diagnostics),
        )
        again = TICK if found.waiting else SETTLE if fresh else 0.0
        return PassResult(seen, again, look)


def _done(notice: Notice) -> Notice:
    """The notice with the text for a pass that also corrects the registry."""
    drift = notice.drift
    return replace(notice, drift=replace(drift, message=drift.done)) if drift.done else notice


def _nothing(diagnostics: Iterable[Diagnostic]) -> Pass:
    return Pass(number=0, at="", seconds=0.0, diagnostics=tuple(diagnostics), blind=True)


def _now(look: Observation) -> ServerProcess:
    return look.server.value if isinstance(look.server, Present) else None

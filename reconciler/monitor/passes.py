"""The passes of the monitor, one after the other.

A pass looks without the project's lock. Only when it finds something to write or to tell, it takes the lock and looks
again, so that what somebody is doing at this moment is never taken for a drift.
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

TICK = 1.0  # seconds until a pass that had to wait for another one gets it
SETTLE = 6.0  # seconds until a pass looks once more after news: the user's latest action wins for 5


class PassContext(Struct, frozen=True):
    """The project as the passes see it; `look` compares it anew, `dry_run` keeps every file as it is."""

    look: Callable[[], Observation]
    registry: Registry
    lock: Lock
    folder: StateFolder
    clock: Clock
    dry_run: bool = False


class PassResult(Struct, frozen=True):
    """A pass, and how many seconds later the next one is due at the latest; 0 when there is no hurry.

    Without a `look` it saw nothing; `busy` says who was at work.
    """

    seen: Pass
    again: float = 0.0
    look: Observation | None = None
    busy: LockHeld | None = None


class _JudgedLook(Struct, frozen=True):
    """What one look means: the drifts to act on, and how many have to wait."""

    look: Observation
    drifts: tuple[Drift, ...]
    waiting: int

    @property
    def telling(self) -> tuple[Drift, ...]:
        """What people may be told of."""
        return tuple(drift for drift in self.drifts if drift not in self.look.accepted)


class Passes:
    """Makes one pass after the other. What it tells is only struck off when `confirm` says that it was told."""

    def __init__(self, context: PassContext) -> None:
        self._context = context
        self._number = 0
        self._server: tuple[ServerProcess, ...] = ()
        self._state = WatchState()
        self._complaints: tuple[Diagnostic, ...] = ()
        self._alive_since: dict[str, float] = {}

    def next(self) -> PassResult:
        """Look, write down what belongs in the registry, and say what is worth telling. Raises nothing of ours."""
        clock, self._number = self._context.clock, self._number + 1
        at = to_second(clock.now())
        began = clock.monotonic()
        try:
            result = self._pass()
        except LockHeld as held:
            result = PassResult(_nothing(()), TICK, busy=held)
        except ReconcilerError as error:
            result = PassResult(_nothing(error.diagnostics))
        except OSError as error:  # a folder that went while it was listed
            trouble = ReconcilerError("the project cannot be looked at", detail=str(error))
            result = PassResult(_nothing(trouble.diagnostics))
        seconds = clock.monotonic() - began
        return replace(result, seen=replace(result.seen, number=self._number, at=at, seconds=seconds))

    def confirm(self) -> None:
        """What the last pass said was told. Raises ReconcilerError when that cannot be written down."""
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
        """What the state files say; damaged ones are set aside, and what they said may be told again."""
        state = load(self._context.folder)
        if state.strange and not self._context.dry_run:
            said = [set_aside(self._context.folder, path) for path in state.strange]
            self._complaints = tuple(Diagnostic(Severity.WARNING, words) for words in said)
        return replace(state, strange=())

    def _found(self) -> _JudgedLook:
        look = self._context.look()
        match status(self._context.lock):
            case Present(found) if self._context.dry_run and found.holder is HolderState.ALIVE:
                raise LockHeld(f"the project is being worked on by {describe_holder(found.info, self._context.clock)}")
            case _:
                return self._judged(look)

    def _judged(self, look: Observation) -> _JudgedLook:
        """A first pass acts on what it sees: it cannot know since when it is so."""
        drifts, waiting = debounce(look.drifts, self._server, _now(look))
        since = {drift.session: -GRACE for drift in drifts} if self._number == 1 else self._alive_since
        now = self._context.clock.monotonic()
        kept, self._alive_since = after_grace(drifts, since, now)
        return _JudgedLook(look, kept, waiting + len(drifts) - len(kept))

    def _known(self, found: _JudgedLook) -> ToldDrifts:
        return update_reported(found.telling, self._state.told, sure=found.look.is_sure)

    def _is_quiet(self, found: _JudgedLook) -> bool:
        """True when there is nothing to write, to tell or to remember."""
        written = bool(self._state.pending or edits(found.drifts, found.look))
        return not written and self._known(found) == self._state.told

    def _written(self, found: _JudgedLook) -> tuple[Notice, ...]:
        """Write down what is to be told, and then what is true; a crash in between is made good by the next pass."""
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
    """The news in the words of a pass that writes it down."""
    drift = notice.drift
    return replace(notice, drift=replace(drift, message=drift.done)) if drift.done else notice


def _nothing(diagnostics: Iterable[Diagnostic]) -> Pass:
    return Pass(number=0, at="", seconds=0.0, diagnostics=tuple(diagnostics), blind=True)


def _now(look: Observation) -> ServerProcess:
    return look.server.value if isinstance(look.server, Present) else None

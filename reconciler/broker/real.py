"""Check, change, start and stop the brokers of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reconciler.broker.by_hand.folder import HandMadeBroker, digest
from reconciler.broker.by_hand.takeover import obstacles, takeover
from reconciler.broker.files import effect, layout
from reconciler.broker.files.conf import Version
from reconciler.broker.files.file_set import FileSet, InvalidBrokerFiles
from reconciler.broker.files.hand_edits import hand_edits
from reconciler.broker.files.layout import ReplacedFolder
from reconciler.broker.keys.expiry import due_moments, expiries
from reconciler.broker.keys.material import Material
from reconciler.broker.running import process, program
from reconciler.broker.running.port_conflicts import conflict_diagnostic, in_its_place, proof_of, shows_our_certificate
from reconciler.broker.running.process import Machine, Running
from reconciler.broker.running.recognise import HealthyBroker, basis
from reconciler.broker.verify.run import verify
from reconciler.model.address import Address
from reconciler.model.broker import Broker, Effect, Survey, Target
from reconciler.model.broker_status import BrokerStatus
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Absent, Observed, Present, Unknown
from reconciler.model.proof import Probe, ProbeVerdict
from reconciler.model.redacted import Redacted

from . import make, proof
from .make import BrokerDirectory, BrokerFilePlan
from .readable import readable, renewed

# A change of the material before the plan is made, such as a rotation.
Rework: TypeAlias = Callable[[Material], Material]

_IMAGE = Version.V2_1  # of eclipse-mosquitto:2, which compose.yaml names


class Reloaded(Struct, frozen=True):
    """A reload: what the files needed from the broker before, and what they still need (nothing or a restart)."""

    pid: int
    before: Effect
    after: Effect


class PendingTakeover(Redacted, frozen=True):
    """A takeover of a broker made by hand: its files and the plan. `reissued`: the user asked for new certificates."""

    found: HandMadeBroker
    making: BrokerFilePlan
    now: datetime
    reissued: bool


class _Planned(Struct, frozen=True):
    """A survey and its plan, kept so that exactly the planned keys and passwords are written."""

    broker: Broker
    found: BrokerDirectory
    making: BrokerFilePlan
    running: Observed[Running]
    program: str
    version: Version
    survey: Survey


@dataclass(slots=True)
class RealBrokers:
    """The brokers of this machine; `path` is the search path for Mosquitto. A plan is kept until `converge` writes it.

    With `returning`, users who were removed and come back get their last password again.
    """

    machine: Machine
    path: str
    returning: bool = False
    _planned: dict[Address, _Planned] = field(default_factory=dict)

    def survey(self, broker: Broker) -> Observed[Survey]:
        """Compare a broker with its declaration. Writes nothing."""
        try:
            return Present(self.examine(broker))
        except InvalidBrokerFiles as error:
            return Present(Survey(made=True, problems=error.diagnostics))
        except ReconcilerError as error:
            return Unknown("; ".join(filter(None, (error.summary, error.detail, error.fix))))

    def examine(self, broker: Broker, rework: Rework | None = None) -> Survey:
        """Like `survey`, but raises. `rework` changes the material first, as for a rotation.

        Raises:
            InvalidBrokerFiles: The settings or the files cannot be used.
            ReconcilerError: The broker cannot be read, or its files cannot be planned.
        """
        now = self.machine.clock.now()
        found = make.look(broker, now, returning=self.returning)
        if rework:
            found = replace(found, material=rework(found.material))
        binary, version = self._installed(broker)
        making = make.plan(broker, found, program.runner(binary), now)
        running = process.running(broker.directory, self.machine.processes)
        if isinstance(running, Unknown):
            raise ReconcilerError(f"cannot tell whether the broker runs: {running.reason}")
        survey = Survey(
            made=layout.CONF in found.files,
            changes=tuple(readable(making)),
            effect=_effect(making, found, running),
            reasons=making.meaning.reasons,
            edited=found.edited,
            hand_edits=hand_edits(found.edited, found.files, making.files, found.written),
            due=tuple(_due(making)),
            runs=isinstance(running, Present) if broker.target is Target.PROCESS else None,
            problems=make.check(broker, making, version, now),
            basis=basis(effect.prints(found.files), running),
        )
        if found.by_hand:
            survey = _taken_over(
                survey, broker, PendingTakeover(found.by_hand, making, now, reissued=rework is not None)
            )
        self._planned[broker.address] = _Planned(
            broker=broker, found=found, making=making, running=running, program=binary, version=version, survey=survey
        )
        return survey

    def memory(self, broker: Broker) -> HealthyBroker | None:
        """Describe a healthy broker, to recognise it later; None if it needs a change. Raises what `examine` raises."""
        survey = self.examine(broker)
        if survey != Survey(made=True, runs=survey.runs, basis=survey.basis) or survey.runs is False:
            return None
        files = self._planned[broker.address].found.files
        now = self.machine.clock.now()
        return HealthyBroker(effect.prints(files), now, min(due_moments(files), default=now))

    def status(self, broker: Broker) -> BrokerStatus:
        """The broker's process, users, certificates and planned changes. Raises what `examine` raises."""
        survey = self.examine(broker)
        planned = self._planned[broker.address]
        running, files = planned.running, planned.found.files
        return BrokerStatus(
            broker=broker,
            process=Present(running.value.pid) if isinstance(running, Present) else ABSENT,
            version=".".join(map(str, program.version(planned.program))) if planned.program else "",
            users=tuple(sorted(planned.found.material.entries)),
            certificates=expiries(files, self.machine.clock.now()),
            survey=survey,
            stranger=conflict_diagnostic(broker, stranger) if (stranger := self._in_its_place(broker)) else None,
            waiting=_waiting(running, files),
        )

    def converge(self, address: Address) -> None:
        """Write the planned files, run the broker with them, and prove it. If that fails, restore the last good files.

        Raises:
            ReconcilerError: It failed; the message says whether the last good files are back.
        """
        planned = self._planned[address]
        self._settle(planned, make.write(planned.broker, planned.making))

    def update(self, address: Address) -> None:
        """Like `converge`, but do not start a broker that is not running: it only gets its files."""
        planned = self._planned[address]
        places = make.write(planned.broker, planned.making)
        if isinstance(planned.running, Present):
            self._settle(planned, places)

    def _settle(self, planned: _Planned, places: tuple[ReplacedFolder, ...]) -> None:
        try:
            self._apply_effect(planned.broker, planned.program, planned.survey.effect)
            self._prove(planned.broker)
        except ReconcilerError as error:
            raise self._restore(planned, places, error) from error

    def _installed(self, broker: Broker) -> tuple[str, Version]:
        """Mosquitto's program and version on this machine; a container has its own."""
        if broker.target is Target.DOCKER:
            return "", _IMAGE
        binary = program.find(self.path, self.machine.processes)
        return binary, program.family(program.version(binary))

    def end(self, broker: Broker) -> bool:
        """Stop a broker; False when it was not running. Raises what `process.stop` raises."""
        return process.stop(broker.directory, self.machine)

    def start(self, broker: Broker) -> Running:
        """Check a broker's files, then start it in the background. Raises what `process.start` raises."""
        binary = self._fit(broker)
        return process.start(broker, binary, self.machine)

    def run(self, broker: Broker) -> NoReturn:
        """Check a broker's files, then replace this process by the broker. Raises what `process.run` raises."""
        binary = self._fit(broker)
        process.run(broker, binary, self.machine)

    def reload(self, broker: Broker) -> Reloaded:
        """Check a broker's files, then make it reload them. Raises what `process.reload` raises."""
        self._fit(broker)
        files = self.look(broker).files
        before = _waiting(process.running(broker.directory, self.machine.processes), files)
        running = process.reload(broker, self.machine)
        return Reloaded(running.pid, before, effect.unread(running.read, files))

    def mistakes(self, broker: Broker) -> tuple[Diagnostic, ...]:
        """Why a broker could not use its files as they are on disk. Raises ReconcilerError if they cannot be read."""
        return make.check_live(broker, self._installed(broker)[1], self.machine.clock.now())

    def _fit(self, broker: Broker) -> str:
        """Check the live files, and return Mosquitto's program. Raises InvalidBrokerFiles."""
        binary, _ = self._installed(broker)
        problems = self.mistakes(broker)
        if problems:
            raise InvalidBrokerFiles("the broker's files are not valid", problems)
        return binary

    def _apply_effect(self, broker: Broker, binary: str, what: Effect) -> None:
        """Make the running broker use its files. Does nothing for containers and systemd: the user restarts those."""
        if broker.target is not Target.PROCESS:
            return
        if isinstance(process.running(broker.directory, self.machine.processes), Absent):
            process.start(broker, binary, self.machine)
            return
        match what:
            case Effect.RELOAD:
                process.reload(broker, self.machine)
            case Effect.RESTART:
                process.stop(broker.directory, self.machine)
                process.start(broker, binary, self.machine)
            case Effect.NOTHING:
                pass

    def _prove(self, broker: Broker) -> None:
        if broker.target is not Target.PROCESS:
            return
        failed = [probe for probe in self.proofs(broker) if probe.verdict is ProbeVerdict.FAIL]
        if failed:
            raise ReconcilerError(
                f"{len(failed)} of its probes failed",
                detail="\n".join(f"{probe.id} {probe.subject}: {probe.observed}" for probe in failed),
                fix=failed[0].fix,
            )

    def proofs(self, broker: Broker, *, restart: bool = False) -> Iterator[Probe]:
        """Run every probe of a broker, one at a time; with `restart`, also those that stop and start it.

        Raises:
            Unreachable: Nothing answers.
            InvalidBrokerFiles: A restart was asked for, but the files are not valid.
        """
        target = proof.target(broker, self.look(broker), self.machine)
        stranger = self._in_its_place(broker)
        if stranger and not shows_our_certificate(target.principals[0].connection):
            return iter(proof_of(broker, stranger))
        if restart:
            target = replace(target, restarts=proof.restarts(broker, self._fit(broker), self.machine))
        return verify(target, self.machine.clock)

    def _in_its_place(self, broker: Broker) -> str:
        """Which process uses a port of the broker while the broker is not running, as a sentence; else empty."""
        if broker.target is not Target.PROCESS:
            return ""
        runs = process.running(broker.directory, self.machine.processes)
        return in_its_place(broker, self.machine.processes) if isinstance(runs, Absent) else ""

    def look(self, broker: Broker) -> BrokerDirectory:
        """Read the broker's directory. Raises what `make.look` raises."""
        return make.look(broker, self.machine.clock.now())

    def _restore(
        self, planned: _Planned, places: tuple[ReplacedFolder, ...], error: ReconcilerError
    ) -> ReconcilerError:
        """Restore the last good files, and return the error that says whether that worked."""
        detail = "\n".join(part for part in (error.detail, error.fix) if part)
        if not places or layout.CONF not in planned.making.files:
            return error
        try:
            make.roll_back(planned.broker, places)
            self._apply_effect(planned.broker, planned.program, Effect.RESTART)
        except ReconcilerError as second:
            summary = f"{error.summary}; and the last good files could not be restored: {second.summary}"
            return ReconcilerError(summary, detail=detail, fix="check the broker's log and its folder last-good")
        return ReconcilerError(f"{error.summary}; the last good files are back", detail=detail, fix=error.fix)


def _waiting(running: Observed[Running], files: FileSet) -> Effect:
    """What a running broker must do to use the files as they are on disk."""
    return effect.unread(running.value.read, files) if isinstance(running, Present) else Effect.NOTHING


def _taken_over(survey: Survey, broker: Broker, taking: PendingTakeover) -> Survey:
    """Extend the survey of a broker made by hand with what the takeover keeps, tightens and leaves alone."""
    taken = takeover(taking.found, taking.now, broker)
    mistakes = obstacles(taking.found) if taking.reissued else taken.problems
    said = {each.summary for each in mistakes}
    return replace(
        survey,
        changes=(*taken.hardened, *renewed(taking.making)),
        problems=(*mistakes, *(each for each in survey.problems if each.summary not in said)),
        basis=f"{survey.basis} {digest(taking.found)}",
        by_hand=True,
        keeps=taken.kept,
        left_alone=tuple(
            Diagnostic(
                severity=Severity.WARNING,
                summary=f"{each.what}: {each.why}",
                fix=each.fix,
                address=str(broker.address),
                place=each.place,
            )
            for each in taken.left_alone
        ),
    )


def _effect(making: BrokerFilePlan, found: BrokerDirectory, running: Observed[Running]) -> Effect:
    """What a running broker must do for the new files, and for files on disk that it has not read yet."""
    if not isinstance(running, Present):
        return Effect.NOTHING if making.meaning.effect is Effect.NOTHING else Effect.RESTART
    return max(making.meaning.effect, _waiting(running, found.files), key=list(Effect).index)


def _due(making: BrokerFilePlan) -> Iterator[str]:
    for renewal in making.renewals:
        yield f"{' '.join(part for part in (renewal.kind, renewal.user) if part)}: {renewal.reason}"

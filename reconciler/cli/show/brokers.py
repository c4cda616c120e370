"""What the broker commands show: a change before it is made, probes as they come, and what was done."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator

from reconciler.app.brokers.brokers import BrokerChange, ChosenBroker
from reconciler.app.brokers.proof import ProofEnded, ProofEvent
from reconciler.app.project.project import Project
from reconciler.broker.files import layout
from reconciler.broker.keys.pki import Rollover
from reconciler.broker.real import Reloaded
from reconciler.model.broker import BrokerWarning, Effect
from reconciler.model.exit_code import ExitCode
from reconciler.model.proof import Probe
from reconciler.render.broker import probe_document, probe_text, proof_text
from reconciler.render.output import tell_json
from reconciler.render.terminal import show, wants_colour
from reconciler.render.text import plan_text


def note(at: Project, text: str) -> None:
    """Show something that is no result."""
    show([f"Note: {text}"], sys.stderr, at.env)


def question(
    at: Project, of: ChosenBroker, approved: Callable[[], bool], *, dry_run: bool, as_json: bool
) -> Callable[[BrokerChange], bool]:
    """What shows a change, and answers whether it may be made; `approved` asks the user about one that is pending."""

    def may(change: BrokerChange) -> bool:
        if as_json:
            tell_json(change.document)
        else:
            unchanged = f"No changes. The files of {of.broker.address} are as its settings say."
            show(plan_text(change.document) if change.pending else [unchanged], sys.stdout, at.env)
        return not dry_run and (not change.pending or approved())

    return may


def proof(at: Project, events: Iterable[ProofEvent], *, as_json: bool) -> int:
    """Show the probes as they come, or the document of all of them; the exit code says what they prove.

    Raises:
        ReconcilerError: Probes could not be made, and no document says so.
    """
    code: int = ExitCode.ERROR
    for event in events:
        match event:
            case BrokerWarning(text):
                show([f"Warning: {text}"], sys.stderr, at.env)
            case Probe() if not as_json:
                show(probe_text(probe_document(event), symbols=wants_colour(sys.stdout, at.env)), sys.stdout, at.env)
                sys.stdout.flush()
            case ProofEnded():
                code = _proved(at, event, as_json=as_json)
    return code


def _proved(at: Project, proved: ProofEnded, *, as_json: bool) -> int:
    if as_json:
        tell_json(proved.document)
    elif proved.error:
        raise proved.error
    else:
        show(proof_text(proved.document), sys.stdout, at.env)
    if proved.error:
        return proved.error.exit_code
    return ExitCode.OK if proved.document["passed"] else ExitCode.ERROR


def reloaded_text(of: ChosenBroker, reloaded: Reloaded) -> Iterator[str]:
    """What a reload has changed, and what it could not."""
    changed = reloaded.before is not Effect.NOTHING
    yield (
        f"{of.broker.address} (pid {reloaded.pid}) has read its files again"
        f"{' and follows what had changed in them.' if changed else '; nothing had changed in them.'}"
    )
    if reloaded.after is Effect.RESTART:
        yield f"Some of it is read at a start only: {of.command('stop')} && {of.command('run --background')}"


def rolled_text(of: ChosenBroker, step: Rollover) -> Iterator[str]:
    """Which step of a roll-over was taken, and what comes before the next one."""
    trusted = os.path.join(of.broker.directory, layout.CA_CERTIFICATE)
    match step:
        case Rollover.PUBLISH:
            yield "Step 1 of 3: a new CA is made, and the old one signs still."
            yield f"Give {trusted} to every client on another machine. Then: {of.command('rotate ca')}"
        case Rollover.SWITCH:
            yield "Step 2 of 3: the new CA has signed all certificates anew; those of the old one are trusted still."
            yield "Clients with a certificate need the new one, from clients/. Then: " + of.command("rotate ca")
        case Rollover.RETIRE:
            yield "Step 3 of 3: the old CA is trusted no more. The roll-over is done."
            yield f"{trusted} holds the new one alone; clients may get it at any time."

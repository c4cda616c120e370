"""Show brokers: a change before it is made, probes as they come, and what was done."""

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
    """Show a note on standard error."""
    show([f"Note: {text}"], sys.stderr, at.env)


def question(
    at: Project, of: ChosenBroker, approved: Callable[[], bool], *, dry_run: bool, as_json: bool
) -> Callable[[BrokerChange], bool]:
    """A function that shows a change and returns whether to make it; `approved` asks the user about it."""

    def may(change: BrokerChange) -> bool:
        if as_json:
            tell_json(change.document)
        else:
            unchanged = f"No changes. The files of {of.broker.address} match its settings."
            show(plan_text(change.document) if change.pending else [unchanged], sys.stdout, at.env)
        return not dry_run and (not change.pending or approved())

    return may


def proof(at: Project, events: Iterable[ProofEvent], *, as_json: bool) -> int:
    """Show the probes as they come, or their document. Returns the exit code of the result.

    Raises:
        ReconcilerError: Probes could not be made, and the output is text, which does not show that.
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
    """What a reload changed, and what needs a restart."""
    changed = reloaded.before is not Effect.NOTHING
    yield (
        f"{of.broker.address} (pid {reloaded.pid}) read its files again"
        f"{' and uses the changes.' if changed else '; nothing had changed.'}"
    )
    if reloaded.after is Effect.RESTART:
        yield f"Some changes need a restart: {of.command('stop')} && {of.command('run --background')}"


def rolled_text(of: ChosenBroker, step: Rollover) -> Iterator[str]:
    """Which step of replacing the CA was done, and what to do before the next one."""
    trusted = os.path.join(of.broker.directory, layout.CA_CERTIFICATE)
    match step:
        case Rollover.PUBLISH:
            yield "Step 1 of 3: a new CA is made; the old one still signs."
            yield f"Give {trusted} to every client on another machine. Then: {of.command('rotate ca')}"
        case Rollover.SWITCH:
            yield "Step 2 of 3: the new CA signed all certificates again; those of the old CA are still trusted."
            yield "Clients with a certificate need the new one, from clients/. Then: " + of.command("rotate ca")
        case Rollover.RETIRE:
            yield "Step 3 of 3: the old CA is no longer trusted. The replacement is complete."
            yield f"{trusted} now contains only the new CA; give it to clients at any time."

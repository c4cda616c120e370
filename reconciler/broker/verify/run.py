"""Run the probes one after the other, and yield each result."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.errors import ReconcilerError
from reconciler.model.proof import Probe, ProbeVerdict
from reconciler.ports.tls import reach
from reconciler.ports.world import Clock

from . import acl, boxes, flow, login, reload, restart, stored, tls
from .context import ProofContext, set_scene
from .probe import Check, Failed, ProofTarget, Skipped, Warned


def verify(target: ProofTarget, clock: Clock) -> Iterator[Probe]:
    """Prove the broker, one probe at a time.

    Raises:
        Unreachable: Nothing answers at the broker's address.
    """
    scene = set_scene(target)
    reach(target.principals[0].connection, target.patience)
    passed: set[str] = set()
    for check in _checks(scene, clock):
        missing = next((need for need in check.needs if need not in passed), "")
        probe = _skipped(check, missing) if missing else _made(check, clock)
        if probe.verdict is ProbeVerdict.PASS:
            passed.add(check.key)
        yield probe


def _checks(scene: ProofContext, clock: Clock) -> Iterator[Check]:
    yield from tls.checks(scene, clock)
    yield from login.checks(scene)
    yield from flow.checks(scene)
    yield from acl.checks(scene)
    yield from boxes.checks(scene)
    yield from stored.checks(scene.target, clock)
    yield from reload.checks(scene, clock)
    yield from restart.checks(scene, clock)


def _made(check: Check, clock: Clock) -> Probe:
    began = clock.monotonic()
    try:
        verdict, observed = ProbeVerdict.PASS, check.run()
    except Skipped as skipped:
        verdict, observed = ProbeVerdict.SKIPPED, str(skipped)
    except Warned as warned:
        verdict, observed = ProbeVerdict.WARNING, str(warned)
    except Failed as failed:
        verdict, observed = ProbeVerdict.FAIL, str(failed)
    except ReconcilerError as error:
        verdict, observed = ProbeVerdict.FAIL, f"{error.summary}{f': {error.detail}' if error.detail else ''}"
    return _probe(check, verdict, observed, clock.monotonic() - began)


def _skipped(check: Check, missing: str) -> Probe:
    return _probe(check, ProbeVerdict.SKIPPED, f"not tried because {missing} did not pass", 0)


def _probe(check: Check, verdict: ProbeVerdict, observed: str, seconds: float) -> Probe:
    fix = check.fix if verdict in {ProbeVerdict.FAIL, ProbeVerdict.WARNING} else ""
    return Probe(
        id=check.id,
        subject=check.subject,
        verdict=verdict,
        expected=check.expected,
        observed=observed,
        fix=fix,
        seconds=round(seconds, 3),
    )

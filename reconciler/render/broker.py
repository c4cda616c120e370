"""A broker's state, its certificates and its tests: the JSON documents, and their text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.kinds.broker.edited import edit_words
from reconciler.model.broker import HandEdit
from reconciler.model.broker_status import BrokerOperation, BrokerStatus, Expiry
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.moment import to_second
from reconciler.model.observed import Present
from reconciler.model.proof import Probe, ProbeVerdict

from .deep import deep_document
from .document import change_document, diagnostic_document
from .documents import FORMAT_VERSION
from .documents.broker_env import BrokerEnvDoc
from .documents.broker_expiry import ExpiryDoc
from .documents.broker_operation import BrokerOperationDoc
from .documents.broker_status import BrokerStatusDoc, CertificateDoc, HandEditDoc
from .documents.broker_verify import ProbeDoc, ProofDoc
from .documents.plan import PlanDoc
from .table import table
from .text import fields_text

_SYMBOLS = {"pass": "✓", "fail": "✗", "warning": "!", "skipped": "·"}
_WORDS = {"pass": "pass", "fail": "FAIL", "warning": "warn", "skipped": "skip"}
_WAITS = {"reload": "reconciler broker reload", "restart": "a stop and a start"}


# --- status -----------------------------------------------------------------------------------


def status_document(status: BrokerStatus) -> BrokerStatusDoc:
    """The document of `broker status --json`."""
    broker, survey = status.broker, status.survey
    roles = {user.name: user.role.value for user in broker.users}
    return {
        "format_version": FORMAT_VERSION,
        "address": str(broker.address),
        "dir": broker.directory,
        "host": broker.host,
        "target": broker.target.value,
        "running": survey.runs,
        "pid": status.process.value if isinstance(status.process, Present) else None,
        "version": status.version,
        "listeners": [{"port": each.port, "bind": each.bind, "mtls": each.mtls} for each in broker.listeners],
        "users": [{"name": name, "role": roles.get(name)} for name in status.users],
        "certificates": [_certificate(each) for each in status.certificates],
        "edited": list(survey.edited),
        "hand_edits": [_hand_edit(each) for each in survey.hand_edits],
        "changes": [change_document(each) for each in survey.changes],
        "effect": survey.effect.value,
        "waiting": status.waiting.value,
        "diagnostics": [diagnostic_document(each) for each in filter(None, (status.stranger, *survey.problems))],
    }


def _hand_edit(edit: HandEdit) -> HandEditDoc:
    changes = [deep_document(each) for each in edit.changes]
    return {"path": edit.path, "words": edit_words(edit), "changes": changes, "against_now": edit.against_now}


def status_text(document: BrokerStatusDoc) -> Iterator[str]:
    """What runs, who may log in, what expires, and what is still to be done."""
    yield _headline(document)
    yield ""
    listeners = [
        (str(each["port"]), each["bind"] or "every", "yes" if each["mtls"] else "no") for each in document["listeners"]
    ]
    yield from table([("PORT", "ADDRESS", "CLIENT CERTIFICATES"), *listeners])
    yield ""
    users = [(each["name"], each["role"] or "not in the settings") for each in document["users"]]
    yield from table([("USER", "ROLE"), *users])
    yield ""
    yield from _certificate_lines(document["certificates"])
    yield ""
    yield from _pending(document)


def _headline(document: BrokerStatusDoc) -> str:
    runs = {True: f"runs (pid {document['pid']})", False: "does not run", None: f"is run by {document['target']}"}
    version = f", Mosquitto {document['version']}" if document["version"] else ""
    return f"{document['address']} {runs[document['running']]}{version}, in {document['dir']}"


def _pending(document: BrokerStatusDoc) -> Iterator[str]:
    words = {edit["path"]: f": {edit['words']}" for edit in document.get("hand_edits", [])}
    yield from (f"Changed by hand: {path}{words.get(path, '')}" for path in document["edited"])
    for each in document["diagnostics"]:
        yield f"Error: {each['summary']}"
        yield from ([f"  -> {each['fix']}"] if each["fix"] else [])
    if document["changes"]:
        consequence = {"nothing": "", "reload": ", and a reload", "restart": ", and a restart"}[document["effect"]]
        yield f"These files differ from the settings. `reconciler apply` would write them{consequence}:"
        yield from fields_text(document["changes"])
    if document["waiting"] != "nothing":
        yield f"It still runs with older files. To load the new ones: {_WAITS[document['waiting']]}"
    if not (document["changes"] or document["edited"] or document["diagnostics"]):
        yield "Its files match the settings."


# --- operations -------------------------------------------------------------------------------


def operation_document(done: BrokerOperation, plan: PlanDoc | None = None) -> BrokerOperationDoc:
    """The document of a command that changes a broker; `plan` is what it changed in the files."""
    return {
        "format_version": FORMAT_VERSION,
        "operation": done.operation,
        "address": str(done.broker.address),
        "dir": done.broker.directory,
        "changed": done.changed,
        "pid": done.pid or None,
        "needs_restart": done.needs_restart,
        "plan": plan,
    }


def environment_document(user: str, variables: Mapping[str, str], password_file: str) -> BrokerEnvDoc:
    """The document of `broker env --json`."""
    return {
        "format_version": FORMAT_VERSION,
        "user": user,
        "variables": dict(variables),
        "password_file": password_file,
    }


# --- certificates -----------------------------------------------------------------------------


def expiry_document(certificates: Iterable[Expiry]) -> ExpiryDoc:
    """The document of `broker expiry --json`."""
    found = [_certificate(each) for each in certificates]
    return {
        "format_version": FORMAT_VERSION,
        "certificates": found,
        "due": any(each["due"] for each in found),
        "expired": any(each["expired"] for each in found),
    }


def expiry_text(document: ExpiryDoc) -> Iterator[str]:
    """One line per certificate, soonest expiry first; then how to renew."""
    yield from _certificate_lines(document["certificates"])
    if document["due"]:
        yield ""
        yield "The next apply, or `reconciler broker init`, renews what reconciler made. To replace others:"
        yield "`reconciler broker rotate server`. To replace any CA: `reconciler broker rotate ca`."


def _certificate(certificate: Expiry) -> CertificateDoc:
    return {
        "kind": certificate.kind,
        "path": certificate.path,
        "subject": certificate.subject,
        "not_after": to_second(certificate.not_after),
        "days_left": certificate.days_left,
        "due": certificate.due,
        "expired": certificate.expired,
    }


def _certificate_lines(certificates: Sequence[CertificateDoc]) -> Iterator[str]:
    rows = [(each["path"], each["not_after"][:10], str(each["days_left"]), _state(each)) for each in certificates]
    yield from table([("CERTIFICATE", "UNTIL", "DAYS", "STATE"), *rows])


def _state(certificate: CertificateDoc) -> str:
    if certificate["expired"]:
        return "expired"
    return "due" if certificate["due"] else "good"


# --- proof ------------------------------------------------------------------------------------


def proof_document(address: str, probes: Sequence[Probe], errors: Iterable[Diagnostic]) -> ProofDoc:
    """The document of `broker verify --json`; `errors` are why it could not be finished."""
    diagnostics = [diagnostic_document(each) for each in errors]
    verdicts = Counter(probe.verdict for probe in probes)
    return {
        "format_version": FORMAT_VERSION,
        "address": address or None,
        "passed": not diagnostics and not verdicts[ProbeVerdict.FAIL] and verdicts[ProbeVerdict.PASS] > 0,
        "summary": {verdict.value: verdicts[verdict] for verdict in ProbeVerdict},
        "probes": [probe_document(probe) for probe in probes],
        "diagnostics": diagnostics,
    }


def probe_document(probe: Probe) -> ProbeDoc:
    """One probe as published."""
    return {
        "id": probe.id,
        "subject": probe.subject,
        "verdict": probe.verdict.value,
        "expected": probe.expected,
        "observed": probe.observed,
        "fix": probe.fix,
        "seconds": probe.seconds,
    }


def probe_text(probe: ProbeDoc, *, symbols: bool) -> Iterator[str]:
    """One line; for a failure or a warning also what was expected, what was observed, and what to do."""
    mark = (_SYMBOLS if symbols else _WORDS)[probe["verdict"]]
    name = f"{probe['id']} {probe['subject']}".rstrip()
    if not probe["fix"]:
        yield f"{mark} {name}: {probe['observed']}"
        return
    yield f"{mark} {name}"
    yield f"    expected: {probe['expected']}"
    yield f"    observed: {probe['observed']}"
    yield f"    -> {probe['fix']}"


def proof_text(document: ProofDoc) -> Iterator[str]:
    """The last lines: whether the broker passed, and how many probes passed and failed."""
    counts = document["summary"]
    warnings = counts["warning"]
    warned = f", {warnings} warning{'s' if warnings > 1 else ''}" if warnings else ""
    counted = f"{counts['pass']} passed, {counts['fail']} failed{warned}, {counts['skipped']} skipped"
    yield ""
    yield f"{'Verified' if document['passed'] else 'Not verified'}: {counted}."

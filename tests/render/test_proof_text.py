"""The words about a proof."""

from __future__ import annotations

from reconciler.model.proof import Probe, ProbeVerdict
from reconciler.render.broker import probe_document, probe_text, proof_document, proof_text

GOOD = Probe("tls.chain", "", ProbeVerdict.PASS, "", "TLSv1.3", "", 0.1)
STRANGE = Probe(
    "tls.stray_listener", "1883", ProbeVerdict.WARNING, "nothing listens", "mosquitto (pid 7) listens", "end it", 0
)


def test_a_warning_says_what_helps_and_does_not_spoil_the_proof() -> None:
    document = proof_document("broker.main", [GOOD, STRANGE], ())
    assert document["passed"]
    assert list(proof_text(document)) == ["", "Verified: 1 passed, 0 failed, 1 warning, 0 skipped."]
    assert list(probe_text(probe_document(STRANGE), symbols=False)) == [
        "warn tls.stray_listener 1883",
        "    expected: nothing listens",
        "    observed: mosquitto (pid 7) listens",
        "    -> end it",
    ]

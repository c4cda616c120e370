"""What became of a prompt that was sent without a job: the document, and the line made from it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.delivery import Delivery, DeliveryVerdict
from reconciler.model.exit_code import ExitCode
from reconciler.model.harmless import one_line

from .documents import FORMAT_VERSION
from .documents.send import SendDoc

_CODES = {DeliveryVerdict.SUBMITTED: ExitCode.OK, DeliveryVerdict.UNVERIFIED: ExitCode.PARTIAL}
_WAIT = "wait for it with --wait-idle 5m"
_LOOK = "look, and type there: reconciler attach {}"
_NEXT = {
    DeliveryVerdict.UNVERIFIED: "look whether it is there: reconciler attach {}",
    DeliveryVerdict.TYPED_NOT_SUBMITTED: _LOOK,
    DeliveryVerdict.REFUSED_BUSY: _WAIT,
    DeliveryVerdict.REFUSED_DIALOG: "see what it asks: reconciler answer {}",
    DeliveryVerdict.REFUSED_DEAD: "start it: reconciler resume {0}; if it has a session: reconciler restart {0}",
    DeliveryVerdict.REFUSED_SHELL: _LOOK,
    DeliveryVerdict.TOO_LONG: "put it into a file, and name the file in the prompt",
}


def send_document(address: str, session: str, delivery: Delivery) -> SendDoc:
    """The document of `send --json`."""
    return {
        "format_version": FORMAT_VERSION,
        "address": address,
        "session": session,
        "verdict": delivery.verdict,
        "evidence": delivery.evidence,
        "detail": delivery.detail,
        "attempts": delivery.attempts,
        "seconds": delivery.seconds,
    }


def send_text(document: SendDoc) -> Iterator[str]:
    """The verdict in a line, and what to type if it is not the best one."""
    facts = filter(None, (document["verdict"], document["evidence"], document["detail"]))
    yield f"{document['session']}  {one_line(', '.join(facts))}"
    if after := _NEXT.get(document["verdict"]):
        yield f"  -> {after.format(document['session'])}"


def send_exit_code(document: SendDoc) -> ExitCode:
    """0 when the agent has the prompt, 3 when it may have it, 7 when it has not."""
    return _CODES.get(document["verdict"], ExitCode.REFUSED)

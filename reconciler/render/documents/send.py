"""`schemas/send.schema.json`: the document of `send --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.delivery import DeliveryVerdict, Evidence
from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class SendDoc(TypedDict):
    """What became of a prompt for a live agent."""

    format_version: str
    address: str
    session: str
    verdict: DeliveryVerdict
    """Only `submitted` says that the agent has the prompt."""
    evidence: Evidence
    """What proves that; empty for nothing."""
    detail: str
    """For people: the dialog that is open, or what is missing."""
    attempts: int
    """How often keys were pressed to submit it."""
    seconds: float
    """How long it took."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(SendDoc, title="reconciler send", identifier="send.schema.json")

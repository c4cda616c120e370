"""`schemas/broker-expiry.schema.json`: the document of `broker expiry --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .broker_status import CertificateDoc


class ExpiryDoc(TypedDict):
    """When the certificates of a broker expire."""

    format_version: str
    certificates: list[CertificateDoc]
    """Soonest expiry first."""
    due: bool
    expired: bool


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(ExpiryDoc, title="reconciler broker expiry", identifier="broker-expiry.schema.json")

"""`schemas/job-verify.schema.json`: the document of `job verify --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .jobs import ValidationDoc


class VerdictDoc(TypedDict):
    """The result of a validation script for a job."""

    format_version: str
    id: str
    script: str
    validation: ValidationDoc


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(VerdictDoc, title="reconciler job verify", identifier="job-verify.schema.json")

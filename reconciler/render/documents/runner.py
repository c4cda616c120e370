"""`schemas/runner.schema.json`: each line of `runner --json`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class RunnerNewsDoc(TypedDict):
    """One thing that a runner did, or that happened to it."""

    format_version: str
    at: str
    """UTC, ISO 8601."""
    what: Literal[
        "started",
        "taken",
        "waiting",
        "delivered",
        "ended",
        "dead_letter",
        "dropped",
        "cancelled",
        "guarded",
        "problem",
        "queue_away",
        "queue_back",
        "stopped",
    ]
    job: str
    """The id of the job; empty if it is not about one."""
    detail: str


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(RunnerNewsDoc, title="reconciler runner", identifier="runner.schema.json")

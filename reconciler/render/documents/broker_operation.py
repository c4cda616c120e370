"""`schemas/broker-operation.schema.json`: the document of the commands that change a broker."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

from .plan import PlanDoc


class BrokerOperationDoc(TypedDict):
    """What a command did to a broker: `run`, `stop`, `reload`, `user ...` or `rotate ...`."""

    format_version: str
    operation: str
    """The command, such as `user add`."""
    address: str
    dir: str
    changed: bool
    """Whether the command changed anything; false for a dry run, and if there was nothing to do."""
    pid: int | None
    """The pid of the running Mosquitto, after `run` and `reload`."""
    needs_restart: bool
    """Whether the broker must be stopped and started to read all of its files."""
    plan: PlanDoc | None
    """What was changed in its files, or would be with `--dry-run`; null for `run`, `stop` and `reload`."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(
        BrokerOperationDoc, title="reconciler broker run, stop, ...", identifier="broker-operation.schema.json"
    )

"""`schemas/broker-env.schema.json`: the document of `broker env --json`."""

from __future__ import annotations

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema


class BrokerEnvDoc(TypedDict):
    """The settings of one user of a broker."""

    format_version: str
    user: str
    variables: dict[str, str]
    """The MQTT_* variables; MQTT_PASSWORD is included only with `--reveal`."""
    password_file: str
    """A file that contains the password and nothing else."""


def schema() -> dict[str, Json]:
    """The JSON Schema that is published."""
    return json_schema(BrokerEnvDoc, title="reconciler broker env", identifier="broker-env.schema.json")

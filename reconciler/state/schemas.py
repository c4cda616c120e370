"""The published schemas, read from where they are installed."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, cast

from reconciler.model.record import Json


def load_schema(name: str) -> dict[str, Json]:
    """The committed JSON Schema called `name`: from the wheel, or from the checkout beside the package."""
    package = files("reconciler")
    installed = package.joinpath("schemas", f"{name}.schema.json")
    found = installed if installed.is_file() else package.joinpath("..", "schemas", f"{name}.schema.json")
    return cast(dict[str, Json], json.loads(found.read_text("utf-8")))


def fault_in(name: str, document: object) -> str:
    """Where a document is not as the schema called `name` says; empty when it is. Says no value of it."""
    from jsonschema import Draft7Validator  # noqa: PLC0415 - seldom needed, and start-up is felt

    error = next(Draft7Validator(cast(Any, load_schema(name))).iter_errors(document), None)
    return "" if error is None else ".".join(map(str, error.absolute_path)) or "its keys"

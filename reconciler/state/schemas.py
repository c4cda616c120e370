"""The published schemas, read from where they are installed, and data checked against them."""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any, NamedTuple, cast

from reconciler.model.record import Json
from reconciler.text.json_schema import Check, surely_fits


class SchemaMistake(NamedTuple):
    """The first place where data does not fit a schema."""

    where: str
    """The keys on the way to it, joined with dots; empty for the whole."""
    why: str


def load_schema(name: str) -> dict[str, Json]:
    """The committed JSON Schema called `name`: from the wheel, or from the checkout beside the package."""
    package = os.path.dirname(os.path.dirname(__file__))  # importlib.resources is slow to load
    installed = os.path.join(package, "schemas", f"{name}.schema.json")
    beside = os.path.join(os.path.dirname(package), "schemas", f"{name}.schema.json")
    with open(installed if os.path.isfile(installed) else beside, encoding="utf-8") as file:
        return cast(dict[str, Json], json.load(file))


def schema_mistake(name: str, data: Any) -> SchemaMistake | None:
    """The first mistake in `data`, which is as JSON has it, against the published schema; None when it fits."""
    if _check(name)(data):
        return None
    from jsonschema import Draft7Validator  # noqa: PLC0415 - slow to load, and hardly any data has a mistake

    error = next(Draft7Validator(load_schema(name)).iter_errors(data), None)
    return SchemaMistake(".".join(map(str, error.absolute_path)), error.message) if error else None


@cache
def _check(name: str) -> Check:
    return surely_fits(load_schema(name))

"""The published schemas, read from where they are installed."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import cast

from reconciler.model.record import Json


def load_schema(name: str) -> dict[str, Json]:
    """The committed JSON Schema called `name`: from the wheel, or from the checkout beside the package."""
    package = files("reconciler")
    installed = package.joinpath("schemas", f"{name}.schema.json")
    found = installed if installed.is_file() else package.joinpath("..", "schemas", f"{name}.schema.json")
    return cast(dict[str, Json], json.loads(found.read_text("utf-8")))

"""The published schemas, read from where they are installed."""

from __future__ import annotations

import json
import os
from typing import cast

from reconciler.model.record import Json


def load_schema(name: str) -> dict[str, Json]:
    """The committed JSON Schema called `name`: from the wheel, or from the checkout beside the package."""
    package = os.path.dirname(os.path.dirname(__file__))  # importlib.resources is slow to load
    installed = os.path.join(package, "schemas", f"{name}.schema.json")
    beside = os.path.join(os.path.dirname(package), "schemas", f"{name}.schema.json")
    with open(installed if os.path.isfile(installed) else beside, encoding="utf-8") as file:
        return cast(dict[str, Json], json.load(file))

"""Other settings for a broker that has a manifest of its own."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

from ruamel.yaml import YAML

from reconciler.model.record import Json

_HEAD = """\
# The settings of this broker, made by `reconciler broker init`; every key is in docs/manifest.md.
# After an edit: reconciler broker init
version: 1
"""
_WIDTH = 120


def amended(data: bytes, settings: Mapping[str, Json]) -> bytes:
    """A manifest whose `broker:` block has `settings`; all else in it stays, comments and order too.

    Empty `data` becomes a new manifest. Without a difference, the same bytes come back. `data` must be a valid one.
    """
    yaml = YAML()
    yaml.width = _WIDTH
    document = yaml.load(data or _HEAD)
    block = document.get("broker")
    if block is None:
        block = document["broker"] = {}
    different = {key: value for key, value in settings.items() if key not in block or block[key] != value}
    if not different:
        return data
    block.update(different)
    out = BytesIO()
    yaml.dump(document, out)
    return out.getvalue()

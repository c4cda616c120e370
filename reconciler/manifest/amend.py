"""Change the settings of a broker in its own manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from reconciler.model.errors import ReconcilerError
from reconciler.model.record import Json
from reconciler.text.characters import encoded, newline_of
from reconciler.text.patch import Unpatchable, verified
from reconciler.text.roundtrip import MappingChange, rewritten

from .document import Source
from .source import read, text_of

_HEAD = b"""\
# The settings of this broker, made by `reconciler broker init`; every key is in docs/manifest.md.
# After an edit, run: reconciler broker init
version: 1
"""


def amended(source: Source, settings: Mapping[str, Json]) -> bytes:
    """The manifest with `settings` in its `broker:` block. Everything else stays, including comments and order.

    `source` must be valid or empty; an empty one becomes a new manifest. Without a difference, the bytes stay the same.

    Raises:
        ReconcilerError: The text cannot be edited without changing something else.
    """
    before = Source(source.file, source.data or _HEAD)
    content = cast("Mapping[str, Json]", read(before).content)
    block = cast("Mapping[str, Json]", content.get("broker") or {})
    different = {key: value for key, value in settings.items() if key not in block or block[key] != value}
    if not different:
        return source.data
    after = {**content, "broker": {**block, **different}}
    text = text_of(before)
    try:
        result = rewritten(text.replace("\r\n", "\n"), MappingChange(content, after))
        verified(result, after, lambda new: read(Source(source.file, new.encode())).content)
    except Unpatchable as error:
        summary = f"{source.file} cannot be edited without changing more than `broker`"
        raise ReconcilerError(summary, detail=str(error), fix="change the settings in it by hand") from error
    return encoded(result.replace("\n", newline_of(text)), source.data)

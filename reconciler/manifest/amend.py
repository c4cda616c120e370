"""Other settings for a broker that has a manifest of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from reconciler.model.errors import ReconcilerError
from reconciler.model.record import Json
from reconciler.text.characters import encoded, newline_of
from reconciler.text.patch import Unpatchable, believed
from reconciler.text.roundtrip import Rewriting, rewritten

from .document import Source
from .source import read, text_of

_HEAD = b"""\
# The settings of this broker, made by `reconciler broker init`; every key is in docs/manifest.md.
# After an edit: reconciler broker init
version: 1
"""


def amended(source: Source, settings: Mapping[str, Json]) -> bytes:
    """A manifest whose `broker:` block has `settings`; all else in it stays, comments and order too.

    An empty one becomes a new manifest. Without a difference, the same bytes come back. It must be a valid one.

    Raises:
        ReconcilerError: Its text cannot be edited without changing something else.
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
        result = rewritten(text.replace("\r\n", "\n"), Rewriting(content, after))
        believed(result, after, lambda told: read(Source(source.file, told.encode())).content)
    except Unpatchable as error:
        summary = f"{source.file} cannot be edited without changing more than `broker`"
        raise ReconcilerError(summary, detail=str(error), fix="change the settings in it by hand") from error
    return encoded(result.replace("\n", newline_of(text)), source.data)

"""The reports that a document can be told in, by the name of their option."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from .findings import Document

Report: TypeAlias = Callable[[Document], str]


def report(name: str) -> Report:
    """What makes the report called `name`: junit, sarif, markdown or html."""
    from .html import html  # noqa: PLC0415 - few runs want a report
    from .junit import junit  # noqa: PLC0415 - see above
    from .markdown import markdown  # noqa: PLC0415 - see above
    from .sarif import sarif  # noqa: PLC0415 - see above

    made: dict[str, Report] = {"junit": junit, "sarif": sarif, "markdown": markdown, "html": html}
    return made[name]

"""The kinds of report, by the name that the option `--report` takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from .findings import Document
from .html import html
from .junit import junit
from .markdown import markdown
from .sarif import sarif

Report: TypeAlias = Callable[[Document], str]


def report(name: str) -> Report:
    """Return the function that makes the report `name`: junit, sarif, markdown or html."""
    made: dict[str, Report] = {"junit": junit, "sarif": sarif, "markdown": markdown, "html": html}
    return made[name]

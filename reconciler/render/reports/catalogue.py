"""The kinds of report, by the name of their option; `github` is a value of `--format`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from .findings import Document
from .github import github_text
from .html import html
from .junit import junit
from .markdown import markdown
from .sarif import sarif

Report: TypeAlias = Callable[[Document], str]


def report(name: str, moment: str) -> Report:
    """The function that makes the report `name` at the moment: junit, sarif, markdown, html or github."""
    made: dict[str, Report] = {
        "junit": junit,
        "sarif": sarif,
        "markdown": markdown,
        "html": partial(html, made=moment),
        "github": _github,
    }
    return made[name]


def _github(document: Document) -> str:
    return "\n".join(github_text(document))

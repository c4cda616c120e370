"""Make pages from the templates. Each value that a template shows is escaped here, so no text of others is markup."""

from __future__ import annotations

import os
from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reconciler.model.harmless import harmless
from reconciler.model.moment import unix

FOLDER = os.path.dirname(os.path.abspath(__file__))


def page(template: str, **values: object) -> Markup:
    """A page, or a part of one. The templates are ours, and each value in them was escaped."""
    return Markup(_templates().get_template(template).render(values))  # noqa: S704 - see above


@cache
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(os.path.join(FOLDER, "templates")),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["moment"] = _moment
    return made


def _moment(text: str) -> str:
    """A time as people read it; what is no time stays as it is."""
    return f"{text[:10]} {text[11:16]} UTC" if unix(text) is not None and text.endswith("Z") else text


def _shown(value: object) -> object:
    """A value as it is shown: HTML of ours as it is, of everything else also the invisible characters."""
    return value if isinstance(value, Markup) else harmless(str(value))

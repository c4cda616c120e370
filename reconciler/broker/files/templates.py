"""Fill in the templates of the broker's files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined


def fill(template: str, values: Mapping[str, object]) -> bytes:
    """Fill in a template; it may also use `digest`, which is the digest of the values.

    The same values give the same bytes. Values must be plain JSON data.
    """
    digest = sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]
    return _environment().get_template(template).render(values, digest=digest).encode()


@cache
def _environment() -> Environment:
    # The output is not HTML; settings.py has rejected every value that could break out of its line.
    return Environment(  # noqa: S701 - see above
        loader=FunctionLoader(source),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def source(name: str) -> str:
    """A template's text: from the wheel, or from the checkout beside the package."""
    package = files("reconciler")
    installed = package.joinpath("broker", "templates", f"{name}.j2")
    found = installed if installed.is_file() else package.joinpath("..", "broker", f"{name}.j2")
    return found.read_text("utf-8")

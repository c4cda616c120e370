"""`reconciler help TOPIC`: the pages of `docs/`, which come with the program."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable

from reconciler.render.terminal import show_page

TOPICS = "topics"
_SUFFIX = ".md"


def show_topic(topic: str) -> bool:
    """Print a page, or for `topics` the list of them. False if there is no such page."""
    if topic == TOPICS:
        show_page("\n".join(_list()), sys.stdout, os.environ)
        return True
    name = topic if topic.endswith(_SUFFIX) else topic + _SUFFIX
    page = next((each for each in _pages() if each.name == name), None)
    if page is None:
        return False
    show_page(page.read_text("utf-8"), sys.stdout, os.environ)
    return True


def topics() -> list[str]:
    """The names of all pages, sorted."""
    return [page.name.removesuffix(_SUFFIX) for page in _pages()]


def _list() -> Iterator[str]:
    yield "# Topics"
    yield ""
    yield "`reconciler help TOPIC` shows a page. If a command has the same name, type `reconciler help TOPIC.md`."
    yield ""
    for page in _pages():
        with page.open(encoding="utf-8") as file:
            yield f"- `{page.name.removesuffix(_SUFFIX)}`: {file.readline().lstrip('# ').strip()}"


def _pages() -> list[Traversable]:
    """The pages in the wheel, or in the checkout beside the package."""
    package = files("reconciler")
    installed = package.joinpath("docs")
    folder = installed if installed.is_dir() else package.joinpath("..", "docs")
    return sorted((each for each in folder.iterdir() if each.name.endswith(_SUFFIX)), key=lambda each: each.name)

"""Check the agent types of users: placeholders in templates, and the regular expression."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from reconciler.model.diagnostic import Diagnostic

from .document import mistake, suggestion
from .merge import Block

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")
_KNOWN = {"new": ["session_id"], "resume": ["session_id"], "artifacts": ["session_id", "cwd"]}


def type_mistakes(name: str, block: Block, builtin_types: Collection[str]) -> Iterator[Diagnostic]:
    """Every mistake in the agent type `name`."""
    if name in builtin_types:
        yield mistake(
            f"the agent type `{name}` is built in", block.place(), fix="choose another name for your own type"
        )
    if "command" not in block.content:
        if "extends" not in block.content:
            fix = "add `command: [PROGRAM]`, or `extends: TYPE`"
            yield mistake(f"`command` is missing in `{block.path}`", block.place(), fix=fix)
    elif not block.content["command"]:
        yield mistake("`command` is empty", block.place("command"), fix="write `command: [PROGRAM]`")
    for key, known in _KNOWN.items():
        yield from _unknown_placeholders(block, key, known)
    yield from _missing_session_id(block)
    yield from _bad_expression(block)


def _unknown_placeholders(block: Block, key: str, known: list[str]) -> Iterator[Diagnostic]:
    for index, template in enumerate(block.content.get(key, ())):
        for found in _PLACEHOLDER.findall(template):
            if found not in known:
                yield mistake(
                    f"unknown placeholder `{{{found}}}` in `{block.path}.{key}`",
                    block.place(f"{key}.{index}"),
                    detail=template,
                    fix=suggestion(found, known),
                )


def _missing_session_id(block: Block) -> Iterator[Diagnostic]:
    names_it = {key for key in _KNOWN if any("{session_id}" in text for text in block.content.get(key, ()))}
    if names_it and "resume" not in names_it and not ("extends" in block.content and "resume" not in block.content):
        yield mistake(
            f"`{block.path}.resume` does not say which conversation",
            block.place("resume"),
            detail=f"`{min(names_it, key=list(_KNOWN).index)}` has `{{session_id}}`, `resume` has not",
            fix="add `{session_id}` to `resume`",
        )


def _bad_expression(block: Block) -> Iterator[Diagnostic]:
    busy = block.content.get("busy", "")
    try:
        re.compile(busy)
    except (re.error, OverflowError, RecursionError) as error:
        yield mistake(
            f"`{block.path}.busy` is not a regular expression",
            block.place("busy"),
            detail=f"{busy}: {error}",
            fix="write a regular expression of Python; `\\` before a character means the character itself",
        )

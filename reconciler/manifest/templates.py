"""Check the agent types of users: placeholders, texts and what belongs together. The shape has been checked before."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from reconciler.agents.text_form import takes_long
from reconciler.model.diagnostic import Diagnostic

from .document import mistake, suggestion
from .merge import Block

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_ID = ("session_id",)
FOLDER = ("cwd", "cwd_key", "cwd_slug", "cwd_md5", "cwd_dashes")
_PATH = (*_ID, "session_id8", *FOLDER)
_LONGEST = 300  # characters of a text
_MOST = 60  # texts in a list
_MOST_RUNS = 6  # `*` in a text
_MOST_WILD = 2  # `*` between two slashes
_MOST_TAIL = 40  # lines: more of a screen is never read

# The keys whose texts may have placeholders, and which. In paths, the type's own variables come on top of these.
_WORDS: Mapping[str, Sequence[str]] = {
    "new": _ID,
    "resume": _ID,
    "prompt": ("prompt",),
    "resume_line": _ID,
    "wrapped": ("prompt",),
    "trust.args": ("cwd",),
    "trust.flag": ("cwd",),
    "database.delete": _ID,
    "belongs": ("artifact", "stem", "folder"),
}
PATHS: Mapping[str, Sequence[str]] = {
    "artifacts": _PATH,
    "stores": _PATH,
    "roots": (),
    "held": (*_ID, *FOLDER),
    "notes.files": (*_PATH, "pid"),
    "notes.users": (*_PATH, "pid"),
    "database.file": (),
    "trust.file": (),
    "hooks.user": (),
    "usage.files": (),
}
# Texts that are compared with what a CLI shows: `*` is any run of characters.
TEXTS = (
    *("titles.idle", "titles.busy", "titles.waiting", "box.empty", "box.frame", "resume_line", "wrapped", "id"),
    *("permission.first", "permission.last", "permission.once", "permission.opening"),
)
# Keys that mean nothing without another one.
_NEEDS = {
    "head": ("artifacts",),
    "stores": ("artifacts",),
    "belongs": ("artifacts",),
    "several_files": ("artifacts",),
    "proof": ("artifacts",),
    "messages": ("artifacts",),
    "wrapped": ("artifacts", "database"),
    "opaque": ("artifacts", "database"),
    "held_from_start": ("held",),
}


def type_mistakes(name: str, block: Block, builtin_types: Collection[str]) -> Iterator[Diagnostic]:
    """Every mistake in the agent type `name`."""
    if name in builtin_types:
        yield mistake(
            f"the agent type `{name}` is built in", block.place(), fix="choose another name for your own type"
        )
    if not block.content["command"]:
        yield mistake("`command` is empty", block.place("command"), fix="write `command: [PROGRAM]`")
    yield from _wrong_placeholders(block)
    yield from _missing_session_id(block)
    yield from _bad_expression(block)
    if block.content.keys() - {"command", "new", "resume", "artifacts", "quit", "busy"}:
        yield from _part_mistakes(block)


def _part_mistakes(block: Block) -> Iterator[Diagnostic]:
    yield from _bad_variables(block)
    yield from _bad_texts(block)
    yield from _wild_paths(block)
    yield from _alone(block)
    yield from _missing_placeholders(block)
    yield from _bad_screens(block)
    yield from _bad_notes(block)
    yield from _bad_trust(block)
    box = block.content.get("box")
    if box is not None and bool(box.get("mark")) == bool(box.get("frame")):
        fix = "give `mark`, or `frame` for a box without one"
        yield mistake(f"`{block.path}.box` does not say how the box is found", block.place("box"), fix=fix)


def _texts(block: Block, key: str) -> Iterator[tuple[str, str]]:
    """The texts at a key with dots, each with the key of its place."""
    value: Any = block.content
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        yield key, value
    if isinstance(value, list):
        yield from ((f"{key}.{index}", text) for index, text in enumerate(value) if isinstance(text, str))


def _wrong_placeholders(block: Block) -> Iterator[Diagnostic]:
    variables = tuple(block.content.get("variables", ()))
    allowed = {**_WORDS, **{key: (*known, *variables) for key, known in PATHS.items()}}
    for key, known in allowed.items():
        for place, text in _texts(block, key):
            for found in _PLACEHOLDER.findall(text):
                if found not in known:
                    yield mistake(
                        f"unknown placeholder `{{{found}}}` in `{block.path}.{key}`",
                        block.place(place),
                        detail=text,
                        fix=suggestion(found, list(known)) or "remove it: nothing is filled in here",
                    )


def _missing_session_id(block: Block) -> Iterator[Diagnostic]:
    order = ("new", "resume", "artifacts")
    names_it = {key for key in order if any("{session_id}" in text for text in block.content.get(key, ()))}
    if names_it and "resume" not in names_it:
        yield mistake(
            f"`{block.path}.resume` does not say which conversation",
            block.place("resume"),
            detail=f"`{min(names_it, key=order.index)}` has `{{session_id}}`, `resume` has not",
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
        return
    if len(busy) > _LONGEST or takes_long(busy):
        yield mistake(
            f"`{block.path}.busy` could take too long",
            block.place("busy"),
            detail=f"a title could be compared with it in very many ways: {busy[:80]}",
            fix="use at most two `.*`, and no repeat around another one; or use `titles`, where `*` is any text",
        )
    if busy and "titles" in block.content:
        fix = "move its texts to `titles.busy`, and add `titles.idle`"
        yield mistake(f"`{block.path}` has both `busy` and `titles`", block.place("busy"), fix=fix)


def _bad_variables(block: Block) -> Iterator[Diagnostic]:
    earlier: list[str] = []
    for name, default in block.content.get("variables", {}).items():
        key = f"variables.{name}"
        if name in {*_PATH, "pid"}:
            fix = "choose the name of an environment variable of the CLI"
            yield mistake(f"`{block.path}.{key}` is the name of a placeholder", block.place(key), fix=fix)
        for found in _PLACEHOLDER.findall(default):
            if found not in {*earlier, *FOLDER}:
                fix = suggestion(found, earlier) or "only variables that are declared above it can be used"
                summary = f"unknown placeholder `{{{found}}}` in `{block.path}.{key}`"
                yield mistake(summary, block.place(key), detail=default, fix=fix)
        earlier.append(name)


def _bad_texts(block: Block) -> Iterator[Diagnostic]:
    for key in (*TEXTS, "screens"):
        found = list(_texts(block, key))
        if len(found) > _MOST or (key == "screens" and len(block.content.get(key, ())) > _MOST):
            fix = "keep the texts that tell the states apart"
            yield mistake(f"`{block.path}.{key}` has more than {_MOST} texts", block.place(key), fix=fix)
        for place, text in found:
            if not text.strip() or len(text) > _LONGEST or text.count("*") > _MOST_RUNS:
                yield mistake(
                    f"`{block.path}.{place}` is not a text to compare with",
                    block.place(place),
                    detail=f"found: {text[:60]}",
                    fix=f"write 1 to {_LONGEST} characters, with at most {_MOST_RUNS} `*`",
                )
    id_ = block.content.get("id", "uuid")
    if not re.fullmatch(r"[A-Za-z0-9_*-]{1,80}", id_):
        fix = "write `uuid`, or a text such as `ses_*`"
        yield mistake(f"`{block.path}.id` is not the form of an id", block.place("id"), detail=f"found: {id_}", fix=fix)


def _wild_paths(block: Block) -> Iterator[Diagnostic]:
    for key in PATHS:
        for place, text in _texts(block, key):
            parts = text.removeprefix("**/").split("/")
            if not text or len(text) > _LONGEST or any(part.count("*") > _MOST_WILD for part in parts):
                yield mistake(
                    f"`{block.path}.{key}` is not a path",
                    block.place(place),
                    detail=f"found: {text[:60]}",
                    fix=f"write 1 to {_LONGEST} characters, with at most {_MOST_WILD} `*` between two slashes",
                )


def _alone(block: Block) -> Iterator[Diagnostic]:
    for key, others in _NEEDS.items():
        if key in block.content and not any(block.content.get(other) for other in others):
            wanted = " or ".join(f"`{other}`" for other in others)
            yield mistake(f"`{block.path}.{key}` needs {wanted}", block.place(key), fix=f"add {wanted}")


def _missing_placeholders(block: Block) -> Iterator[Diagnostic]:
    needed = (("prompt", "prompt"), ("wrapped", "prompt"), ("held", "session_id"), ("database.delete", "session_id"))
    for key, name in needed:
        found = [text for _, text in _texts(block, key)]
        if found and not any(f"{{{name}}}" in text for text in found):
            fix = f"add `{{{name}}}`"
            yield mistake(f"`{block.path}.{key}` has no `{{{name}}}`", block.place(key), fix=fix)
    for place, text in _texts(block, "resume_line"):
        if not text.endswith("{session_id}") or len(text) == len("{session_id}"):
            fix = "write what the CLI prints before the id, and then `{session_id}`: `mine --resume {session_id}`"
            yield mistake(f"`{block.path}.{place}` does not end with the id", block.place(place), fix=fix)
    for place, text in _texts(block, "belongs"):
        if not text.startswith(("{artifact}", "{stem}", "{folder}")):
            fix = "begin it with `{artifact}`, `{stem}` (without the ending) or `{folder}`"
            yield mistake(f"`{block.path}.{place}` is not beside an artifact", block.place(place), fix=fix)


def _bad_screens(block: Block) -> Iterator[Diagnostic]:
    for index, rule in enumerate(block.content.get("screens", ())):
        key = f"screens.{index}"
        texts = [*_listed(rule.get("all")), *_listed(rule.get("any"))]
        if not texts or not all(text.strip() and len(text) <= _LONGEST for text in texts) or len(texts) > _MOST:
            fix = f"add `any:` or `all:` with texts of at most {_LONGEST} characters that tell the state"
            yield mistake(f"`{block.path}.{key}` would match every screen", block.place(key), fix=fix)
        if rule["state"] == "dialog" and not rule.get("name"):
            yield mistake(f"`{block.path}.{key}` has no name", block.place(key), fix="name the dialog: `name: trust`")
        if not 1 <= rule.get("tail", 1) <= _MOST_TAIL:
            fix = f"write a number from 1 to {_MOST_TAIL}"
            yield mistake(f"`{block.path}.{key}.tail` is out of range", block.place(f"{key}.tail"), fix=fix)


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _bad_notes(block: Block) -> Iterator[Diagnostic]:
    notes = block.content.get("notes")
    if notes is None:
        return
    paths = _listed(notes["files"])
    if "pid" not in notes and not all("{pid}" in path for path in paths):
        fix = "add `{pid}` to each path, or name the field: `pid: pid`"
        yield mistake(f"`{block.path}.notes` does not say which process", block.place("notes"), fix=fix)
    if not notes.keys() & {"id", "status"} and not all("{session_id}" in path for path in paths):
        fix = "add `{session_id}` to each path, or name the field: `id: sessionId`"
        yield mistake(f"`{block.path}.notes` does not say which conversation", block.place("notes"), fix=fix)


def _bad_trust(block: Block) -> Iterator[Diagnostic]:
    trust = block.content.get("trust")
    if trust is None:
        return
    ways = len(trust.keys() & {"list", "flag"})
    if ways != ("file" in trust) or trust.get("flag") == []:
        fix = "give `file` with either `list` or `flag`"
        yield mistake(f"`{block.path}.trust` does not say what to change in which file", block.place("trust"), fix=fix)

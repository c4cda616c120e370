"""Paths with placeholders: where a CLI stores something, and what such a path says."""

from __future__ import annotations

import glob
import hashlib
import os.path
import re
from collections.abc import Callable, Mapping

from msgspec import Struct

from .keys import project_key, slug
from .launch import CWD
from .subject import AgentEnvironment
from .text_form import id_pattern

ANYWHERE = "**/"  # how a path begins that may be in any folder: `/proc` shows no path with links
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_FIRST = 8  # characters of an id that some CLIs put into a file name


def _md5(path: str) -> str:
    return hashlib.md5(path.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()


# What is made of the folder's path.
OF_FOLDER: Mapping[str, Callable[[str], str]] = {
    "cwd": str,
    "cwd_key": project_key,
    "cwd_slug": slug,
    "cwd_md5": _md5,
    "cwd_dashes": lambda path: re.sub(r"[/\\:]", "-", path.removeprefix("/")),
}
# What else may stand in a path.
OTHERS = ("session_id", "session_id8", "pid")


class PathForms(Struct, frozen=True):
    """Templates of paths, and what their placeholders stand for."""

    templates: tuple[str, ...] = ()
    # Environment variables with their defaults, which are templates, too.
    variables: tuple[tuple[str, str], ...] = ()
    # The form of an id, see `id_pattern`; empty for any.
    id: str = ""

    def patterns(self, subject: AgentEnvironment, **ids: str) -> tuple[str, ...]:
        """Glob patterns for an agent. What `ids` does not say can be anything; a relative one begins in its folder."""
        return tuple(dict.fromkeys(_pattern(each, self, subject, ids) for each in self.templates))

    def path(self, subject: AgentEnvironment) -> str:
        """The path of the first template, not as a pattern; empty without templates."""
        return _filled(self.templates[0], self, subject) if self.templates else ""

    def match(self, path: str) -> Mapping[str, str] | None:
        """What a path says: `id`, `cwd`, `md5`, `pid`, as far as its template has them; None if it is another path."""
        matches = (re.fullmatch(_shape(each, self), path) for each in self.templates)
        return next((found.groupdict() for found in matches if found), None)


def _pattern(template: str, forms: PathForms, subject: AgentEnvironment, ids: Mapping[str, str]) -> str:
    known = dict(forms.variables)

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name in OF_FOLDER:
            return glob.escape(OF_FOLDER[name](subject.cwd))
        if name in known:
            return glob.escape(_variable(name, forms, subject))
        if name.startswith("session_id"):
            given = ids.get("session_id", "")
            return glob.escape(given if name == "session_id" else given[:_FIRST]) if given else "*"
        return glob.escape(ids["pid"]) if name == "pid" and "pid" in ids else found[0] if name != "pid" else "*"

    filled = _PLACEHOLDER.sub(value, template)
    if filled.startswith("~/"):
        return os.path.join(glob.escape(subject.home), filled.removeprefix("~/"))
    return os.path.join(glob.escape(subject.cwd), filled)


def _filled(template: str, forms: PathForms, subject: AgentEnvironment) -> str:
    known = dict(forms.variables)

    def value(found: re.Match[str]) -> str:
        if found[1] in known:
            return _variable(found[1], forms, subject)
        return OF_FOLDER[found[1]](subject.cwd) if found[1] in OF_FOLDER else found[0]

    filled = _PLACEHOLDER.sub(value, template)
    return os.path.join(subject.cwd, _at_home(filled, subject))


def _variable(name: str, forms: PathForms, subject: AgentEnvironment) -> str:
    """The value of an environment variable, else its default, in which earlier variables may stand."""
    if set_to := subject.env.get(name):
        return os.path.join(subject.cwd, set_to)
    earlier = forms.variables[: [known for known, _ in forms.variables].index(name)]
    return _filled(dict(forms.variables)[name], PathForms(variables=earlier), subject)


def _at_home(path: str, subject: AgentEnvironment) -> str:
    return subject.home + path[1:] if path == "~" or path.startswith("~/") else path


def _shape(template: str, forms: PathForms) -> str:
    """The regular expression for the paths of a template; it matches nothing if the id has no clear ends."""
    if re.search(r"\*\{session_id\}|\{session_id\}\*", template):
        return "(?!)"
    known = [name for name, _ in forms.variables]
    begins = template.startswith(("/", "~/", ANYWHERE, CWD)) or any(
        template.startswith(f"{{{name}}}") for name in known
    )
    rest = template if begins else f"{CWD}/{template}"  # relative paths begin in the agent's folder
    shape, seen = ".*" if rest.startswith(("~/", ANYWHERE)) else "", set[str]()
    rest = rest.removeprefix("~").removeprefix("**")
    at = 0
    for found in _PLACEHOLDER.finditer(rest):
        shape += _wild(rest[at : found.start()]) + _part(found[1], forms, seen)
        at = found.end()
    return shape + _wild(rest[at:])


def _part(name: str, forms: PathForms, seen: set[str]) -> str:
    group, regex = {
        "session_id": ("id", id_pattern(forms.id) if forms.id else "[^/]+"),
        "cwd": ("cwd", ".*"),
        "cwd_md5": ("md5", "[0-9a-f]{32}"),
        "pid": ("pid", r"[0-9]+"),
    }.get(name, ("", ".*" if name in dict(forms.variables) else "[^/]*"))
    if not group or group in seen:
        return f"(?P={group})" if group else regex
    seen.add(group)
    return f"(?P<{group}>{regex})"


def _wild(part: str) -> str:
    return re.escape(part).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")


class Artifacts(PathForms, frozen=True):
    """Where the conversation with an id may be."""

    def __call__(self, subject: AgentEnvironment, conversation: str) -> tuple[str, ...]:
        """Glob patterns."""
        return self.patterns(subject, session_id=conversation)


class StorePlaces(PathForms, frozen=True):
    """Where something of all conversations is."""

    def __call__(self, subject: AgentEnvironment) -> tuple[str, ...]:
        """Glob patterns; a conversation is not looked for in folders below."""
        return tuple(each.replace("**", "*") for each in self.patterns(subject))


class Roots(PathForms, frozen=True):
    """The folders that hold everything a CLI stores."""

    def __call__(self, subject: AgentEnvironment) -> tuple[str, ...]:
        """Paths."""
        return tuple(_filled(each, self, subject) for each in self.templates)


class OnePath(PathForms, frozen=True):
    """One file of a CLI."""

    def __call__(self, subject: AgentEnvironment) -> str:
        """Its path."""
        return self.path(subject)


class NotePlaces(PathForms, frozen=True):
    """The notes about a process."""

    def __call__(self, subject: AgentEnvironment, pid: int) -> tuple[str, ...]:
        """Glob patterns."""
        return self.patterns(subject, pid=str(pid))


class HeldFiles(PathForms, frozen=True):
    """The files that a process has open while it uses a conversation."""

    def __call__(self, path: str) -> str:
        """The conversation of the file at this path; empty for other files."""
        return (self.match(path) or {}).get("id", "")


class Beside(Struct, frozen=True):
    """What else belongs to a conversation, beside its artifact."""

    # Endings that take the place of the artifact's: `{artifact}-wal`, `{stem}.runtime.json`, or `{folder}`.
    templates: tuple[str, ...]

    def __call__(self, path: str) -> tuple[str, ...]:
        """Glob patterns."""
        known = {"{artifact}": path, "{stem}": os.path.splitext(path)[0], "{folder}": os.path.dirname(path)}
        return tuple(_replaced(each, known) for each in self.templates)


def _replaced(template: str, known: Mapping[str, str]) -> str:
    for name, value in known.items():
        if template.startswith(name):
            return glob.escape(value) + template.removeprefix(name)
    return glob.escape(template)

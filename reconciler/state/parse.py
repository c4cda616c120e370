"""Parse the registry's text as plain data. Every mistake is a RegistryUnreadable with line:column."""

from __future__ import annotations

from reconciler.model.errors import RegistryUnreadable
from reconciler.model.record import Json
from reconciler.text.nodes import CORE_TAGS, Bounds, YamlProblem, YamlProblemKind
from reconciler.text.values import read

_FIX = "correct the YAML by hand"
BOUNDS = Bounds(depth=100, unfolded=2_000_000, tags=CORE_TAGS, escapes=True)
# The message for each kind of mistake; `{about}` is the text at fault.
_WORDS = {
    YamlProblemKind.SYNTAX: "{about}",
    YamlProblemKind.NUMBER: "a number is out of range",
    YamlProblemKind.CONTROL: "the control character {about}",
    YamlProblemKind.DOCUMENTS: "but found another document",
    YamlProblemKind.TAG: "could not determine a constructor for the tag '{about}'",
    YamlProblemKind.ALIAS: "found undefined alias '{about}'",
    YamlProblemKind.KEY: "a key must be a word",
    YamlProblemKind.DUPLICATE: 'found duplicate key "{about}"',
    YamlProblemKind.MERGE: "`<<` merges mappings only",
}
# These mistakes concern the whole file, so they have no useful place.
_PLACELESS = {
    YamlProblemKind.DEPTH: "nested too deeply",
    YamlProblemKind.LOOP: "nested too deeply",
    YamlProblemKind.UNFOLDED: "aliases make the file too large",
}


def parsed(text: str) -> dict[str, Json]:
    """Return the mapping in `text`; an empty text is an empty mapping. Times stay strings.

    Raises RegistryUnreadable for broken YAML, duplicate keys, several documents, or something other than a mapping.
    """
    found = read(text, BOUNDS)
    problems = [_said(problem) for problem in (*found.problems, *filter(None, [found.broken]))]
    if problems:
        raise RegistryUnreadable(problems[0], fix=_FIX, more=problems[1:])
    if found.value is None:
        return {}
    if not isinstance(found.value, dict):
        raise RegistryUnreadable("a mapping is expected at the top", fix=_FIX)
    return found.value


def _said(problem: YamlProblem) -> str:
    if problem.kind in _PLACELESS:
        return _PLACELESS[problem.kind]
    words = _WORDS[problem.kind].format(about=problem.about)
    told = f"{words} {problem.detail}" if problem.kind is YamlProblemKind.DUPLICATE and problem.detail else words
    return f"{problem.at[0]}:{problem.at[1]}: {told}" if problem.at[0] else told

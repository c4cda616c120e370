"""Turn the bytes of a manifest into plain data with places."""

from __future__ import annotations

from msgspec import Struct, field

from reconciler.model.diagnostic import Diagnostic, Place
from reconciler.model.errors import InvalidManifest
from reconciler.model.record import Json
from reconciler.text import values
from reconciler.text.characters import decoded
from reconciler.text.nodes import TEXT_TAGS, Bounds, Node, NotYaml, YamlProblem, YamlProblemKind, compose

from .document import Source, mistake
from .syntax_slips import syntax_slip

MAX_BYTES = 4 * 1024 * 1024
BOUNDS = Bounds(depth=50, unfolded=10_000, tags=TEXT_TAGS, escapes=False)

# What is wrong, and what to do about it; `{about}` is what the problem is about.
_WORDS = {
    YamlProblemKind.SYNTAX: ("not YAML", "look at this line and the one before it"),
    YamlProblemKind.NUMBER: ("not YAML: a number in it is out of range", ""),
    YamlProblemKind.CONTROL: ("the control character {about}", "remove it"),
    YamlProblemKind.DOCUMENTS: ("more than one YAML document", "put each manifest into a file of its own"),
    YamlProblemKind.DEPTH: ("nested more than {about} levels deep", "a manifest needs fewer than 10"),
    YamlProblemKind.TAG: ("the tag `{about}` is not supported", "remove the tag; quote text that looks like a number"),
    YamlProblemKind.ALIAS: ("`*{about}` is used before an anchor `&{about}`", "define `&{about}` above this line"),
    YamlProblemKind.LOOP: ("`*{about}` is used inside its own anchor `&{about}`", "define `&{about}` above this line"),
    YamlProblemKind.UNFOLDED: (
        "`*{about}` makes the manifest too big",
        f"aliases may unfold into {BOUNDS.unfolded:,} nodes",
    ),
    YamlProblemKind.KEY: ("a key must be a word", "write `key: value`"),
    YamlProblemKind.DUPLICATE: ("`{about}` is defined twice", "keep one of them"),
    YamlProblemKind.MERGE: ("`<<` merges mappings only", "write `<<: *anchor`"),
}


class Reading(Struct, frozen=True):
    """The content of one file, and the YAML mistakes in it."""

    file: str
    content: Json = None
    """None when the file is empty."""
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Line and column of each key, by its dotted path."""
    texts: dict[str, str] = field(default_factory=dict)
    """How each number, flag and null is written, by its dotted path."""
    mistakes: tuple[Diagnostic, ...] = ()
    broken: bool = False
    """Whether the reading stopped at a mistake, so that `content` is missing."""


def read(source: Source) -> Reading:
    """The content of `source` with every YAML mistake. Whether it is a valid manifest is not checked here."""
    try:
        text = text_of(source)
    except InvalidManifest as error:
        return Reading(source.file, mistakes=error.diagnostics, broken=True)
    found = values.read(text, BOUNDS)
    problems = [*found.problems, found.broken] if found.broken else found.problems
    mistakes = tuple(_diagnostic(source.file, text, problem) for problem in problems)
    return Reading(source.file, found.value, found.places, found.spellings, mistakes, found.broken is not None)


def nodes_of(file: str, text: str) -> Node | None:
    """The root node of a manifest, or None when it is empty. Raises InvalidManifest when it is not YAML."""
    try:
        return compose(text, BOUNDS)
    except NotYaml as error:
        raise InvalidManifest((_diagnostic(file, text, error.problem),)) from error


def text_of(source: Source) -> str:
    """The text of a manifest without a byte order mark. Raises InvalidManifest if it is too big or not UTF-8."""
    data = source.data
    if len(data) > MAX_BYTES:
        summary = f"{len(data):,} bytes is too big for a manifest"
        fix = f"at most {MAX_BYTES:,} bytes; split the file"
        raise InvalidManifest((mistake(summary, Place(source.file, 1, 1), fix=fix),))
    try:
        return decoded(data)
    except UnicodeDecodeError as error:
        place = Place(source.file, data.count(b"\n", 0, error.start) + 1)
        summary = f"not UTF-8: byte 0x{data[error.start]:02x} at offset {error.start}"
        raise InvalidManifest((mistake(summary, place, fix="save the file as UTF-8"),)) from error


def _diagnostic(file: str, text: str, problem: YamlProblem) -> Diagnostic:
    """The message to the user about a YAML mistake."""
    place = Place(file, *problem.at)
    if problem.kind is YamlProblemKind.SYNTAX and r"'\t'" in problem.about:
        return mistake("a tab where YAML needs spaces", place, fix="indent with spaces")
    if problem.kind is YamlProblemKind.SYNTAX and (slip := syntax_slip(text, problem)):
        return mistake(slip.summary, Place(file, *slip.at), fix=slip.fix)
    summary, fix = (words.format(about=problem.about) for words in _WORDS[problem.kind])
    return mistake(summary, place, detail=_detail(problem), fix=fix)


def _detail(problem: YamlProblem) -> str:
    match problem.kind:
        case YamlProblemKind.SYNTAX:
            return ", ".join(dict.fromkeys(filter(None, [problem.detail, problem.about])))
        case YamlProblemKind.DUPLICATE:
            return f"lines {problem.earlier[0]} and {problem.at[0]}"
        case YamlProblemKind.MERGE:
            return problem.about
        case _:
            return problem.detail

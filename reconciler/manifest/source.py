"""Bytes -> plain data: what the file says, and where it says it."""

from __future__ import annotations

from msgspec import Struct, field

from reconciler.model.diagnostic import Diagnostic, Place
from reconciler.model.errors import InvalidManifest
from reconciler.model.record import Json
from reconciler.text import values
from reconciler.text.characters import decoded
from reconciler.text.nodes import TEXT_TAGS, Bounds, Node, NotYaml, YamlProblem, YamlProblemKind, compose

from .document import Source, mistake

MAX_BYTES = 4 * 1024 * 1024
BOUNDS = Bounds(depth=50, unfolded=10_000, tags=TEXT_TAGS, escapes=False)

# What is wrong, and what to do about it; `{about}` is what the slip is about.
_WORDS = {
    YamlProblemKind.SYNTAX: ("not YAML", "look at this line and the one before it"),
    YamlProblemKind.NUMBER: ("not YAML: a number in it is out of range", ""),
    YamlProblemKind.CONTROL: ("the control character {about}", "remove it"),
    YamlProblemKind.DOCUMENTS: ("more than one YAML document", "put each manifest into a file of its own"),
    YamlProblemKind.DEPTH: ("nested more than {about} levels deep", "a manifest needs fewer than 10"),
    YamlProblemKind.TAG: ("the tag `{about}` is not supported", "remove the tag; quote text that looks like a number"),
    YamlProblemKind.ALIAS: ("`*{about}` refers to no anchor before it", "mark something with `&{about}` first"),
    YamlProblemKind.LOOP: ("`*{about}` refers to no anchor before it", "mark something with `&{about}` first"),
    YamlProblemKind.UNFOLDED: (
        "`*{about}` makes the manifest too big",
        f"aliases may unfold into {BOUNDS.unfolded:,} nodes",
    ),
    YamlProblemKind.KEY: ("a key must be a word", "write `key: value`"),
    YamlProblemKind.DUPLICATE: ("`{about}` stands twice in one mapping", "keep one of them"),
    YamlProblemKind.MERGE: ("`<<` merges mappings only", "write `<<: *anchor`"),
}


class Reading(Struct, frozen=True):
    """What was found in one file.

    `places` maps dotted paths to line and column of their keys, `texts` those of numbers, booleans
    and nulls to the way they are written; `content` is None when the file says nothing.
    """

    file: str
    content: Json = None
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    mistakes: tuple[Diagnostic, ...] = ()
    broken: bool = False


def read(source: Source) -> Reading:
    """What `source` holds, with every mistake that is one of YAML, not of manifests."""
    try:
        text = text_of(source)
    except InvalidManifest as error:
        return Reading(source.file, mistakes=error.diagnostics, broken=True)
    found = values.read(text, BOUNDS)
    slips = [*found.slips, found.broken] if found.broken else found.slips
    mistakes = tuple(_told(source.file, slip) for slip in slips)
    return Reading(source.file, found.value, found.places, found.spellings, mistakes, found.broken is not None)


def nodes_of(file: str, text: str) -> Node | None:
    """The node that a manifest is, or None when it says nothing; raises InvalidManifest when it is not YAML."""
    try:
        return compose(text, BOUNDS)
    except NotYaml as error:
        raise InvalidManifest((_told(file, error.slip),)) from error


def text_of(source: Source) -> str:
    """The characters of a manifest, without a mark of the byte order; raises InvalidManifest when it cannot be one."""
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


def _told(file: str, slip: YamlProblem) -> Diagnostic:
    """A slip in the words of a manifest."""
    place = Place(file, *slip.at)
    if slip.fault is YamlProblemKind.SYNTAX and r"'\t'" in slip.about:
        return mistake("a tab where YAML wants spaces", place, fix="indent with spaces")
    summary, fix = (words.format(about=slip.about) for words in _WORDS[slip.fault])
    return mistake(summary, place, detail=_detail(slip), fix=fix)


def _detail(slip: YamlProblem) -> str:
    match slip.fault:
        case YamlProblemKind.SYNTAX:
            return ", ".join(dict.fromkeys(filter(None, [slip.detail, slip.about])))
        case YamlProblemKind.DUPLICATE:
            return f"lines {slip.earlier[0]} and {slip.at[0]}"
        case YamlProblemKind.MERGE:
            return slip.about
        case _:
            return slip.detail

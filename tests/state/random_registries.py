"""Random registries, and random edits to them."""

from __future__ import annotations

from hypothesis import strategies as st

from reconciler.model.record import RowEdit, Section, Status

# What some reader of YAML takes for something else than this text.
WORDS = st.sampled_from(
    [
        "yes",
        "No",
        "on",
        "~",
        "null",
        "1",
        "1_000",
        "0x1F",
        "007",
        "08",
        "1e3",
        "7e00",
        ".inf",
        "12:30:45",
        "2026-06-25",
        "&a",
        "*a",
        "!a",
        "{",
        "[",
        "]",
        "@a",
        "`",
        "%a",
        "|",
        ">",
        "'",
        '"',
        "\\",
        "<<",
        "=",
        "-",
        "...",
        "---",
        "claude",
        "/home/u/lab",
        "--model",
        "%3",
        "\x7f",
        "\ufeff",
        "😀",
    ]
)
SPACED = st.sampled_from(["", " a", "a ", "a b", "- a", "# b", "a: b", "a #b", "a\nb", "\t", "\u2028", "\x85"])
TEXTS = WORDS | SPACED | st.text(max_size=12)
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,8}", fullmatch=True)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
SESSIONS = st.fixed_dictionaries(
    {"workspace": NAMES, "agent": NAMES, "status": st.sampled_from([str(status) for status in Status])},
    optional={
        "role": TEXTS,
        "last_visible_note": TEXTS | st.none(),
        "resumable": st.booleans(),
        "pane": st.fixed_dictionaries({"id": TEXTS, "pid": st.integers(min_value=0)}),
        "spec": st.fixed_dictionaries(
            {"args": st.lists(TEXTS, max_size=3), "env": st.dictionaries(NAMES, TEXTS, max_size=2)}
        ),
        "x-other-tool": JSON,
    },
)
WORKSPACES = st.fixed_dictionaries({"path": TEXTS}, optional={"created": st.booleans(), "x-other-tool": JSON})
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "last_visible_note": TEXTS | st.none(),
        "pane": st.fixed_dictionaries({}, optional={"cwd": TEXTS, "pid": st.integers(min_value=0)}),
        "x-ours": JSON,
    },
)


@st.composite
def session_edits(draw: st.DrawFn, names: list[str]) -> RowEdit:
    name = draw(st.sampled_from(names) if names else NAMES)
    match draw(st.sampled_from(["add", "change", "remove", "rename"])):
        case "remove":
            return RowEdit(Section.SESSIONS, name, remove=True)
        case "rename" if names:
            return RowEdit(Section.SESSIONS, name, draw(FIELDS), rename_to=draw(NAMES))
        case "change" if names:
            return RowEdit(Section.SESSIONS, name, draw(FIELDS))
        case _:
            return RowEdit(Section.SESSIONS, draw(NAMES), draw(SESSIONS))

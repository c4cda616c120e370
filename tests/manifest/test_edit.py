"""Agents put into manifests and taken out again: nothing else in them moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest import Source
from reconciler.manifest.edit import added, place_in, removed
from reconciler.manifest.source import read
from reconciler.model.errors import InvalidManifest, ReconcilerError

LAB = """\
# The lab.
version: 1   # of the format

workspaces:
    lab:                # four columns
        path: "lab"  # a\ttab
        env: {A: 'x'}
        agents:
            # the writer
            claude: {}  # ours
              # deeper: belongs to claude
            # review:
            #   type: codex

    other:
        path: ../other
"""
CODEX = ("workspaces", "lab", "agents", "codex")


def add(text: str, value: dict | None = None, path=CODEX) -> str:
    return added(Source("m.yaml", text.encode()), path, value or {}).data.decode()


def take(text: str, path=CODEX) -> str:
    return removed(Source("m.yaml", text.encode()), path).decode()


TEXT = "workspaces:\n  lab:\n    agents:\n      a:\n        prompt: |\n          one\n\n          two\n"

CASES = {
    "behind the last agent, before the comments below it": (
        LAB,
        LAB.replace("belongs to claude\n", "belongs to claude\n            codex: {}\n"),
    ),
    "windows line ends": (
        "version: 1\r\nworkspaces:\r\n  lab:\r\n    path: x\r\n    agents:\r\n      a: {}\r\n",
        "version: 1\r\nworkspaces:\r\n  lab:\r\n    path: x\r\n    agents:\r\n      a: {}\r\n      codex: {}\r\n",
    ),
    "no newline at the end": (
        "version: 1\nworkspaces:\n  lab:\n    path: x\n    agents:\n      a:",
        "version: 1\nworkspaces:\n  lab:\n    path: x\n    agents:\n      a:\n      codex: {}",
    ),
    "in braces": (
        "workspaces: {lab: {path: x, agents: {claude: {}}}}",
        "workspaces: {lab: {path: x, agents: {claude: {}, codex: {}}}}",
    ),
    "in empty braces in braces": (
        "workspaces: {lab: {path: x, agents: {}}}",
        "workspaces: {lab: {path: x, agents: {codex: {}}}}",
    ),
    "empty braces in a block": (
        "workspaces:\n  lab:\n    agents: {}  # none\n    path: x\n",
        "workspaces:\n  lab:\n    agents:  # none\n      codex: {}\n    path: x\n",
    ),
    "empty braces with a space": (
        "workspaces:\n  lab:\n    agents: { }\n",
        "workspaces:\n  lab:\n    agents: {codex: {} }\n",
    ),
    "braces over several lines": (
        '{"workspaces": {\n "lab": {\n  "agents": {\n   "a": {}\n  }\n }\n}}',
        '{"workspaces": {\n "lab": {\n  "agents": {\n   "a": {},\n   codex: {}\n  }\n }\n}}',
    ),
    "a value that is left out": (
        "workspaces: {lab: {agents: {a: , b: }}}",
        "workspaces: {lab: {agents: {a: , b: , codex: {}}}}",
    ),
    "behind a text over several lines": (
        f"{TEXT}\n# end\n",
        f"{TEXT}      codex: {{}}\n\n# end\n",
    ),
    "beside a merge key": (
        "x-: &b {a: {}}\nworkspaces:\n  lab:\n    agents:\n      <<: *b\n",
        "x-: &b {a: {}}\nworkspaces:\n  lab:\n    agents:\n      <<: *b\n      codex: {}\n",
    ),
    "with a mark of the byte order": (
        "\ufeffworkspaces: {lab: {agents: {a: {}}}}\n",
        "\ufeffworkspaces: {lab: {agents: {a: {}, codex: {}}}}\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_an_agent_is_added_and_taken_out_again_and_nothing_else_moves(before, after):
    assert add(before) == after
    assert take(after) == before


MADE = {
    "no agents yet": (
        "version: 1\nworkspaces:\n  lab:\n    path: x  # here\n  z: {path: y}\n",
        "version: 1\nworkspaces:\n  lab:\n    path: x  # here\n    agents:\n      codex: {}\n  z: {path: y}\n",
    ),
    "agents without a value": (
        "workspaces:\n  lab:\n    agents:  # none\n    path: x\n",
        "workspaces:\n  lab:\n    agents:  # none\n      codex: {}\n    path: x\n",
    ),
    "agents that are null": (
        "workspaces:\n  lab:\n    agents: ~\n",
        "workspaces:\n  lab:\n    agents:\n      codex: {}\n",
    ),
    "no workspaces in braces": ("{version: 1}", "{version: 1, workspaces: {lab: {agents: {codex: {}}}}}"),
    "nothing but comments": ("# mine\n", "# mine\nversion: 1\nworkspaces:\n  lab:\n    agents:\n      codex: {}\n"),
    "nothing at all": ("", "version: 1\nworkspaces:\n  lab:\n    agents:\n      codex: {}\n"),
}


@pytest.mark.parametrize(("before", "after"), MADE.values(), ids=MADE)
def test_what_is_missing_on_the_way_is_made(before, after):
    assert add(before) == after
    assert read(Source("m", take(after).encode())).content["workspaces"]["lab"]["agents"] == {}


def test_the_last_agent_leaves_empty_braces_and_their_comment():
    text = "workspaces:\n  lab:\n    agents:  # ours\n      codex: {type: codex}  # its\n  # end\n"
    assert take(text) == "workspaces:\n  lab:\n    agents: {}  # ours\n  # end\n"


def test_a_block_goes_with_its_comments_and_those_below_that_are_deeper():
    text = LAB.replace(
        "# review:", "codex:\n              type: codex  # why\n              # args: []\n            # review:"
    )
    assert take(text) == LAB


def test_the_first_of_several_in_braces_takes_its_comma_along():
    assert take("workspaces: {lab: {agents: {codex: {}, a: {}}}}") == "workspaces: {lab: {agents: {a: {}}}}"


@pytest.mark.parametrize(
    "text", ["yes", "12", "a: b", "- x", "", "é", "two\nlines", "\u2028", "'\"", "#no", "null", "~", "1.5"]
)
def test_every_text_is_read_back_as_it_was_given(text):
    content = read(Source("m", add(LAB, {"prompt": text}).encode())).content
    assert content["workspaces"]["lab"]["agents"]["codex"] == {"prompt": text}


BY_HAND = {
    "an alias": "workspaces:\n  a: {agents: &x {b: {}}}\n  lab:\n    agents: *x\n",
    "an anchor that others use": "workspaces:\n  lab:\n    agents: &x\n      b: {}\n  a:\n    agents: *x\n",
    "a list": "workspaces:\n  lab:\n    agents: [a]\n",
    "a word": "workspaces:\n  lab:\n    agents: a\n",
    "a key without a colon": "workspaces:\n  lab:\n    ? agents\n",
}


@pytest.mark.parametrize("text", BY_HAND.values(), ids=BY_HAND)
def test_what_cannot_be_edited_alone_is_left_to_the_user(text):
    with pytest.raises(ReconcilerError, match="cannot be edited") as told:
        add(text)
    assert "by hand" in told.value.fix


def test_an_agent_that_others_refer_to_is_left_to_the_user():
    with pytest.raises(ReconcilerError, match="cannot be edited"):
        take("workspaces:\n  lab:\n    agents:\n      codex: &c {type: codex}\n      b: *c\n")


def test_broken_yaml_is_told_with_its_place():
    with pytest.raises(InvalidManifest) as told:
        add("a: [")
    assert str(told.value.diagnostics[0].place).startswith("m.yaml:")


def test_the_place_of_an_agent_is_that_of_its_name():
    assert str(place_in(Source("m.yaml", LAB.encode()), (*CODEX[:3], "claude"))) == "m.yaml:10:13"
    assert place_in(Source("m.yaml", LAB.encode()), CODEX) is None


# --- law --------------------------------------------------------------------------------------

_COMMENTS = st.sampled_from(["", "  # why", " #\ttab"])
_VALUES = st.sampled_from(
    ["{}", "{type: claude}", "", "\n{i}    type: claude\n{i}    # args: []", "\n{i}    prompt: |\n{i}      a\n"]
)
_BETWEEN = st.sampled_from(["", "\n", "{i}# one\n", "\n{i}# one\n{i}  # deep\n"])


@st.composite
def _manifests(draw: st.DrawFn) -> str:
    """A manifest in block style with one to three agents, and all that may stand around them."""
    indent = " " * draw(st.sampled_from([3, 6]))
    lines = [
        f"version: 1\nworkspaces:\n{indent[3:]} lab:\n{indent[2:]} path: x\n{indent[2:]} agents:{draw(_COMMENTS)}\n"
    ]
    for name in draw(st.permutations(["a", "b", "c"]))[: draw(st.integers(1, 3))]:
        lines += [f"{indent}{name}: {draw(_VALUES)}{draw(_COMMENTS)}\n".replace("{i}", indent).replace(": \n", ":\n")]
        lines += [draw(_BETWEEN).replace("{i}", indent)]
    text = "".join([*lines, draw(st.sampled_from(["", f"{indent[2:]} env: {{}}\n", "project: p\n"]))])
    if draw(st.booleans()) and "|" not in text:  # the last line end of a text belongs to the text
        text = text.rstrip("\n")
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@given(_manifests(), st.sampled_from([{}, {"type": "codex"}, {"type": "codex", "prompt": "a: b"}]))
def test_adding_and_removing_an_agent_gives_the_same_bytes(text, value):
    after = add(text, value)
    assert take(after) == text
    head = next(at for at in range(len(after)) if text[:at] != after[:at]) - 1 if after != text else 0
    assert text[:head] == after[:head]
    assert after.endswith(text[head:])

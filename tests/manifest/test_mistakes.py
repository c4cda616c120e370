"""Each file in mistakes/ is a bad manifest; its first lines say what the user is told: `line:column summary / fix`."""

from hashlib import sha256
from itertools import takewhile
from pathlib import Path

import pytest

from reconciler.manifest import ManifestContext, Source, load
from reconciler.model.errors import InvalidManifest

CASES = sorted((Path(__file__).parent / "mistakes").glob("*.yaml"))
AROUND = ManifestContext(
    root="/project",
    home="/home/u",
    env={"HOME": "/home/u", "SPACED": "a b", "COLOUR": "\x1b[1m"},
    default_project="project",
)


def told(*sources):
    with pytest.raises(InvalidManifest) as caught:
        load(sources, AROUND, ["claude", "codex"])
    return caught.value.diagnostics


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_every_mistake_is_told_with_its_place_and_a_way_out(case):
    data = case.read_bytes()
    header = takewhile(lambda line: line.startswith(b"# "), data.splitlines())
    expected = [line[2:].decode() for line in header]
    found = told(Source("m.yaml", data))
    assert [f"{d.place.line}:{d.place.column} {d.summary} / {d.fix}" for d in found] == expected


def test_mistakes_of_all_files_come_at_once_sorted_by_file_and_line():
    found = told(
        Source("b.yaml", b"version: 1\nagnets: {}\n\nworkspaces: []\n"),
        Source("a.yaml", b"version: 1\n\nprojct: x\n"),
        Source("c.yaml", b"a: b: c\n"),
    )
    assert [str(d.place) for d in found] == ["a.yaml:3:1", "b.yaml:2:1", "b.yaml:4:1", "c.yaml:1:5"]


@pytest.mark.parametrize(
    ("first", "second", "summary"),
    [
        ("workspaces: {lab: {path: a}}", "workspaces: {lab: {path: a}}", "`workspaces.lab` is declared twice"),
        ("agent_types: {mine: {command: x}}", "agent_types: {mine: {command: x}}", "`agent_types.mine` is declared"),
        ("broker: {name: b}", "broker: {name: b}", "`broker.b` is declared twice"),
        ("project: a", "project: b", "`project` differs between two files"),
        ("tmux: {socket: a}", "tmux: {socket: b}", "`tmux` differs between two files"),
        ("defaults: {agent: {protect: true}}", "defaults: {agent: {}}", "`defaults` differs between two files"),
    ],
)
def test_what_two_files_disagree_about_is_told_with_both_places(first, second, summary):
    sources = [Source(f"{name}.yaml", f"version: 1\n{text}\n".encode()) for name, text in (("a", first), ("b", second))]
    [found] = told(*reversed(sources))
    assert found.summary.startswith(summary)
    assert found.place.file == "b.yaml"
    assert "a.yaml:2:" in found.detail


def test_a_session_that_two_files_would_share_is_told_with_both_places():
    [found] = told(
        Source("a.yaml", b"version: 1\nworkspaces: {a: {path: x, agents: {claude: {role: b-c}}}}"),
        Source("b.yaml", b"version: 1\nworkspaces: {a-b: {path: y, agents: {claude: {role: c}}}}"),
    )
    assert "`a-b-c-claude`" in found.summary
    assert (found.place.file, found.detail) == ("b.yaml", "first declared at a.yaml:2:36")


def test_the_offending_text_is_shown_as_it_was_written():
    [found] = told(Source("m.yaml", b"version: 1\nworkspaces: {lab: {path: x, env: {RATIO: 1.10}}}"))
    assert found.detail == "found: 1.10"


def test_both_lines_of_a_duplicate_key_are_named():
    [found] = told(Source("m.yaml", b"version: 1\nproject: a\n\nproject: b\n"))
    assert found.detail == "lines 2 and 4"


def test_a_file_above_four_mebibytes_is_refused_before_it_is_parsed():
    [found] = told(Source("big.yaml", b"[" * (4 * 1024 * 1024 + 1)))
    assert "too big" in found.summary


def test_the_value_of_a_variable_is_never_shown():
    around = ManifestContext("/p", "/h", {"SECRET": "s3cret value"}, "p")
    with pytest.raises(InvalidManifest) as caught:
        load([Source("m.yaml", b"version: 1\ntmux: {socket: '${SECRET}'}")], around, [])
    assert "s3cret" not in repr(caught.value.diagnostics)


WHOLE = "version: 1\nworkspaces:\n  lab:\n    path: lab\n    agents:\n      claude:\n        env:\n          A: b\n"


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "---\n...\n", "~\n", "\ufeff", "\n\n"])
@pytest.mark.parametrize("beside", [[], [Source("a.yaml", WHOLE.encode())]], ids=["alone", "merged"])
def test_an_empty_file_is_not_taken_for_one_that_declares_nothing(text, beside):
    [found] = told(*beside, Source("m.yaml", text.encode()))
    assert (found.summary, str(found.place)) == ("the manifest is empty", "m.yaml:1:1")
    assert "version: 1" in found.fix


def test_an_empty_file_that_was_remembered_is_looked_at_again():
    empty = Source("m.yaml", b"")
    known = {sha256(b"").hexdigest(): {"content": {"version": 1}, "places": {}}}
    with pytest.raises(InvalidManifest):
        load([empty], AROUND, ["claude"], known)


@pytest.mark.parametrize("end", [at + 1 for at, char in enumerate(WHOLE) if char == "\n"][:-1])
@pytest.mark.parametrize("newline", ["", "\n"])
def test_a_file_that_is_cut_off_at_a_line_is_told_where_something_must_follow(end, newline):
    text = WHOLE[: end - 1] + newline
    whole_so_far = {"version: 1\n", WHOLE[: WHOLE.index("    agents")], WHOLE[: WHOLE.index("        env")]}
    if text in whole_so_far or (text + "\n" in whole_so_far and "path: lab" in text and "agents" not in text):
        assert load([Source("m.yaml", text.encode())], AROUND, ["claude"]).desired
    else:
        assert told(Source("m.yaml", text.encode()))


@pytest.mark.parametrize("name", ["workspaces", "agent_types", "defaults", "tmux", "broker", "accept"])
def test_a_section_without_anything_is_told_with_how_to_mean_it(name):
    [found] = told(Source("m.yaml", f"version: 1\n{name}:\n".encode()))
    assert found.summary == f"`{name}` is empty"
    assert f"write `{name}: {'[]' if name == 'accept' else '{}'}`" in found.fix


@pytest.mark.parametrize("text", ["version: 1", WHOLE[: WHOLE.index("\n        env")]])
def test_a_last_line_that_is_not_ended_and_needs_more_is_a_cut(text):
    [found] = told(Source("m.yaml", text.encode()))
    assert found.summary == "the manifest seems to be cut off"


def test_a_last_line_that_is_not_ended_may_be_whole():
    text = (
        "version: 1\nworkspaces:\n  lab:\n    path: x\n    agents:\n      claude:\n        prompt: |\n          do it:"
    )
    assert load([Source("m.yaml", text.encode())], AROUND, ["claude"]).desired.agents

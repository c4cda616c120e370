from __future__ import annotations

from answered import ONE, TWO, file, row
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.usage.counting import answers

OWNERS = {"a": ONE, "b": TWO}


def test_an_answer_that_a_resumed_conversation_copied_counts_once() -> None:
    files = {"/1": file(row("m1", 5), conversation="a"), "/2": file(row("m1", 9), row("m2"), conversation="b")}
    found = {(each.row.output, each.owner) for each in answers(files, OWNERS)}
    assert found == {(9, TWO), (10, TWO)}


def test_of_equal_rows_that_of_an_owner_counts_wherever_it_stands() -> None:
    mine, nobodys = file(row(), conversation="a"), file(row(), conversation="x")
    for files in ({"/1": nobodys, "/2": mine}, {"/1": mine, "/2": nobodys}):
        (found,) = answers(files, OWNERS)
        assert found.owner == ONE


def test_the_place_of_a_file_tells_more_than_its_lines() -> None:
    lines = row(conversation="b")
    assert [each.owner for each in answers({"/1": file(lines, conversation="a")}, OWNERS)] == [ONE]
    assert [each.owner for each in answers({"/1": file(lines)}, OWNERS)] == [TWO]


def test_a_last_line_without_an_end_counts_like_the_others() -> None:
    growing = replace(file(row("m1", 5), conversation="a"), loose=(row("m1", 6), row("m2", 7)))
    assert sorted(each.row.output for each in answers({"/1": growing}, OWNERS)) == [6, 7]


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 9), st.integers(0, 3)), max_size=30))
def test_the_greatest_row_of_each_answer_counts_over_all_files(rows: list[tuple[int, int, int]]) -> None:
    files = {f"/{at}": file(*(row(f"m{name}", size) for name, size, where in rows if where == at)) for at in range(4)}
    greatest = {name: max(size for other, size, _ in rows if other == name) for name, _, _ in rows}
    assert sorted(each.row.output for each in answers(files, {})) == sorted(greatest.values())

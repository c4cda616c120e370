"""Our own comparison of two specs, held against a library's."""

from __future__ import annotations

from deepdiff import DeepDiff
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.agent.spec import as_json, differences
from reconciler.model.record import StartedWith

WORDS = st.sampled_from(["a", "b", "--model", "x y"])
SPECS = st.builds(
    StartedWith,
    type=st.sampled_from(["claude", "mine"]),
    command=st.tuples(WORDS),
    args=st.lists(WORDS, max_size=3).map(tuple),
    env=st.dictionaries(st.sampled_from(["A", "B", "TOKEN"]), WORDS, max_size=3),
    cwd=st.sampled_from(["/w", "/v"]),
)


def _fields(before: StartedWith, after: StartedWith) -> set[str]:
    """The fields in which the library sees a difference, environment variables one by one."""
    trees = DeepDiff(as_json(before), as_json(after), view="tree", threshold_to_diff_deeper=0).values()
    paths = [item.path(output_format="list") for tree in trees for item in tree]
    return {".".join(path[:2]) if path[0] == "env" else path[0] for path in paths}


@given(SPECS, SPECS)
def test_every_difference_is_found_and_nothing_else(before: StartedWith, after: StartedWith) -> None:
    assert {change.path for change in differences(before, after)} == _fields(before, after)

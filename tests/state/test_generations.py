"""What is kept of each apply can be read back whole, and only what is too old goes."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from on_disk import DyingFiles, PowerCut

from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.model.generation import AgentThen, Author, Generation, GenerationResult, ManifestFile
from reconciler.ports.files import RealFiles
from reconciler.state.generations import (
    RetentionPolicy,
    Store,
    agents_left,
    content,
    keep,
    newest_first,
    next_number,
    numbers,
    prune,
    read,
    write,
)

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
CLAUDE = AgentThen("lab-creator-claude", "running", "b3a7")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / ".hermes" / "history"), RealFiles())


def made(store: Store, number: int, age: int = 0, text: bytes = b"version: 1\n") -> Generation:
    """A generation that is `age` days old."""
    moment = (NOW - timedelta(days=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
    generation = Generation(
        number=number,
        at=moment,
        operation="apply",
        author=Author("u@box", "/home/u/lab", "/dev/pts/3"),
        tool_version="0.1.0",
        manifests=(ManifestFile("reconciler.yaml", keep(store, text), 0o640),),
        plan={"digest": "d"},
        before={"agent.lab.claude": AgentThen("lab-creator-claude", "stopped", "b3a7", by_hand=True)},
        result=GenerationResult(
            moment, 0, {"added": 1}, ("agent.lab.x",), ({"type": "action_start"},), {"agent.lab.claude": CLAUDE}
        ),
    )
    write(store, generation)
    return generation


def test_a_generation_comes_back_as_it_was(store: Store) -> None:
    generation = made(store, 1)

    assert read(store, 1) == generation
    assert content(store, generation.manifests[0].digest) == b"version: 1\n"


def test_without_a_folder_nothing_was_applied(store: Store) -> None:
    assert (numbers(store), next_number(store), list(newest_first(store))) == ([], 1, [])


def test_numbers_go_on_after_the_newest(store: Store) -> None:
    for number in (3, 12, 10_000):
        made(store, number)

    assert (numbers(store), next_number(store)) == ([3, 12, 10_000], 10_001)


def test_the_same_content_is_kept_once_and_for_its_owner_alone(store: Store) -> None:
    made(store, 1)
    made(store, 2)

    [kept] = Path(store.folder, "objects").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(os.stat(store.path(1)).st_mode) == 0o600
    folders = (store.folder, kept.parent, Path(store.folder).parent)
    assert [stat.S_IMODE(os.stat(folder).st_mode) for folder in folders] == [0o700] * 3


def test_what_was_changed_behind_our_back_is_not_given_back(store: Store) -> None:
    digest = made(store, 1).manifests[0].digest
    Path(store.object_path(digest)).write_bytes(b"version: 2\n")

    with pytest.raises(ReconcilerError, match="was changed"):
        content(store, digest)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"number": 2}', b"\xff"])
def test_a_damaged_generation_hides_no_other_one(store: Store, damage: bytes) -> None:
    for number in (1, 2, 3):
        made(store, number)
    Path(store.path(2)).write_bytes(damage)

    assert [each.number for each in newest_first(store)] == [3, 1]
    with pytest.raises(ReconcilerError, match="is not a readable generation"):
        read(store, 2)


def test_one_that_does_not_exist_is_a_wrong_question(store: Store) -> None:
    with pytest.raises(UsageError, match="there is no generation 4"):
        read(store, 4)


def test_what_a_later_version_adds_is_passed_over(store: Store) -> None:
    generation = made(store, 1)
    path = Path(store.path(1))
    path.write_text(json.dumps({**json.loads(path.read_text()), "weather": "fine"}))

    assert read(store, 1) == generation


def test_a_generation_left_its_agents_as_the_next_one_found_them(store: Store) -> None:
    first, second = made(store, 1), made(store, 4)

    assert agents_left(store, first) == second.before
    assert agents_left(store, second) is None


def test_behind_a_damaged_one_the_agents_are_as_the_generation_made_them(store: Store) -> None:
    first = made(store, 1)
    Path(store.path(2)).write_bytes(b"{")

    assert agents_left(store, first) == first.result.agents


# --- what goes --------------------------------------------------------------------------------


def test_too_many_and_too_old_ones_go_with_their_content(store: Store) -> None:
    for number in range(1, 7):
        made(store, number, age=100 - 10 * number, text=b"# %d\n" % number)

    prune(store, RetentionPolicy(count=5, age=timedelta(days=65), least=2), NOW)

    assert numbers(store) == [4, 5, 6]
    assert len(os.listdir(os.path.join(store.folder, "objects"))) == 3


def test_the_newest_stay_however_old_they_are(store: Store) -> None:
    for number in range(1, 5):
        made(store, number, age=1000)

    prune(store, RetentionPolicy(count=1, age=timedelta(days=1), least=3), NOW)

    assert numbers(store) == [2, 3, 4]


def test_content_that_another_one_names_stays(store: Store) -> None:
    made(store, 1)
    made(store, 2)

    prune(store, RetentionPolicy(count=1, least=1), NOW)

    assert content(store, read(store, 2).manifests[0].digest) == b"version: 1\n"


def test_what_a_damaged_one_may_need_stays(store: Store) -> None:
    for number in (1, 2, 3):
        made(store, number, text=b"# %d\n" % number)
    Path(store.path(2)).write_bytes(b"{")

    prune(store, RetentionPolicy(count=2, least=1), NOW)

    assert numbers(store) == [2, 3]
    assert len(os.listdir(os.path.join(store.folder, "objects"))) == 3


# --- cut short --------------------------------------------------------------------------------


@contextmanager
def cut_short(left: int, store: Store) -> Iterator[Store]:
    with suppress(PowerCut):
        yield Store(store.folder, DyingFiles(left))


@pytest.mark.parametrize("left", range(5))
def test_whatever_is_cut_short_leaves_whole_generations(store: Store, left: int) -> None:
    before = made(store, 1)
    with cut_short(left, store) as cut:
        made(cut, 2, text=b"# second\n")
        made(cut, 3, text=b"# third\n")

    found = list(newest_first(store))
    assert found[-1] == before
    assert len(found) == len(numbers(store)) == 1 + left // 2
    for generation in found:
        assert content(store, generation.manifests[0].digest)
    assert made(store, next_number(store)) == next(newest_first(store))

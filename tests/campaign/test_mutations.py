"""Every parser answers every damaged text: with a value or in its own words, soon, and without much memory."""

from __future__ import annotations

import resource
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from campaign import share
from campaign.mutations import MUTATIONS, mutated
from campaign.parsers import PARSERS, Parser, whole

SECONDS = 20  # a hang; on a busy machine, far more than any answer takes
BYTES = 1 << 30  # above what the test itself has


class Hang(BaseException):
    """No parser may catch it."""


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """A parser that asks for far too much memory gets none."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.mark.parametrize("name", PARSERS)
def test_no_damage_to_a_text_is_answered_with_anything_but_a_value_or_an_error_of_ours(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
):
    whole(name, tmp_path)
    wrong: dict[str, str] = {}
    for number in range(share.MUTATIONS):
        how, data = mutated(PARSERS[name].seeds[number % len(PARSERS[name].seeds)], number)
        if fault := fault_of(PARSERS[name], data, tmp_path):
            wrong.setdefault(fault, f"{name}, mutation {number} ({how}), {data[:80]!r}: {fault}")
    record_property("campaign", [f"mutations: {name}", share.MUTATIONS, len(wrong)])
    assert not wrong, "\n".join(wrong.values())


def fault_of(parser: Parser, data: bytes, folder: Path) -> str:
    """What is wrong with the answer; empty when nothing is."""
    try:
        with _alarm(), warnings.catch_warnings(action="ignore"):  # of libraries, about what is in the text
            parser.parse(data, folder)
    except parser.says:
        return ""
    except (Exception, Hang) as error:  # noqa: BLE001 - whatever it is
        frames = traceback.extract_tb(error.__traceback__)
        ours = next((f for f in reversed(frames) if "/reconciler/" in f.filename), frames[-1])
        place = ours.filename.rpartition("/reconciler/")[2]
        return f"{type(error).__name__} from {place}:{ours.lineno} {ours.name}"
    return ""


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(_signal: int, _frame: object) -> None:
        raise Hang

    old = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def test_the_same_number_is_always_the_same_damage():
    seed = PARSERS["registry"].seeds[0]
    assert [mutated(seed, number) for number in range(50)] == [mutated(seed, number) for number in range(50)]


def test_every_kind_of_damage_happens_and_most_of_it_changes_something():
    seed = PARSERS["saved plan"].seeds[0]
    done = [mutated(seed, number) for number in range(share.MUTATIONS)]
    assert {name for how, _ in done for name in how.split("+")} == set(MUTATIONS)
    assert sum(data != seed for _, data in done) > 0.9 * len(done)


def _fails(_data: bytes, _folder: Path) -> object:
    raise KeyError("planted")


def _hangs(_data: bytes, _folder: Path) -> object:
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    while True:
        pass


def _devours(_data: bytes, _folder: Path) -> object:
    return b"x" * (BYTES + (1 << 28))


@pytest.mark.parametrize(("parse", "told"), [(_fails, "KeyError"), (_hangs, "Hang"), (_devours, "MemoryError")])
def test_a_parser_that_fails_hangs_or_devours_is_caught(
    parse: Callable[[bytes, Path], object], told: str, tmp_path: Path
):
    assert fault_of(Parser((b"",), parse), b"", tmp_path).startswith(told)

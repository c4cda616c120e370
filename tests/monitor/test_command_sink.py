"""A program that is told."""

from __future__ import annotations

import json
import os
import sys

import pytest
from passes import gone, seen
from waiting import wait_until, within

from reconciler.model.observed import Absent
from reconciler.monitor.sink import SinkFailed
from reconciler.monitor.sinks.command import CommandSink
from reconciler.ports.processes import RealProcesses

ENV = dict(os.environ)


def shell(script, *words, seconds=30.0):
    return CommandSink(("/bin/sh", "-c", script, "sh", *words), ENV, seconds)


def test_the_news_come_as_json_on_standard_input(tmp_path):
    shell("cat >$1; echo noise", str(tmp_path / "heard")).tell(seen(gone()))
    heard = json.loads((tmp_path / "heard").read_text())
    assert [each["class"] for each in heard["news"]] == ["A"]


def test_a_pass_without_news_starts_nothing(tmp_path):
    shell("touch $1", str(tmp_path / "ran")).tell(seen())
    assert not (tmp_path / "ran").exists()


def test_words_reach_the_program_as_they_are(tmp_path):
    code = "import sys; open(sys.argv[1], 'w').write(sys.argv[2])"
    CommandSink((sys.executable, "-c", code, str(tmp_path / "heard"), "$(id); `id`"), ENV).tell(seen(gone()))
    assert (tmp_path / "heard").read_text() == "$(id); `id`"


def test_a_failure_says_the_code_and_the_complaint():
    with pytest.raises(SinkFailed, match="exit code 3") as error:
        shell("echo no such channel >&2; exit 3").tell(seen(gone()))
    assert error.value.detail == "no such channel"


def test_one_that_does_not_read_is_not_a_failure():
    shell("exec <&-; exit 0").tell(seen(*[gone(f"a{number}") for number in range(2000)]))


def test_one_that_hangs_is_killed_with_all_that_it_started(tmp_path):
    script = "sleep 600 & echo $! >$1.new; mv $1.new $1; wait"

    def tell(seconds: float) -> None:
        with pytest.raises(SinkFailed, match="did not end"):
            shell(script, str(tmp_path / "pid"), seconds=seconds).tell(seen(gone()))

    within(tell, (tmp_path / "pid").exists)
    pid = int((tmp_path / "pid").read_text())
    wait_until(lambda: isinstance(RealProcesses().started(pid), Absent))


def test_one_that_is_missing_is_a_failure(tmp_path):
    with pytest.raises(SinkFailed, match="cannot be run"):
        CommandSink((str(tmp_path / "missing"),), ENV).tell(seen(gone()))

"""What the doctor concludes from what a host printed; the rig has real hosts."""

from __future__ import annotations

import pytest

from reconciler import __version__
from reconciler.fleet.doctor import checkup_of
from reconciler.fleet.doctor_text import fleet_doctor_text

# Captured on 2026-11-30 from Debian 12.11, bash 5.2, tmux 3.3a, over OpenSSH 9.2; the doctor's document is shortened.
RECORDED = f"""reconciler-doctor=1
shell=/bin/bash
begun=1796054010120000000
ended=1796054010164000000
noise=
path=/home/agents/.local/bin:/usr/local/bin:/usr/bin:/bin
python=3.11.2
python=3.11.2
tmux=tmux 3.3a
git=git version 2.39.5
project=/home/agents/lab
reconciler=reconciler {__version__}
doctor={{"checks": [{{"check": "broker.way", "level": "ok", "summary": "no broker"}}]}}
"""


def found(output: str) -> dict[str, tuple[str, str]]:
    return {each.check: (each.level.value, each.summary) for each in checkup_of("h", output, 0.3).checks}


def test_a_host_that_lacks_nothing_is_ok():
    checkup = checkup_of("h", RECORDED, 0.3)
    assert checkup.outcome.value == "ok"
    assert {each.level.value for each in checkup.checks} == {"ok"}
    assert found(RECORDED)["login"] == ("ok", "0.04 s")
    assert checkup.path == "/home/agents/.local/bin:/usr/local/bin:/usr/bin:/bin"


@pytest.mark.parametrize(
    ("was", "now", "check", "level", "said"),
    [
        ("python=3.11.2\npython=3.11.2", "python=3.9.2", "python", "error", "Python 3.9.2 is too old"),
        ("python=3.11.2\npython=3.11.2", "python=3.9.2\npython=3.12.1", "python", "ok", "3.12.1"),
        ("python=3.11.2\npython=3.11.2\n", "", "python", "error", "there is no Python"),
        ("tmux 3.3a", "tmux 3.0a", "tmux", "error", "tmux 3.0a is too old"),
        ("tmux 3.3a", "tmux master", "tmux", "ok", "master"),
        ("tmux=tmux 3.3a\n", "", "tmux", "error", "there is no tmux"),
        ("git=git version 2.39.5\n", "", "git", "warning", "there is no git"),
        (f"reconciler={'reconciler'} {__version__}\n", "", "reconciler", "error", "there is no reconciler"),
        (f"reconciler {__version__}", "reconciler 0.0.1", "reconciler", "warning", "it has 0.0.1"),
        (f"reconciler {__version__}", "ImportError: x", "reconciler", "error", "it does not start: ImportError"),
        ("noise=", "noise=Welcome", "login", "error", "prints text: Welcome"),
        ("ended=1796054010164", "ended=1796054013164", "login", "warning", "takes 3.0 s"),
        ("ended=1796054010164000000", "ended=", "login", "unknown", "not known"),
        ("project=/home/agents/lab\n", "", "project", "warning", "there is no project folder"),
        (
            '"level": "ok", "summary": "no broker"',
            '"level": "error", "summary": "refused"',
            "broker",
            "error",
            "refused",
        ),
        ('doctor={"checks"', 'doctor={"chec', "broker", "unknown", "not asked"),
    ],
)
def test_each_thing_that_is_missing_or_wrong_has_its_level(was: str, now: str, check: str, level: str, said: str):
    assert was in RECORDED
    told = found(RECORDED.replace(was, now))[check]
    assert told[0] == level
    assert said in told[1]


def test_text_before_the_answer_is_named():
    assert found("Last login: today\n" + RECORDED)["login"][1] == "/bin/bash -l prints text: Last login: today"


@pytest.mark.parametrize("output", ["", "command not found", "reconciler-doctor=2\n"])
def test_a_host_that_gives_no_answer_is_unknown(output: str):
    assert checkup_of("h", output, 0.1).outcome.value == "unknown"


def test_what_a_host_says_cannot_draw_on_the_terminal():
    evil = checkup_of("h", RECORDED.replace("tmux 3.3a", "tmux 1.0\x1b[2J"), 0.1)
    wrong = [line for line in fleet_doctor_text([evil]) if line.startswith("h: error")]
    assert wrong
    assert not any("\x1b" in line for line in wrong)

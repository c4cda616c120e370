"""Check many hosts over plain ssh: what each lacks to be one of a fleet, and what to type."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from reconciler import __version__
from reconciler.model.checkup import Level

from .hosts import FleetHost, HostOutcome
from .ssh import AT_ONCE, Ssh, on_each, quoted_folder

_BEGIN = "reconciler-doctor"
_SLOW = 2.0  # seconds of a login shell
_OLDEST_PYTHON, _OLDEST_TMUX = (3, 11), (3, 2)
_INSTALL = "reconciler fleet install --wheels FILE.tar"
# One `KEY=VALUE` line for each fact. What the login shell prints before its PATH is text that would come before every
# document. It is the shell that the module of the collection starts.
_SCRIPT = r"""tell() { printf '%s=%s\n' "$1" "$2"; }
now() {
    t=$(date +%s%N 2>/dev/null)
    case $t in *[!0-9]*|'') t=$(python3 -c 'import time; print(time.time_ns())' 2>/dev/null);; esac
    echo "$t"
}
version() { "$@" 2>&1 </dev/null | head -n 1; }
tell reconciler-doctor 1
shell=$( (getent passwd "$(id -u)" || grep "^$(id -un):" /etc/passwd) 2>/dev/null | head -n 1 | sed 's/.*://')
case ${shell##*/} in sh|bash|dash|ksh|zsh) [ -x "$shell" ] || shell=/bin/sh;; *) shell=/bin/sh;; esac
tell shell "$shell"
tell begun "$(now)"
printed=$("$shell" -l -c 'printf "\nreconciler-path=%s\n" "$PATH"' </dev/null 2>/dev/null)
tell ended "$(now)"
tell noise "$(printf '%s\n' "$printed" | sed '/^reconciler-path=/,$d' | tr '\n' ' ')"
path=$(printf '%s\n' "$printed" | sed -n 's/^reconciler-path=//p' | tail -n 1)
tell path "$path"
PATH=${path:-$PATH}
for each in python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$each" >/dev/null; then
        tell python "$(version "$each" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')"
    fi
done
if command -v tmux >/dev/null; then tell tmux "$(version tmux -V)"; fi
if command -v git >/dev/null; then tell git "$(version git --version)"; fi
if [ -d "$project" ]; then tell project "$project"; fi
case $program in */*) ;; *) [ ! -x "$HOME/.local/bin/$program" ] || program=$HOME/.local/bin/$program;; esac
if command -v "$program" >/dev/null; then
    tell reconciler "$(version "$program" --version)"
    if [ -d "$project" ]; then
        tell doctor "$("$program" -C "$project" doctor --json 2>/dev/null </dev/null | tr '\n' ' ')"
    fi
fi
"""


class HostCheck(Struct, frozen=True):
    """One check of one host; `fix` says what to do."""

    check: str
    level: Level
    summary: str
    fix: str = ""


class HostCheckup(Struct, frozen=True):
    """All checks of one host; `path` is what its agents get."""

    host: str
    outcome: HostOutcome
    checks: Sequence[HostCheck]
    path: str = ""

    def level(self, check: str) -> str:
        """What a check found in a word."""
        found = next((each for each in self.checks if each.check == check), None)
        return found.summary if found and found.level is Level.OK else found.level.value if found else "-"


def examine(hosts: Sequence[FleetHost], ssh: Ssh, at_once: int = AT_ONCE) -> list[HostCheckup]:
    """The checks of each host, in their order. A host that does not answer is unreachable."""
    return on_each(hosts, partial(_examined, ssh=ssh), at_once)


def _examined(host: FleetHost, *, ssh: Ssh) -> HostCheckup:
    names = f"project={quoted_folder(host.project)}\nprogram={quoted_folder(host.executable or 'reconciler')}\n"
    answer = ssh.run(host, names + _SCRIPT)
    if answer.lost:
        fix = f"log in by hand: ssh {host.address}"
        lost = HostCheck("reachable", Level.ERROR, f"{answer.lost} ({answer.seconds:.0f} s)", fix)
        return HostCheckup(host.name, HostOutcome.UNREACHABLE, (lost,))
    return checkup_of(host.name, answer.output, answer.seconds)


def checkup_of(host: str, output: str, seconds: float) -> HostCheckup:
    """The checkup that the output of the script means."""
    before, found, after = output.partition(f"{_BEGIN}=1\n")
    if not found:
        said = HostCheck("reachable", Level.UNKNOWN, f"it has no shell that can be used: {output[:200]}")
        return HostCheckup(host, HostOutcome.UNKNOWN, (said,))
    facts, pythons = _facts(after)
    checks = (
        HostCheck("reachable", Level.OK, f"{seconds:.1f} s"),
        _login(facts, before),
        _python(pythons),
        _tmux(facts),
        _git(facts),
        _reconciler(facts),
        _path(facts),
        _project(facts),
        *_broker(facts),
    )
    failed = any(each.level is Level.ERROR for each in checks)
    return HostCheckup(host, HostOutcome.FAILED if failed else HostOutcome.OK, checks, facts.get("path", ""))


def _facts(text: str) -> tuple[Mapping[str, str], Sequence[str]]:
    lines = [line.partition("=") for line in text.splitlines()]
    return {key: value.strip() for key, _, value in lines}, [value for key, _, value in lines if key == "python"]


def _login(facts: Mapping[str, str], before: str) -> HostCheck:
    noise = (before.strip() or facts.get("noise", "")).strip()
    shell = f"{facts.get('shell', 'sh')} -l"
    if noise:
        fix = "let its start files print only on a terminal: case $- in *i*) ... esac"
        return HostCheck("login", Level.ERROR, f"{shell} prints text: {noise[:200]}", fix)
    begun, ended = facts.get("begun", ""), facts.get("ended", "")
    if not (begun.isdecimal() and ended.isdecimal()):
        return HostCheck("login", Level.UNKNOWN, f"how long {shell} takes is not known")
    took = (int(ended) - int(begun)) / 1e9
    if took > _SLOW:
        return HostCheck(
            "login", Level.WARNING, f"{shell} takes {took:.1f} s", "every command waits for its start files"
        )
    return HostCheck("login", Level.OK, f"{took:.2f} s")


def _version(text: str) -> tuple[int, ...]:
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in found.groups() if part) if found else ()


def _python(pythons: Sequence[str]) -> HostCheck:
    newest = max(map(_version, pythons), default=())
    shown = ".".join(map(str, newest))
    if newest >= _OLDEST_PYTHON:
        return HostCheck("python", Level.OK, shown)
    what = f"Python {shown} is too old" if newest else "there is no Python"
    return HostCheck("python", Level.ERROR, what, "install python3 (3.11 or newer) and python3-venv")


def _tmux(facts: Mapping[str, str]) -> HostCheck:
    said = facts.get("tmux", "")
    if not said:
        return HostCheck("tmux", Level.ERROR, "there is no tmux", "install tmux (3.2 or newer)")
    shown = said.removeprefix("tmux ")
    if _version(said) and _version(said) < _OLDEST_TMUX:  # a build without a number is newer than any release
        return HostCheck("tmux", Level.ERROR, f"tmux {shown} is too old", "install tmux (3.2 or newer)")
    return HostCheck("tmux", Level.OK, shown)


def _git(facts: Mapping[str, str]) -> HostCheck:
    said = facts.get("git", "")
    if not said:
        return HostCheck("git", Level.WARNING, "there is no git", "install git, for workspaces with `git`")
    return HostCheck("git", Level.OK, said.removeprefix("git version "))


def _reconciler(facts: Mapping[str, str]) -> HostCheck:
    said = facts.get("reconciler", "")
    shown = said.removeprefix("reconciler ")
    if not said:
        return HostCheck("reconciler", Level.ERROR, "there is no reconciler", _INSTALL)
    if not said.startswith("reconciler "):
        return HostCheck("reconciler", Level.ERROR, f"it does not start: {said[:200]}", _INSTALL)
    if shown != __version__:
        return HostCheck("reconciler", Level.WARNING, f"it has {shown}, this machine {__version__}", _INSTALL)
    return HostCheck("reconciler", Level.OK, shown)


def _path(facts: Mapping[str, str]) -> HostCheck:
    if not facts.get("path"):
        return HostCheck("path", Level.UNKNOWN, "the login shell gives no PATH")
    return HostCheck("path", Level.OK, facts["path"])


def _project(facts: Mapping[str, str]) -> HostCheck:
    if not facts.get("project"):
        return HostCheck("project", Level.WARNING, "there is no project folder", "reconciler fleet push")
    return HostCheck("project", Level.OK, facts["project"])


def _broker(facts: Mapping[str, str]) -> Iterator[HostCheck]:
    """What the host's own `doctor` says about the broker: all that is not fine, else its first line."""
    try:
        told = msgspec.json.decode(facts.get("doctor", ""), type=dict[str, Any]).get("checks")
    except (msgspec.MsgspecError, RecursionError):
        told = None
    rows = [each for each in told if isinstance(each, dict)] if isinstance(told, list) else []
    found = [_of_broker(row) for row in rows if str(row.get("check", "")).startswith("broker.")]
    bad = [each for each in found if each.level in {Level.ERROR, Level.UNKNOWN, Level.WARNING}]
    yield from bad or found[:1] or [HostCheck("broker", Level.UNKNOWN, "its own doctor was not asked")]


def _of_broker(row: Mapping[str, Any]) -> HostCheck:
    level = next((each for each in Level if each.value == row.get("level")), Level.UNKNOWN)
    return HostCheck("broker", level, str(row.get("summary", "")), str(row.get("fix", "")))

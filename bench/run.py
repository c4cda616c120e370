"""Measure every budget and print it; `run.py --write start agents-10` writes two sections into docs/benchmarks.md.

The machine's own limits (a bare interpreter, tmux alone) are measured in turn with our times, since machines differ
and their speed changes. Nothing here judges.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from board import rows as rows_of_board
from jobs import rows as rows_of_jobs
from lab import Lab, lab
from measure import Row, Run, machine, paired, repeated, run, table, together
from monitor import idle_share, pass_cpu, reaction, talkative_pass_cpu
from mqtt import receive_rates
from playbook import rows as rows_of_playbook
from projects import rows as rows_of_projects
from rooms import comparison_cpu, registry_times
from usage import usage_times

_REPEATS = 7
_FEW, _HALF, _MANY = 10, 500, 1000
_DOCUMENT = os.path.join(os.path.dirname(__file__), "..", "docs", "benchmarks.md")


def _seconds(result: Run) -> str:
    return f"{result.wall:.3f} s"


def _times(ratio: float) -> str:
    return f"{ratio:.1f} x"


def _start() -> Iterator[Row]:
    """Commands that look at no agent, each in turn with a bare interpreter."""
    with lab() as small:
        small.declare(10)
        small.reconciler("apply", "--auto-approve")
        yield Row("bare Python interpreter: the limit", _seconds(repeated(_REPEATS, small.python)))
        for what, words, more in (
            ("`reconciler --version`", ["--version"], {}),
            ("`reconciler --help`", ["--help"], {}),
            ("`reconciler plan --help`", ["plan", "--help"], {}),
            ("Tab after `sta`", [], _tab("reconciler sta", 1)),
            ("Tab after `status ws0`", [], _tab("reconciler status ws0", 2)),
        ):
            pair = paired(_REPEATS, lambda words=words, more=more: small.reconciler(*words, **more), small.python)
            yield Row(what, _seconds(pair.ours), _times(pair.ratio), "5 x")


def _tab(line: str, word: int) -> dict[str, str]:
    return {"_RECONCILER_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(word)}


def _project(agents: int) -> Iterator[Row]:
    with lab() as place:
        place.declare(agents)
        created = place.reconciler("apply", "--auto-approve")
        yield from _applied(agents, created)
        yield from _without_changes(place, agents)
        look = f"one look and comparison in a running process, {agents} agents, CPU"
        yield Row(look, f"{comparison_cpu(place.root):.3f} s")
        pass_budget = "0.10 s" if agents == _MANY else ""
        pass_time = f"{pass_cpu(place):.3f} s"
        yield Row(f"one pass of the monitor without change, {agents} agents, CPU", pass_time, budget=pass_budget)


def _applied(agents: int, created: Run) -> Iterator[Row]:
    if agents < _HALF:
        yield Row(f"`apply` of {agents} new sessions", _seconds(created))
        return
    with lab() as place:
        bare = place.bare_sessions(agents)
    yield Row(f"{agents} sessions, created and tagged through one control client: the limit", _seconds(bare))
    budget = "1.8 x" if agents == _HALF else ""
    yield Row(f"`apply` of {agents} new sessions", _seconds(created), _times(created.wall / bare.wall), budget)


def _without_changes(place: Lab, agents: int) -> Iterator[Row]:
    """Beside the interpreter for few agents; else beside the interpreter and the bare answer of tmux."""
    few = agents == _FEW
    limit = place.python if few else lambda: together(place.python(), place.panes())
    budget = {_FEW: "9 x", _MANY: "5 x"}.get(agents, "")
    yield Row(f"bare `tmux list-panes -a`, {agents} sessions", _seconds(repeated(_REPEATS, place.panes)))
    name = "bare Python interpreter" if few else f"bare interpreter and `list-panes -a`, {agents} sessions"
    yield Row(f"{name}: the limit", _seconds(repeated(_REPEATS, limit)))
    for command in ("plan", "status", "drift"):
        pair = paired(_REPEATS, lambda command=command: place.reconciler(command), limit)
        yield Row(f"`{command}` without changes, {agents} agents", _seconds(pair.ours), _times(pair.ratio), budget)
        yield Row("its CPU time", f"{pair.ours.cpu:.3f} s")
        yield Row("its peak memory", f"{place.peak(command):.0f} MiB", budget="100 MiB" if agents == _MANY else "")


def _monitor() -> Iterator[Row]:
    for cli, budget in (("claude", "0.10 s"), ("codex", "0.10 s")):
        what = f"one pass of the monitor without change, {_MANY} agents of type {cli}, CPU"
        yield Row(what, f"{talkative_pass_cpu(cli, _MANY):.3f} s", budget=budget)
    with lab() as place:
        place.declare(100)
        place.reconciler("apply", "--auto-approve")
        yield Row("from `kill-session` to the registry, 100 agents", f"{reaction(place):.3f} s", budget="1 s")
        place.reconciler("apply", "--auto-approve")
        yield Row("an idle monitor, 100 agents", f"{idle_share(place):.2f} % of one core", budget="0.5 %")


def _tmuxp() -> Iterator[Row]:
    """Twenty sessions, one file each, as tmuxp wants them."""
    with lab() as place:
        paths = [os.path.join(place.root, f"p{number}.yaml") for number in range(20)]
        for number, path in enumerate(paths):
            with open(path, "w", encoding="utf-8") as file:
                file.write(
                    f"session_name: p{number}\nwindows:\n  - panes:\n      - shell_command: [exec sleep 1000000]\n"
                )
        tmuxp = os.path.join(os.path.dirname(sys.executable), "tmuxp")
        command = [tmuxp, "load", "-d", "-S", place.socket, *paths]
        yield Row("`tmuxp load` of 20 sessions", _seconds(run(command, place.env(), place.root)))
    with lab() as place:
        place.declare(20)
        yield Row("`reconciler apply` of 20 sessions", _seconds(place.reconciler("apply", "--auto-approve")))


SECTIONS: dict[str, Callable[[], Iterable[Row]]] = {
    "start": _start,
    **{f"agents-{agents}": partial(_project, agents) for agents in (_FEW, 100, _HALF, _MANY)},
    "registry": lambda: (Row(what, measured) for what, measured in registry_times(_MANY)),
    "monitor": _monitor,
    "tmuxp": _tmuxp,
    "ansible": rows_of_playbook,
    "messages": lambda: (Row(what, measured) for what, measured in receive_rates()),
    "jobs": rows_of_jobs,
    "projects": rows_of_projects,
    "board": rows_of_board,
    "usage": lambda: (Row(what, measured) for what, measured in usage_times()),
}


def _measured(section: str) -> Iterator[Row]:
    for row in SECTIONS[section]():
        beside = "".join(f"  {text}" for text in (row.ratio, row.budget and f"(budget {row.budget})") if text)
        print(f"{row.what}: {row.measured}{beside}", flush=True)
        yield row


def _write(section: str, rows: list[Row]) -> None:
    """Replace the table of one section; the others keep what was measured before."""
    with open(_DOCUMENT, encoding="utf-8") as file:
        head, mark, rest = file.read().partition(f"<!-- {section} -->\n")
    _old, end, tail = rest.partition("<!-- end -->\n")
    if not (mark and end):
        raise SystemExit(f"{_DOCUMENT} has no table of {section}")
    with open(_DOCUMENT, "w", encoding="utf-8") as file:
        file.write(f"{head}{mark}Measured on {machine()}.\n\n{table(rows)}\n{end}{tail}")


def main() -> None:
    """Measure and print the sections that are named, or all; with --write, also into the document."""
    for section in [word for word in sys.argv[1:] if word != "--write"] or SECTIONS:
        measured = list(_measured(section))
        if "--write" in sys.argv:
            _write(section, measured)


if __name__ == "__main__":
    main()

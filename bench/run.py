"""Measure every budget of the design and print the table; with --write, into docs/benchmarks.md.

The machine's own limits (a bare interpreter, tmux alone) stand beside our times in the same run, since
machines differ and drift. Nothing here judges.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from jobs import rows as rows_of_jobs
from lab import Lab, lab
from measure import Row, Run, machine, repeated, run, table
from monitor import idle_share, pass_cpu, reaction, talkative_pass_cpu
from mqtt import receive_rates
from rooms import comparison_cpu, registry_times
from usage import usage_times

_REPEATS = 7
_HALF, _MANY = 500, 1000
_DOCUMENT = os.path.join(os.path.dirname(__file__), "..", "docs", "benchmarks.md")


def _seconds(result: Run) -> str:
    return f"{result.wall:.3f} s"


def _limits(small: Lab) -> Iterator[Row]:
    python = repeated(_REPEATS, lambda: run([sys.executable, "-c", "pass"], small.env(), small.root))
    yield Row("bare Python interpreter", _seconds(python))


def _start_up(small: Lab) -> Iterator[Row]:
    for words, budget in ((("--version",), "0.10 s"), (("--help",), "0.10 s"), (("plan", "--help"), "0.10 s")):
        result = repeated(_REPEATS, lambda words=words: small.reconciler(*words))
        yield Row(f"`reconciler {' '.join(words)}`", _seconds(result), budget)


def _plans(agents: int, budget: str, budget_memory: str = "") -> Iterator[Row]:
    with lab() as place:
        place.declare(agents)
        first = place.reconciler("apply", "--auto-approve")
        yield Row(f"`apply` of {agents} new sessions", _seconds(first), "3 s" if agents == _HALF else "")
        plan = repeated(_REPEATS, lambda: place.reconciler("plan"))
        yield Row(f"`plan` without changes, {agents} agents", _seconds(plan), budget)
        yield Row(f"its CPU time, {agents} agents", f"{plan.cpu:.3f} s")
        yield Row(f"its peak memory, {agents} agents", f"{plan.peak:.0f} MiB", budget_memory)
        status = repeated(3, lambda: place.reconciler("status"))
        yield Row(f"`status`, {agents} agents", _seconds(status))
        yield Row(
            f"one look and comparison in a running process, {agents} agents, CPU",
            f"{comparison_cpu(place.root):.3f} s",
        )
        pass_budget = "0.10 s" if agents == _MANY else ""
        yield Row(
            f"one pass of the monitor without change, {agents} agents, CPU",
            f"{pass_cpu(place):.3f} s",
            pass_budget,
        )
        panes = repeated(_REPEATS, lambda: place.tmux("list-panes", "-a", "-F", "#{session_name} #{pane_pid}"))
        yield Row(f"bare `tmux list-panes -a`, {agents} sessions", _seconds(panes))


def _monitor() -> Iterator[Row]:
    for cli, budget in (("claude", "0.10 s"), ("codex", "0.10 s")):
        what = f"one pass of the monitor without change, {_MANY} agents of type {cli}, CPU"
        yield Row(what, f"{talkative_pass_cpu(cli, _MANY):.3f} s", budget)
    with lab() as place:
        place.declare(100)
        place.reconciler("apply", "--auto-approve")
        yield Row("from `kill-session` to the registry, 100 agents", f"{reaction(place):.3f} s", "1 s")
        place.reconciler("apply", "--auto-approve")
        yield Row("an idle monitor, 100 agents", f"{idle_share(place):.2f} % of one core", "0.5 %")


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


def rows() -> Iterator[Row]:
    """Everything, in the order of the table."""
    with lab() as small:
        yield from _limits(small)
        yield from _start_up(small)
    yield from _plans(10, "0.25 s")
    yield from _plans(100, "")
    yield from _plans(_HALF, "")
    yield from _plans(_MANY, "0.50 s", "100 MiB")
    yield from (Row(what, measured) for what, measured in registry_times(_MANY))
    yield from _monitor()
    yield from _tmuxp()
    yield from (Row(what, measured) for what, measured in receive_rates())
    yield from rows_of_jobs()
    yield from (Row(what, measured) for what, measured in usage_times())


def main() -> None:
    """Measure, print, and with --write replace the table in the document."""
    measured = []
    for row in rows():
        print(f"{row.what}: {row.measured}{f'  (budget {row.budget})' if row.budget else ''}", flush=True)
        measured.append(row)
    if "--write" in sys.argv:
        with open(_DOCUMENT, encoding="utf-8") as file:
            head, _mark, _old = file.read().partition("<!-- table -->")
        with open(_DOCUMENT, "w", encoding="utf-8") as file:
            file.write(f"{head}<!-- table -->\n\nMeasured on {machine()}.\n\n{table(measured)}\n")


if __name__ == "__main__":
    main()

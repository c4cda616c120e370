"""Others on the tmux server: our agents are judged rightly beside them, and none of them is touched."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

import pytest
from campaign import share
from campaign.lab import declare, lab
from campaign.neighbours import MEDDLERS, STRANGERS, come
from campaign.operations import APPLY, A, B
from project import Project, runs

LOOKS = (("status",), ("unmanaged",), ("drift",), ("plan", "--detailed-exitcode"), ("monitor", "--once"), APPLY)
RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
Told = Callable[[str, object], None]


def wrong_beside(steps: Sequence[Sequence[str]]) -> Iterator[str]:
    """Everything that is not as it must be while and after these came."""
    with lab() as project:
        declare(project, "a", "b")
        project.run(*APPLY)
        project.run("refresh")
        ours = {name: project_pid(project, name) for name in (A, B)}
        come(project, steps)
        theirs = others(project, ours)
        yield from wrong_while_looking(project, ours)
        yield from wrong_of(project, ours, theirs, "after all that looks")
        yield from wrong_of_endings(project, ours, theirs)


def wrong_while_looking(project: Project, ours: dict[str, int]) -> Iterator[str]:
    for words in LOOKS:
        done = project.attempt(*words)
        if done.returncode not in ({0, 2} if words == ("drift",) else {0}):  # who looks like ours is drift
            yield f"`{' '.join(words)}` exits with {done.returncode}: {(done.stdout + done.stderr)[-400:]}"
        if raw := RAW.search(done.stdout + done.stderr):
            yield f"`{' '.join(words)}` prints {raw[0]!r}"
    agents = project.json("status")["agents"]
    told = {each["session"]: (each["live"], each["pid"]) for each in agents if each["session"] in ours}
    wanted = {name: ("alive", pid) for name, pid in ours.items()}
    if told != wanted:
        yield f"status says {told}, and it is {wanted}"


def wrong_of_endings(project: Project, ours: dict[str, int], theirs: dict[int, str]) -> Iterator[str]:
    """`stop` ends one, `destroy` the other, and neither anybody else."""
    for words, living in ((("stop", A), {B}), (("destroy", "--auto-approve"), set())):
        done = project.attempt(*words)
        if done.returncode:
            yield f"`{' '.join(words)}` exits with {done.returncode}: {(done.stdout + done.stderr)[-400:]}"
        yield from (f"`{' '.join(words)}` left {name} running" for name in set(ours) - living if runs(ours[name]))
        yield from wrong_of(project, {name: ours[name] for name in living}, theirs, words[0])


def wrong_of(project: Project, ours: dict[str, int], theirs: dict[int, str], when: str) -> Iterator[str]:
    for name, pid in ours.items():
        if not runs(pid):
            yield f"{when}: {name} was ended"
    now = others(project, ours)
    for pid, was in theirs.items():
        if now.get(pid) != was:
            yield f"{when}: the pane of process {pid} was {was!r}, and is {now.get(pid)!r}"
    if (project.home / "pwned").exists():
        yield f"{when}: a name was run as a command"


def project_pid(project: Project, name: str) -> int:
    return int(project.tmux("list-panes", "-t", f"={name}:", "-F", "#{pane_pid}"))


def others(project: Project, ours: dict[str, int]) -> dict[int, str]:
    """The panes of others, by process: the id and name of the session, whether it is dead, whether it has our tag.

    Nothing of it is free text but the name, and tmux lets no line break into that.
    """
    names = dict(row.split(" ", 1) for row in _rows(project, "list-sessions", "#{session_id} #{session_name}"))
    lineage = project.recorded()["lineage"]
    fields = f"#{{pane_pid}} #{{session_id}} #{{pane_dead}} #{{==:#{{@reconciler_lineage}},{lineage}}}"
    found = {}
    for row in _rows(project, "list-panes", fields, "-a"):
        pid, session, dead, tagged = row.split()
        if int(pid) not in ours.values() and names[session] not in {A, B, "aa-grouped"}:
            found[int(pid)] = f"{names[session]} {dead} {tagged}"
    return found


def _rows(project: Project, command: str, fields: str, *words: str) -> list[str]:
    return project.tmux(command, *words, "-F", fields).split("\n")[:-1]


ALL_AT_ONCE = {"strangers": STRANGERS, "meddlers": MEDDLERS}
ONE_BY_ONE = {**STRANGERS, **MEDDLERS}


@pytest.mark.parametrize("kind", ALL_AT_ONCE)
def test_agents_among_all_kinds_of_neighbours_are_judged_rightly_and_neighbours_live(kind: str, record_property: Told):
    wrong = list(wrong_beside(tuple(chain.from_iterable(ALL_AT_ONCE[kind].values()))))
    record_property("campaign", ["neighbours at once", len(ALL_AT_ONCE[kind]), len(wrong)])
    assert not wrong, "\n".join(wrong)


@pytest.mark.skipif(not share.ALL, reason="make campaign")
@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_an_agent_beside_one_neighbour_is_judged_rightly(name: str, record_property: Told):
    wrong = list(wrong_beside(ONE_BY_ONE[name]))
    record_property("campaign", ["neighbours one by one", 1, len(wrong)])
    assert not wrong, "\n".join(wrong)

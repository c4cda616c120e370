"""Random lives of pairs of agents: two of one CLI in one folder.

In each round, every agent may be typed to, may lose its process or its session, and may be meant by one
of two commands; only some are heard out before. What is drawn depends only on the
seed and on which agents live.
"""

from __future__ import annotations

import json
import os
import signal
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from random import Random
from typing import Any, NamedTuple

import yaml
from heard import STORES, conversations
from mixups import (
    TURNS_AWAY,
    Complaint,
    address_of,
    line_of,
    lost,
    mixed,
    owners_of,
    shared,
    speaker_of,
    speakers_in,
    stolen,
    unowned,
    workspace_of,
)
from project import Pane, Project, environment, parent, runs
from waiting import wait_until

NAMES = ("a", "b")
STARTS = ("apply", "resume", "restart")
COMMANDS = (*STARTS, "stop", "refresh")
LAST_LINE = 1000
DONE, DONE_IN_PART, PUT_OFF = 0, 3, 7


@dataclass
class Lab:
    """One project of pairs.

    `clis` are by address. `deeds` is what was done in each workspace, `said` every line that was ever
    found stored, and `lives` the process that each line was typed to.
    """

    project: Project
    seed: int
    clis: Mapping[str, str]
    deeds: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    said: set[str] = field(default_factory=set)
    lives: dict[str, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def dice(self, *question: object) -> Random:
        """The same numbers for the same seed and question, whatever was drawn before."""
        return Random(f"{self.seed} {question}")  # noqa: S311 - not for secrets

    def living(self) -> dict[str, Pane]:
        """The panes of the agents that live, by address."""
        return {pane.address: pane for pane in self.project.live().values() if not pane.dead}

    def note(self, address: str, deed: str) -> None:
        """Remember what was done to an agent, for a failure to tell."""
        self.deeds[workspace_of(address)].append(f"{address.rpartition('.')[2]} {deed}")
        self.counts[deed.split(maxsplit=1)[0]] += 1


class Answer(NamedTuple):
    """What a command answered: its exit code, why agents were refused, and what failed."""

    code: int
    refused: dict[str, str]
    failed: list[dict[str, Any]]


def lab(project: Project, seed: int, pairs: int) -> Lab:
    """As many pairs, declared and not yet started, of every CLI in turn."""
    places = {f"w{number}": list(STORES)[number % len(STORES)] for number in range(pairs)}
    made = Lab(project, seed, {address_of(place, name): cli for place, cli in places.items() for name in NAMES})
    for place in places:
        (project.root / place).mkdir()  # `resume` makes no folders
    agents = {place: {name: _declared(made, address_of(place, name)) for name in NAMES} for place in places}
    project.write({place: {"path": place, "agents": agents[place]} for place in places})
    _keep_what_gemini_loses(project)
    return made


def _declared(lab: Lab, address: str) -> dict[str, Any]:
    """Some are slow to start, some to answer, some are deaf to the end of their session, some get a first prompt."""
    dice = lab.dice(address)
    env = {
        "SPEAKER": address,
        "STANDIN_DELAY": dice.choice(("0", "0.3", "0.9")),
        "STANDIN_BUSY": dice.choice(("0", "0.2")),
        "STANDIN_IGNORE": dice.choice(("", "", "HUP")),
    }
    return {"type": lab.clis[address], "env": env, **dice.choice(({}, {"prompt": line_of(address, 0)}))}


def _keep_what_gemini_loses(project: Project) -> None:
    """The setting that Gemini's users are told of, or a minute's end within the test would lose lines."""
    settings = project.home / ".gemini" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{"general": {"sessionRetention": {"enabled": false}}}')


# --- what happens -----------------------------------------------------------------------------


def play(lab: Lab, number: int, *, reboots: bool) -> None:
    """One round, and what must be true after it."""
    dice, before = lab.dice(number), lab.living()
    typed = [_met(lab, number, before[address]) for address in dice.sample(list(before), len(before))]
    if reboots:
        _reboot(lab)
    _end_orphans(lab, number)
    _command(lab, number, dice)
    pids = {pane.pid for pane in lab.living().values()}
    hear(lab, [line for line in typed if lab.lives.get(line) in pids])
    check(lab)


def end(lab: Lab) -> None:
    """Everybody runs as far as that may be, is typed to a last time, and is written down."""
    order(lab, "resume", list(lab.clis))
    hear(lab, [_type(lab, pane, LAST_LINE) for pane in lab.living().values()])
    order(lab, "refresh", [])
    check(lab)


def continued(lab: Lab) -> int:
    """How many conversations went on in another process than they began in."""
    lives = ({lab.lives[line] for line in each.lines if line in lab.lives} for each in conversations(lab.project.home))
    return sum(len(pids) > 1 for pids in lives)


def _met(lab: Lab, number: int, pane: Pane) -> str:
    """Type to the agent, and then perhaps end it, sometimes before it was heard; what was typed."""
    line = _speak(lab, number, pane)
    if line and lab.dice(number, pane.address, "patience").choice((True, False)):
        hear(lab, [line])
    _strike(lab, number, pane)
    return line


def _speak(lab: Lab, number: int, pane: Pane) -> str:
    """Type a line, sometimes into another conversation of the same process; empty when nothing is said."""
    dice = lab.dice(number, pane.address, "speech")
    turn_away = TURNS_AWAY.get(lab.clis[pane.address])
    if dice.random() < 0.3:
        return ""
    if turn_away and dice.random() < 0.3:
        lab.note(pane.address, turn_away)
        lab.project.type(pane.session, turn_away)
    return _type(lab, pane, number)


def _type(lab: Lab, pane: Pane, number: int) -> str:
    line = line_of(pane.address, number)
    lab.note(pane.address, f"line {number}")
    lab.lives[line] = pane.pid
    lab.project.type(pane.session, line)
    return line


def _strike(lab: Lab, number: int, pane: Pane) -> None:
    """End the agent's processes, or its session, or neither; nobody waits until they are gone."""
    fate = lab.dice(number, pane.address, "fate").choices(("lives", "crash", "kill"), (5, 2, 1))[0]
    if fate == "lives":
        return
    lab.note(pane.address, fate)
    if fate == "crash":
        _kill([pane.pid])  # of a launcher and its child, the child may stay
    else:
        lab.project.tmux("kill-session", "-t", f"={pane.session}")


def _reboot(lab: Lab) -> None:
    for address in lab.clis:
        lab.note(address, "reboot")
    lab.project.tmux("kill-server")
    wait_until(lambda: not _kill(lab.project.processes()))


def _end_orphans(lab: Lab, number: int) -> None:
    """The user finds some of the processes that live on without a session, and ends them."""
    living = lab.living()
    for address, family in families(lab).items():
        if address not in living and lab.dice(number, address, "orphan").choice((True, False)):
            lab.note(address, "orphan ended")
            _kill(family)


def _kill(pids: list[int]) -> list[int]:
    """End these very processes, for certain."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return pids


def hear(lab: Lab, lines: Iterable[str]) -> None:
    """Wait until these lines are stored."""
    missing = set(lines)

    def all_are_stored() -> bool:
        missing.difference_update(line for each in conversations(lab.project.home) for line in each.lines)
        return not missing

    with suppress(AssertionError):
        wait_until(all_are_stored)
    for line in missing:
        raise AssertionError(told(lab, f"not heard: {line}", speaker_of(line)))


# --- what the product is asked to do ----------------------------------------------------------


def _command(lab: Lab, number: int, dice: Random) -> None:
    """Two commands, one after the other; each means some of the agents."""
    start = dice.choice(STARTS)
    commands = dice.sample((start, dice.choice([each for each in COMMANDS if each != start])), 2)
    meant = defaultdict(list)
    for address in lab.clis:
        meant[lab.dice(number, address, "command").choice((*commands, "nothing"))].append(address)
    for command in commands:
        order(lab, command, meant[command])


def order(lab: Lab, command: str, agents: list[str]) -> None:
    """Have it done to these agents, but for those that the product refuses to touch: they are counted."""
    for address in agents:
        lab.note(address, command)
    answer = _asked(lab.project, command, agents)
    for address, why in answer.refused.items():
        lab.note(address, f"refused: {why}")
    for event in answer.failed:
        raise AssertionError(told(lab, f"{command} failed: {event['message']}", event["address"]))
    rest = [address for address in agents if address not in answer.refused]
    assert len(rest) + len(answer.refused) == len(agents), f"seed {lab.seed}: {command}: {answer}"
    if answer.refused and rest:
        order(lab, command, rest)
    if not answer.refused:
        assert answer.code in {DONE, DONE_IN_PART, PUT_OFF}, f"seed {lab.seed}: {command}: {answer}"
        lab.counts["deferred"] += answer.code != DONE


def _asked(project: Project, command: str, agents: list[str]) -> Answer:
    if not agents and command != "refresh":
        return Answer(DONE, {}, [])
    done = project.attempt(*_words(command, agents), "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events, done.stderr
    said = chain.from_iterable(event["plan"]["diagnostics"] for event in events if event["type"] == "plan")
    refused = {each["address"]: each["summary"] for each in said if each["severity"] in {"error", "refusal"}}
    return Answer(done.returncode, refused, [event for event in events if event["type"] == "action_failed"])


def _words(command: str, agents: list[str]) -> list[str]:
    match command:
        case "apply":
            return ["apply", "--auto-approve", *(f"--target={each}" for each in agents)]
        case "restart":
            return [
                "apply",
                "--auto-approve",
                *(f"--{flag}={each}" for each in agents for flag in ("target", "replace")),
            ]
        case "refresh":
            return ["refresh"]
        case _:
            return [command, *agents]


# --- what must be true ------------------------------------------------------------------------


def check(lab: Lab) -> None:
    """Fails when agents were mixed up, words lost, or an agent runs beside itself."""
    stored = conversations(lab.project.home)
    # one of 50 agents takes the reader in `Project.recorded` half a second
    owners = owners_of(yaml.load(lab.project.registry.read_text(), yaml.CSafeLoader))
    doubts = (mixed(stored), shared(owners), stolen(stored, owners), lost(lab.said, stored), unowned(stored, owners))
    for complaint, address in chain(*doubts, _doubled(lab)):
        raise AssertionError(told(lab, complaint, address))
    lab.said.update(line for each in stored for line in each.lines if speaker_of(line))
    lab.counts["unclaimed"] = sum(each.id not in owners for each in stored if speakers_in(each))


def told(lab: Lab, complaint: str, address: str) -> str:
    """The complaint, with the seed and everything that was done in the agent's workspace."""
    place = workspace_of(address)
    return f"{complaint}\n{lab.clis[address]} in {place}, seed {lab.seed}: {'; '.join(lab.deeds[place])}"


def families(lab: Lab) -> dict[str, list[int]]:
    """The processes of each agent that has any."""
    found = defaultdict(list)
    for pid in lab.project.processes():
        if (speaker := environment(pid).get("SPEAKER")) and runs(pid):
            found[speaker].append(pid)
    return found


def _doubled(lab: Lab) -> Iterator[Complaint]:
    """Agents that run more than once; a launcher and its child are one."""
    for address, family in families(lab).items():
        first = [pid for pid in family if parent(pid) not in family]
        if len(first) > 1:
            yield f"{address} runs {len(first)} times: {first}", address

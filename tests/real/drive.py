"""One drive for every CLI: what a user does with an agent, step by step, and what is seen of each step.

A step that fails says what was seen, and the drive goes on: so one run tells everything that no longer holds.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from subprocess import TimeoutExpired
from typing import Any

import pytest
from clis import Cli
from matrix import STEPS, Outcome, Verdict
from project import arguments, runs
from real_project import AGENT, START_SECONDS, TURN_SECONDS, RealProject
from stub import ANSWER, HOLD, TOUCH, TOUCHED
from waiting import wait_until

from reconciler.agents.catalogue import BUILT_IN

FIRST, SECOND, THIRD, FOURTH, FIFTH = (
    f"Remember the word {tree}." for tree in ("larch", "alder", "aspen", "hazel", "rowan")
)
WARM = "Say anything."
REFUSED = "This is typed into nothing."
SURVIVAL_SECONDS = 10
_SHOWN = 400  # characters of what was seen


@dataclass
class Drive:
    """One CLI as the one agent of a project.

    `place` is where it stores its conversation; `survived` means that its process outlived the tmux server.
    """

    project: RealProject
    cli: Cli
    place: str = ""
    survived: bool = False

    # --- what is seen ---

    def is_idle(self) -> bool:
        return self.project.agent()["state"] == "idle"

    def stored(self, prompt: str) -> str:
        """The one place that holds `prompt`; empty while there is none."""
        places = self.project.places(self.cli, prompt)
        assert len(places) < 2, f"stored twice: {places}"
        return "".join(places)

    def names(self, place: str) -> bool:
        """Whether status names the conversation that is stored in that place."""
        conversation = self.project.agent()["conversation"]
        return bool(conversation) and conversation in place + self.cli.stored(self.project.home)[place]

    def wait(self, predicate: Callable[[], object], what: str, seconds: float = TURN_SECONDS) -> None:
        """Wait until it is true; `what` is said when it never is, with what is told and shown instead."""
        try:
            wait_until(predicate, seconds)
        except AssertionError as error:
            agent = self.project.agent()
            told = {name: agent.get(name) for name in ("live", "state", "conversation", "note")}
            raise AssertionError(f"{what}: not in {seconds} s; status says {told}") from error

    # --- what the user does ---

    def send(self, prompt: str) -> None:
        """Hand over a prompt; see that it was taken, answered and stored."""
        before = self.project.answers(self.cli)
        self.deliver(prompt)
        self.wait(lambda: self.stored(prompt), "the prompt is stored")
        self.wait(lambda: self.project.answers(self.cli) > before, "an answer is stored")
        self.wait(self.is_idle, "state idle after the answer")

    def deliver(self, prompt: str) -> None:
        done = self.project.attempt("send", AGENT, prompt, "--wait-idle", "45s", "--json")
        assert done.returncode == 0, _sent(done.stdout)

    def type(self, text: str, until: Callable[[], object], what: str) -> None:
        """Type a text as a user would; an Enter that is taken for a part of it is pressed again."""
        self.project.tmux("send-keys", "-t", f"={AGENT}:", "-l", text)
        self.wait(lambda: text in self.project.screen(AGENT), f"{text!r} on the screen")
        enters = self.project.enters()
        self.wait(lambda: next(enters) and until(), what)

    def expect_refusal(self, verdict: str) -> None:
        """Hand over a prompt that must not be typed now."""
        done = self.project.attempt("send", AGENT, REFUSED, "--json")
        assert done.returncode == 7, f"send exits with {done.returncode}: {done.stdout}{done.stderr}"
        assert REFUSED not in self.project.screen(AGENT), "it was typed all the same"
        assert json.loads(done.stdout)["verdict"] == verdict, done.stdout


# --- the steps, in their order ------------------------------------------------------------------


def start(drive: Drive) -> str:
    """Apply starts it, and it stays alive."""
    project, cli = drive.project, drive.cli
    project.settle(cli)
    _warm(drive)
    if cli.hooked:
        project.run("job", "hooks", "install", cli.name, "-C", "lab", "--registry-dir", str(project.root / ".mam/jobs"))
    declared = {**project.declaration(cli), "prompt": FIRST}
    _declare(drive, it=declared)
    done = project.attempt("apply", "--auto-approve", "--json")
    assert done.returncode in {0, 3}, f"apply exits with {done.returncode}: {_messages(done.stdout)}"
    drive.wait(lambda: project.agent()["live"] == "alive", "it runs", START_SECONDS)
    assert not project.pane(AGENT).dead, "its pane is dead"
    (project.root / "apply.jsonl").write_text(done.stdout)
    return ""


def first_prompt(drive: Drive) -> str:
    """What apply says of the first prompt is so."""
    told = [json.loads(line) for line in (drive.project.root / "apply.jsonl").read_text().splitlines()]
    lost = [line["message"] for line in told if line["type"] == "prompt_unverified"]
    try:
        drive.wait(lambda: drive.stored(FIRST), "the first prompt is stored")
    except AssertionError:
        assert lost, "the CLI lost its first prompt, and apply said nothing"
        drive.send(FIRST)
        return "the CLI loses it, and apply says so"
    assert not lost, f"the CLI has its first prompt, and apply said: {lost}"
    return ""


def idle(drive: Drive) -> str:
    """After its answer, it is idle."""
    drive.wait(lambda: ANSWER in drive.cli.stored(drive.project.home)[drive.stored(FIRST)], "an answer is stored")
    drive.wait(drive.is_idle, "state idle")
    return ""


def conversation(drive: Drive) -> str:
    """Its conversation is the one that the CLI stores."""
    drive.place = drive.stored(FIRST)
    assert drive.place, "no conversation is stored"
    drive.wait(lambda: drive.names(drive.place), f"the conversation in {drive.place}")
    return ""


def work(drive: Drive) -> str:
    """While the model thinks, it is busy, and stop leaves it alone."""
    drive.type(HOLD, lambda: drive.project.agent()["state"] == "busy", "state busy")
    drive.wait(lambda: drive.project.model.held, "a request that is open")
    before = drive.project.pane(AGENT)
    stopped = drive.project.attempt("stop", AGENT)
    assert stopped.returncode == 7, f"stop exits with {stopped.returncode}: {stopped.stdout}{stopped.stderr}"
    assert drive.project.pane(AGENT) == before
    return ""


def refused_at_work(drive: Drive) -> str:
    """A prompt is refused while it works; then its model answers."""
    try:
        drive.expect_refusal("refused_busy")
    finally:
        drive.project.model.released = True
        drive.wait(drive.is_idle, "state idle after the work")
    return ""


def question(drive: Drive) -> str:
    """While it asks for a permission, it waits."""
    drive.deliver(TOUCH)
    drive.wait(lambda: drive.project.agent()["waits_for"] == "permission", "waits for a permission")
    return ""


def refused_at_a_question(drive: Drive) -> str:
    """A prompt is refused while it asks, and answers nothing."""
    drive.expect_refusal("refused_dialog")
    assert drive.project.agent()["waits_for"] == "permission", "it asks no longer"
    assert not (drive.project.folder / TOUCHED).exists(), "the prompt was taken for an answer"
    return ""


def answer(drive: Drive) -> str:
    """The answer that we give is done."""
    request = json.loads(drive.project.run("answer", AGENT, "--json"))["request"]
    drive.project.run("answer", AGENT, "--request", request, "approve")
    drive.wait((drive.project.folder / TOUCHED).exists, "what was permitted is done")
    drive.wait(drive.is_idle, "state idle after the answer")
    return ""


def stop(drive: Drive) -> str:
    """Its own quit word ends it, and nothing of it is left."""
    drive.project.stop()
    left = [" ".join(arguments(pid)) for pid in drive.project.processes()]
    meant = [line for line in left if drive.cli.outlives and drive.cli.outlives in line]
    assert left == meant, f"processes are left: {left}"
    assert drive.project.agent()["status"] == "stopped"
    return f"its process {drive.cli.outlives} goes on" if left else ""


def resume(drive: Drive) -> str:
    """It continues the same conversation."""
    drive.project.run("resume", AGENT)
    drive.wait(drive.is_idle, "state idle after the start", START_SECONDS)
    drive.send(SECOND)
    _expect_place(drive, SECOND)
    return ""


def rotation(drive: Drive) -> str:
    """After its own command for another conversation, that one is followed."""
    former, command, last = drive.place, drive.cli.rotates, ""
    drive.type(command, lambda: True, "its command is typed")

    def is_handed_over() -> bool:
        nonlocal last
        drive.project.tmux("send-keys", "-t", f"={AGENT}:", "Enter")
        done = drive.project.attempt("send", AGENT, THIRD, "--json")
        last = done.stdout
        return done.returncode != 7  # as long as the command stands in its input box

    drive.wait(is_handed_over, "a prompt is handed over")
    drive.wait(lambda: drive.stored(THIRD), "the prompt is stored")
    drive.place = drive.stored(THIRD)
    assert drive.place != former, f"{command} began no other conversation"
    assert json.loads(last)["verdict"] == "submitted", _sent(last)
    if drive.cli.named_late:
        drive.wait(drive.is_idle, "state idle before the second prompt")
        drive.deliver(FIFTH)
        assert drive.stored(FIFTH) == drive.place, "the second prompt is elsewhere"
    drive.wait(lambda: drive.names(drive.place), "the new conversation is named")
    drive.project.run("refresh")
    drive.project.run("drift")
    return "with reconciler's hook" if drive.cli.hooked else "at its second prompt" if drive.cli.named_late else ""


def server_loss(drive: Drive) -> str:
    """After the loss of the tmux server, apply brings it back in its conversation."""
    ours = drive.project.processes()
    drive.project.tmux("kill-server")
    left = _left_of(ours)
    done = drive.project.attempt("apply", "--auto-approve")
    if left and drive.project.agent()["live"] != "alive":
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        _left_of(left)
        done = drive.project.attempt("apply", "--auto-approve")
        drive.survived = True
    assert done.returncode == 0, f"apply exits with {done.returncode}: {done.stdout}{done.stderr}"
    drive.wait(drive.is_idle, "state idle after the loss", START_SECONDS)
    drive.send(FOURTH)
    _expect_place(drive, FOURTH)
    return "its process outlived the server, and apply did nothing until that was ended" if drive.survived else ""


def _warm(drive: Drive) -> None:
    """A conversation before the first one, for a CLI that installs something in its first."""
    if drive.cli.warms:
        project = drive.project
        _declare(drive, warm=project.declaration(drive.cli) | {"prompt": WARM})
        project.attempt("apply", "--auto-approve")
        wait_until(lambda: project.answers(drive.cli), START_SECONDS)
        wait_until(drive.is_idle, START_SECONDS)
        project.run("stop", AGENT.replace("-it", "-warm"))


def _declare(drive: Drive, **agents: Any) -> None:
    """The manifest, with the CLI's type where that is not built in."""
    cli = drive.cli
    types = {} if cli.name in BUILT_IN else {cli.name: cli.declared}
    drive.project.write({"lab": {"path": "lab", "agents": agents}}, agent_types=types)


def _expect_place(drive: Drive, prompt: str) -> None:
    """The prompt is in the conversation that the agent has, and status names that."""
    assert drive.stored(prompt) == drive.place, "it is in another conversation than before"
    drive.wait(lambda: drive.names(drive.place), "the same conversation")


def _sent(document: str) -> str:
    told = json.loads(document)
    return f"send says {told['verdict']}: {told['detail']}"


def _messages(lines: str) -> list[str]:
    """What apply says in words."""
    told = [json.loads(line) for line in lines.splitlines()]
    return [line["message"] for line in told if line.get("message")]


def _left_of(pids: list[int]) -> list[int]:
    """What of these processes goes on; one that ends is gone a moment after nothing can be read of it."""
    with suppress(AssertionError):
        wait_until(lambda: not any(map(runs, pids)), SURVIVAL_SECONDS)
    return [pid for pid in pids if runs(pid)]


# --- the drive ----------------------------------------------------------------------------------

_DEEDS: dict[str, Callable[[Drive], str]] = {
    "start": start,
    "first prompt": first_prompt,
    "idle": idle,
    "conversation": conversation,
    "at work": work,
    "refused at work": refused_at_work,
    "question": question,
    "refused at a question": refused_at_a_question,
    "answer": answer,
    "stop": stop,
    "resume": resume,
    "rotation": rotation,
    "server loss": server_loss,
}
# What a step builds on, beside `start`.
_AFTER = {"refused at a question": "question", "answer": "question"}


def driven(drive: Drive) -> dict[str, Verdict]:
    """What came of each step."""
    verdicts: dict[str, Verdict] = {}
    for step in STEPS:
        missing = [name for name in ("start", _AFTER.get(step, "start")) if _has_failed(verdicts, name)]
        if step in drive.cli.cannot:
            verdicts[step] = Verdict(Outcome.IMPOSSIBLE, drive.cli.cannot[step])
        elif missing:
            verdicts[step] = Verdict(Outcome.NOT_REACHED, f"{missing[0]} failed")
        else:
            verdicts[step] = _tried(drive, _DEEDS[step])
    return verdicts


def _has_failed(verdicts: dict[str, Verdict], step: str) -> bool:
    return step in verdicts and verdicts[step].outcome is Outcome.FAILED


def _tried(drive: Drive, deed: Callable[[Drive], str]) -> Verdict:
    """What came of one step; an agent that it leaves in the way of the next one is ended."""
    try:
        return Verdict(Outcome.PASSED, deed(drive))
    except (AssertionError, TimeoutExpired, pytest.skip.Exception) as error:
        verdict = Verdict(Outcome.FAILED, _seen(drive, str(error)), _screen(drive))
    except (KeyError, ValueError) as error:  # a document without what it should hold
        verdict = Verdict(Outcome.FAILED, _seen(drive, repr(error)), _screen(drive))
    if deed is stop:
        drive.project.attempt("stop", AGENT, "--now")
    return verdict


def _seen(drive: Drive, told: str) -> str:
    """What was seen, without the paths of this run, in one line."""
    return " ".join(told.replace(str(drive.project.home), "~").split())[:_SHOWN]


def _screen(drive: Drive) -> str:
    lines: Iterator[str] = (line.rstrip() for line in drive.project.screen(AGENT).splitlines())
    return "\n".join([line for line in lines if line][-40:])


def failures(verdicts: dict[str, Verdict]) -> list[tuple[str, Verdict]]:
    """The steps that did not come true."""
    return [(step, each) for step, each in verdicts.items() if each.outcome in {Outcome.FAILED, Outcome.NOT_REACHED}]


def document(verdicts: dict[str, Verdict]) -> dict[str, Any]:
    """The verdicts as the recorded file has them."""
    return {step: each.document() for step, each in verdicts.items()}

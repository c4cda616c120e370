"""What the faults are tried on where jobs and brokers are concerned, and how the truth is told in the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, cast

from project import Project

from .delegation import REQUEST, SESSION, Delegating, delegation
from .operations import DONE, ERROR, REFUSED, Operation, runs_a_broker
from .scene import documents, look

PARTIAL, TIMED_OUT = 3, 8
PROMPT = "do it"
_MARKS = "\u276f\u203a >"  # what stands before the text in an input box
_AGENT = frozenset({SESSION})
_OPEN = {"pending", "delivered", "running"}


def _ready(project: Project) -> None:
    _delegating(project).with_agent()


def _left(project: Project) -> None:
    _delegating(project).new_job()


def _done(project: Project) -> None:
    at = _delegating(project)
    job = at.new_job()
    for event in ("started", "completed"):
        at.say(job, event)


def _at_work(project: Project) -> None:
    """Its agent ends it as soon as somebody listens."""
    at = _delegating(project)
    job = at.new_job()
    at.say(job, "started")
    at.relay.at_subscription = lambda: at.attempt("job", "publish", "--job", job, "--event", "completed")


def _two(project: Project) -> None:
    _done(project)
    _at_work(project)


def _asking(project: Project) -> None:
    _delegating(project).asking_job()


def _seen(project: Project) -> None:
    """No job waits, and somebody was shown what the agent asks."""
    _delegating(project).asking_agent()
    project.run("answer", SESSION)


def _nothing(_project: Project) -> None:
    """No agent is here: the job is for another host."""


def _delegating(project: Project) -> Delegating:
    return cast(Delegating, project)


# --- the truth --------------------------------------------------------------------------------


def ends_truly(project: Project) -> Iterator[str]:
    """Whatever happened, each job whose agent was told of it can be completed and waited for, and no other one is."""
    at = _delegating(project)
    at.relay.at_subscription = lambda: None
    told = look(at).told
    for job, document in documents(at.root).items():
        if document["status"] not in _OPEN | {"completed"}:
            continue
        if document["agent"] != "human" and not told.get(job) and document["status"] in _OPEN:
            yield from _cancelled(at, job)
        else:
            yield from _completed(at, job)


def _cancelled(at: Delegating, job: str) -> Iterator[str]:
    done = at.attempt("job", "cancel", "--job", job)
    if done.returncode:
        yield f"`job cancel` of a job that nobody was told of exits with {done.returncode}: {done.stderr[-300:]}"


def _completed(at: Delegating, job: str) -> Iterator[str]:
    said = at.attempt("job", "publish", "--job", job, "--event", "completed")
    if said.returncode:
        yield f"`job publish` exits with {said.returncode}: {said.stderr[-300:]}"
    waited = at.attempt("job", "wait", "--job", job, "--timeout", "60s")
    status = documents(at.root)[job]["status"]
    if waited.returncode or status != "completed":
        yield f"`job wait` exits with {waited.returncode}, and the job is {status}: {waited.stderr[-300:]}"


def is_answered_once(project: Project) -> Iterator[str]:
    """The dialog had one key or none; no key went into the input box."""
    at = _delegating(project)
    if len(said := at.screen(SESSION).split("canned reply")) > 2:
        yield f"{len(said) - 1} turns followed the answer"
    typed = [text for texts in at.transcripts().values() for text in texts if text.strip() in {"1", "11"}]
    boxes = [line for line in at.screen(SESSION).splitlines() if line.strip(_MARKS) in {"1", "11"}]
    if typed or boxes:
        yield f"a key of the answer was typed as text: {typed or boxes}"
    [job] = documents(at.root)
    kept = [entry for entry in _audited(at, job) if entry["what"] == "answering"]
    if len(kept) > 1:
        yield f"it was answered {len(kept)} times"
    if not at.asks() and not kept:
        yield "it was answered, and the audit says nothing of it"
    yield from _cancelled(at, job)


def is_told_in_whole(project: Project) -> Iterator[str]:
    """The agent was told the whole prompt or nothing, and no job was made of it."""
    at = _delegating(project)
    said = {text for texts in at.transcripts().values() for text in texts}
    if strange := said - {PROMPT}:
        yield f"the agent was told something else: {strange}"
    if documents(at.root):
        yield "a job was recorded"


def is_queued_once(project: Project) -> Iterator[str]:
    """Each open job waits in its box once somebody waits for it, whole; and when it is cancelled, the box is empty."""
    at = _delegating(project)
    for job, document in documents(at.root).items():
        if document["status"] not in _OPEN:
            continue
        waited = at.attempt("job", "wait", "--job", job, "--timeout", "1s")
        order = at.root / ".mam" / "jobs" / job / "order.json"
        if documents(at.root)[job]["status"] not in _OPEN:
            continue
        if waited.returncode != TIMED_OUT or at.box(job) != order.read_bytes():
            yield f"it does not wait in its box: `job wait` exits with {waited.returncode}: {waited.stderr[-300:]}"
        yield from _cancelled(at, job)
        if at.box(job):
            yield "it was cancelled, and still waits in its box"


def agent_is_answered_once(project: Project) -> Iterator[str]:
    """The dialog had one key or none, and who gave it is on record."""
    at = _delegating(project)
    if len(said := at.screen(SESSION).split("canned reply")) > 2:
        yield f"{len(said) - 1} turns followed the answer"
    typed = [text for texts in at.transcripts().values() for text in texts if text.strip() in {"1", "11"}]
    if typed:
        yield f"a key of the answer was typed as text: {typed}"
    log = at.root / ".mam" / "jobs" / ".requests" / "events.jsonl"
    kept = log.read_text().count('"answering"') if log.exists() else 0
    if kept > 1:
        yield f"it was answered {kept} times"
    if not at.asks() and not kept:
        yield "it was answered, and the log says nothing of it"


def _audited(at: Delegating, job: str) -> list[dict[str, Any]]:
    lines = (at.root / "delegate_job_logs" / job / "events.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


def _of_jobs(prepare: Callable[[Project], None], *words: str, **rest: Any) -> Operation:
    usual: dict[str, Any] = {"lives": frozenset(), "steady": False, "lab": delegation, "truth": ends_truly}
    return Operation(prepare, ("job", *words), **{**usual, **rest})


_ANSWER = ("--request", REQUEST, "approve")
JOB_OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "job submit": _of_jobs(
            _ready,
            *("submit", "--agent", SESSION, "--prompt", "do it", "--detach"),
            lives=_AGENT,
            again=frozenset({DONE, PARTIAL, REFUSED}),
        ),
        "job submit --host": _of_jobs(
            _nothing,
            *("submit", "--host", "b", "--prompt", PROMPT, "--detach"),
            again=frozenset({DONE, PARTIAL}),
            truth=is_queued_once,
        ),
        "job wait": _of_jobs(_done, "wait", "--job", "{job}", "--timeout", "30s"),
        "job wait, at work": _of_jobs(_at_work, "wait", "--timeout", "30s"),
        "job publish": _of_jobs(_left, "publish", "--job", "{job}", "--event", "progress", "--detail", "half"),
        "job publish, the end": _of_jobs(_left, "publish", "--job", "{job}", "--event", "completed"),
        "job answer": _of_jobs(
            _asking,
            *("answer", "--job", "{job}", *_ANSWER),
            lives=_AGENT,
            again=frozenset({DONE, ERROR, REFUSED}),
            truth=is_answered_once,
        ),
        "answer": _of_jobs(
            _seen, lives=_AGENT, again=frozenset({DONE, ERROR, REFUSED}), truth=agent_is_answered_once
        )._replace(words=("answer", SESSION, "--request", "{request}", "approve")),
        "send": _of_jobs(
            _ready, lives=_AGENT, again=frozenset({DONE, PARTIAL, REFUSED}), truth=is_told_in_whole
        )._replace(words=("send", SESSION, PROMPT)),
        "job follower": _of_jobs(_two, "follower"),
        "broker verify": Operation(runs_a_broker, ("broker", "verify"), frozenset(), steady=False, broker=True),
        "broker verify --env": _of_jobs(_left, again=frozenset({ERROR}))._replace(
            words=("broker", "verify", "--env")  # the relay speaks no TLS, which is told
        ),
    }
)

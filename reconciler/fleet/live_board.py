"""The live board of many hosts over plain ssh: asks each of them again and again, and acts on their agents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from reconciler.agents.permission import Answer
from reconciler.app.board.actions import ActionResult, DialogToAnswer, Tell
from reconciler.app.board.attach import Attachment, way_by
from reconciler.app.board.service import TURNS, AgentKey
from reconciler.app.board.watch import Report
from reconciler.model.address import parse_address
from reconciler.model.errors import ReconcilerError, Unreachable, UsageError
from reconciler.render.documents.answer import AgentAnswerDoc
from reconciler.render.documents.diff import DiffDoc
from reconciler.render.documents.last import LastDoc
from reconciler.render.documents.peek import PeekDoc
from reconciler.render.documents.plan import PlanDoc

from .board_document import HostBoard, hosts_document, with_answer
from .hosts import FleetHost
from .over_ssh import ask, script_of
from .ssh import AT_ONCE, Ssh, SshAnswer, on_each

_INTERVAL = 10.0  # seconds between two questions to a host
_LONGEST_ACTION = 300.0  # seconds
_BOARD = ("board", "--json")
_T = TypeVar("_T")


def look_at_hosts(hosts: Sequence[FleetHost], ssh: Ssh, now: Callable[[], datetime]) -> list[HostBoard]:
    """What each host answers now, in their order. Nothing is raised for a host that does not answer."""

    def look(host: FleetHost) -> HostBoard:
        return with_answer(HostBoard(host.name), ask(host, ssh, _BOARD), now())

    return on_each(hosts, look)


class HostsBoard:
    """The live board of many hosts. Its methods are those of `app.board.service.BoardService`, and raise the same.

    Up to 16 hosts are asked at a time, each again every 10 s; a slow host does not hold up the others. An action is the
    same command of reconciler on the host; texts of the user go through its standard input.
    """

    def __init__(self, hosts: Sequence[FleetHost], ssh: Ssh, now: Callable[[], datetime]) -> None:
        self._hosts = {each.name: each for each in hosts}
        self._ssh, self._now = ssh, now
        self._boards = {name: HostBoard(name) for name in self._hosts}
        self._report: Report = lambda _document: None
        self._lock, self._reporting, self._stop = Lock(), Lock(), Event()
        self._queue: SimpleQueue[str] = SimpleQueue()
        self._queued: set[str] = set()
        self._asked: set[str] = set()
        self._anew: set[str] = set()
        """Hosts to ask once more as soon as they answer: something was done there while they were asked."""
        self._acted: set[str] = set()
        """Hosts on which something was done since they were last asked for it."""

    # --- asking -----------------------------------------------------------------------------------

    def start(self, report: Report) -> None:
        """Ask the hosts from now on; `report` gets each new document, in another thread."""
        self._report = report
        self._publish()
        for _ in range(min(AT_ONCE, len(self._hosts))):
            Thread(target=self._work, daemon=True).start()
        Thread(target=self._keep_asking, daemon=True).start()

    def close(self) -> None:
        """Stop asking. An ssh that is under way ends by itself: leaving never waits for a host."""
        self._stop.set()
        for _ in range(AT_ONCE):
            self._queue.put("")

    def show(self, agents: Iterable[AgentKey]) -> None:
        """Nothing: a host tells everything about all of its agents."""

    def look_again(self) -> None:
        """Ask the hosts on which something was done, or else all, without waiting for their turn."""
        with self._lock:
            hosts, self._acted = self._acted or {*self._hosts}, set()
        self._want(hosts, hurried=True)

    def _keep_asking(self) -> None:
        while not self._stop.is_set():
            self._want(self._hosts, hurried=False)
            self._stop.wait(_INTERVAL)

    def _want(self, names: Iterable[str], *, hurried: bool) -> None:
        """Let the hosts be asked, each once at a time."""
        with self._lock:
            for name in names:
                if name in self._asked and hurried:
                    self._anew.add(name)
                elif name not in self._asked | self._queued:
                    self._queued.add(name)
                    self._queue.put(name)

    def _work(self) -> None:
        while not self._stop.is_set():
            if name := self._queue.get():
                self._ask(name)

    def _ask(self, name: str) -> None:
        with self._lock:
            self._queued.discard(name)
            self._asked.add(name)
        found = ask(self._hosts[name], self._ssh, _BOARD)
        self._boards[name] = with_answer(self._boards[name], found, self._now())
        with self._lock:
            self._asked.discard(name)
            anew = name in self._anew
            self._anew.discard(name)
        if anew:
            self._want([name], hurried=False)
        self._publish()

    def _publish(self) -> None:
        """Report what is known. Two threads never report at the same time, so the newest document comes last."""
        with self._reporting:
            if not self._stop.is_set():
                self._report(hosts_document(self._boards.values()))

    # --- looking ----------------------------------------------------------------------------------

    def peek(self, key: AgentKey) -> PeekDoc:
        """The screen of an agent."""
        return self._read(key, PeekDoc, "peek", _named(key), "--json")

    def last(self, key: AgentKey) -> LastDoc:
        """The last messages of an agent."""
        return self._read(key, LastDoc, "last", _named(key), "--turns", f"{TURNS}", "--json")

    def diff(self, key: AgentKey) -> DiffDoc:
        """What an agent changed."""
        return self._read(key, DiffDoc, "diff", _named(key), "--json")

    def dialog(self, key: AgentKey) -> DialogToAnswer:
        """The permission dialog of an agent, under the request with which it can be answered."""
        found = self._read(key, AgentAnswerDoc, "answer", _named(key), "--json")
        return DialogToAnswer(found["request"], tuple(found["lines"]), found["job"] or "")

    def attachment(self, key: AgentKey) -> Attachment:
        """How to attach to an agent: `reconciler attach` on its host."""
        host = self._host(key)
        script = script_of(host, ["attach", _named(key)])
        self._note_action(key)
        return way_by(self._ssh.with_terminal(host, script), self._ssh.env)

    def plan(self, key: AgentKey) -> PlanDoc:
        """What an apply would do in the project of this agent."""
        return self._read(key, PlanDoc, "plan", "--json")

    def _read(self, key: AgentKey, kind: type[_T], *words: str) -> _T:
        """The document that a command prints on the host of an agent."""
        found = ask(self._host(key), self._ssh, words)
        if found.outcome == "unreachable":
            raise Unreachable(f"{key.host} does not answer: {found.said}")
        if found.document is None:
            raise ReconcilerError(f"{key.host}: {found.said}")
        try:
            return msgspec.convert(found.document, kind)
        except msgspec.ValidationError as error:
            fix = "run `reconciler fleet install`"
            raise ReconcilerError(f"{key.host}: its reconciler prints another document", fix=fix) from error

    # --- acting -----------------------------------------------------------------------------------

    def answer(self, key: AgentKey, request: str, choice: Answer) -> ActionResult:
        """Answer exactly the dialog that was shown under the request."""
        return self._act(key, ["answer", _named(key), "--request", request, choice.value])

    def send(self, key: AgentKey, text: str) -> ActionResult:
        """Send a prompt to an agent."""
        return self._act(key, ["send", _named(key), "-"], text.encode())

    def stop(self, key: AgentKey, tell: Tell) -> ActionResult:
        """Stop an agent that is not in use."""
        return self._act_and_tell(key, ["stop", _named(key)], tell)

    def resume(self, key: AgentKey, tell: Tell) -> ActionResult:
        """Start an agent again in its conversation."""
        return self._act_and_tell(key, ["resume", _named(key)], tell)

    def restart(self, key: AgentKey, tell: Tell) -> ActionResult:
        """End an agent that is not in use, and start it again in its conversation."""
        return self._act_and_tell(key, ["restart", _named(key)], tell)

    def apply(self, key: AgentKey, plan: PlanDoc, tell: Tell) -> ActionResult:
        """Carry out exactly the plan that was shown, in the project of this agent."""
        return self._act_and_tell(key, ["apply", "--auto-approve", "--expect", plan["digest"]], tell)

    def _act_and_tell(self, key: AgentKey, words: Sequence[str], tell: Tell) -> ActionResult:
        tell(f"{key.host}: reconciler {words[0]}")
        return self._act(key, words)

    def _act(self, key: AgentKey, words: Sequence[str], given: bytes = b"") -> ActionResult:
        host = self._host(key)
        done = replace(self._ssh, seconds=_LONGEST_ACTION).run(host, script_of(host, words), given)
        self._note_action(key)
        if done.lost:
            fix = "look at the agent before you try again"
            raise Unreachable(f"{key.host}: {done.lost}. Whether it was done is not known", fix=fix)
        first, *more = _verdict_lines(done)
        return ActionResult(done.code == 0, (f"{key.host}: {first}", *more))

    def _note_action(self, key: AgentKey) -> None:
        with self._lock:
            self._acted.add(key.host)

    def _host(self, key: AgentKey) -> FleetHost:
        """The host of an agent. Raises UsageError if the board does not show it."""
        found = self._hosts.get(key.host)
        if found is None:
            raise UsageError(f"the board does not show the host {key.host!r}")
        return found


def _named(key: AgentKey) -> str:
    """The address of an agent as a word. Raises UsageError if its host wrote anything else there."""
    address = parse_address(key.address)
    if address is None:
        raise UsageError(f"there is no {key.address} on {key.host}")
    return str(address)


def _verdict_lines(done: SshAnswer) -> tuple[str, ...]:
    """What the command said: of one that failed, first why."""
    said, complaints = ([line for line in text.splitlines() if line.strip()] for text in (done.output, done.complaints))
    lines = [*complaints, *said] if done.code else said or complaints
    return tuple(line.removeprefix("Error: ") for line in lines) or (f"reconciler exited with {done.code}",)

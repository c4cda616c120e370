"""Everything that a face needs for a board: the live document, and the actions of its user, by agent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from reconciler.agents.permission import Answer
from reconciler.app.agents.diff import diff
from reconciler.app.agents.last import last
from reconciler.app.agents.peek import screen_of
from reconciler.app.board import actions
from reconciler.app.board.actions import ActionResult, DialogToAnswer, Tell
from reconciler.app.board.attach import Attachment, attachment
from reconciler.app.board.board import ProjectBoard
from reconciler.app.board.members import BoardMembers, GivenProjects
from reconciler.app.board.watch import LiveBoard, Report
from reconciler.app.project.project import Project
from reconciler.model.address import Address, parse_address
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.render.documents.board import BoardRow
from reconciler.render.documents.diff import DiffDoc
from reconciler.render.documents.last import LastDoc
from reconciler.render.documents.peek import PeekDoc
from reconciler.render.documents.plan import PlanDoc

TURNS = 5  # prompts whose messages are shown


class AgentKey(Struct, frozen=True):
    """An agent on the board: its project, and its address."""

    folder: str
    """The folder of its project, in which there may be several."""
    address: str
    registry: str
    """The registry of its project, which identifies it on its host."""
    host: str = ""
    """The host that it runs on; empty for this machine."""

    @property
    def name(self) -> str:
        """The shortest name that means this agent in its project."""
        return self.address.partition(".")[2]

    @property
    def title(self) -> str:
        """Its name as people read it, with its host if that is not this machine."""
        return f"{self.name} on {self.host}" if self.host else self.name


def key_of(row: BoardRow) -> AgentKey:
    """What identifies an agent on the board."""
    return AgentKey(row["folder"], row["address"], row["registry"], row["host"])


class BoardService:
    """The live board of some projects. The methods that look or act take time: call them in a thread.

    They raise ReconcilerError; `actions.failed` makes a verdict of it.
    """

    def __init__(self, projects: Sequence[Project] | BoardMembers) -> None:
        self._members = GivenProjects(projects) if isinstance(projects, Sequence) else projects
        self._live: LiveBoard | None = None

    def start(self, report: Report) -> None:
        """Look at the projects from now on; `report` gets each new document, in another thread."""
        self._live = LiveBoard(self._members, report)
        self._live.start()

    def close(self) -> None:
        """Stop looking."""
        if self._live:
            self._live.close()

    def show(self, agents: Iterable[AgentKey]) -> None:
        """Keep the slow facts of these agents up to date: they are visible."""
        if self._live:
            self._live.show((key.registry, _address(key)) for key in agents)

    def look_again(self) -> None:
        """Look at once: something was done."""
        if self._live:
            self._live.look_again()

    def _at(self, key: AgentKey) -> Project:
        """The project of an agent. Raises UsageError if the board does not show it."""
        found = self._boards.get(key.registry)
        if found is None:
            fix = "`reconciler projects list` lists them"
            raise UsageError(f"the project with the registry {key.registry} is not on the board any more", fix=fix)
        return found.at

    @property
    def _boards(self) -> Mapping[str, ProjectBoard]:
        """The projects on the board, by registry; none before the start."""
        return self._live.projects if self._live else {}

    # --- looking ----------------------------------------------------------------------------------

    def peek(self, key: AgentKey) -> PeekDoc:
        """The screen of an agent. It uses the board's last look, so it costs one question to tmux."""
        board = self._boards.get(key.registry)
        if board is None or board.look is None:
            raise ReconcilerError("the board has not looked yet", fix="try again")
        return screen_of(board.at, board.look.view, _address(key))

    def last(self, key: AgentKey) -> LastDoc:
        """The last messages of an agent."""
        return last(self._at(key), key.address, TURNS)

    def diff(self, key: AgentKey) -> DiffDoc:
        """What an agent changed."""
        return diff(self._at(key), key.address)

    def dialog(self, key: AgentKey) -> DialogToAnswer:
        """The permission dialog of an agent, under the request with which it can be answered."""
        return actions.show_dialog(self._at(key), _address(key))

    def attachment(self, key: AgentKey) -> Attachment:
        """How to attach to an agent."""
        return attachment(self._at(key), _address(key))

    def plan(self, key: AgentKey) -> PlanDoc:
        """What an apply would do in the project of this agent."""
        return actions.plan_now(self._at(key))

    # --- acting -----------------------------------------------------------------------------------

    def answer(self, key: AgentKey, request: str, choice: Answer) -> ActionResult:
        """Answer exactly the dialog that was shown under the request."""
        return actions.answer_dialog(self._at(key), _address(key), request, choice)

    def send(self, key: AgentKey, text: str) -> ActionResult:
        """Send a prompt to an agent."""
        return actions.send_prompt(self._at(key), _address(key), text)

    def stop(self, key: AgentKey, tell: Tell) -> ActionResult:
        """Stop an agent that is not in use."""
        return actions.stop_agent(self._at(key), _address(key), tell)

    def resume(self, key: AgentKey, tell: Tell) -> ActionResult:
        """Start an agent again in its conversation."""
        return actions.resume_agent(self._at(key), _address(key), tell)

    def restart(self, key: AgentKey, tell: Tell) -> ActionResult:
        """End an agent that is not in use, and start it again in its conversation."""
        return actions.restart_agent(self._at(key), _address(key), tell)

    def apply(self, key: AgentKey, plan: PlanDoc, tell: Tell) -> ActionResult:
        """Carry out exactly the plan that was shown, in the project of this agent."""
        return actions.apply_plan(self._at(key), plan, tell)


def _address(key: AgentKey) -> Address:
    address = parse_address(key.address)
    if address is None:
        raise UsageError(f"there is no {key.address}")
    return address

"""What the board asks of `app`, so that a test can stand in for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from reconciler.agents.permission import Answer
from reconciler.app.board.actions import ActionResult, DialogToAnswer, Tell
from reconciler.app.board.attach import Attachment
from reconciler.app.board.service import AgentKey
from reconciler.app.board.watch import Report
from reconciler.render.documents.diff import DiffDoc
from reconciler.render.documents.last import LastDoc
from reconciler.render.documents.peek import PeekDoc
from reconciler.render.documents.plan import PlanDoc


class Service(Protocol):
    """See `app.board.service.BoardService`, and `fleet.live_board.HostsBoard` for many hosts."""

    def start(self, report: Report) -> None:
        """Report each new document."""

    def close(self) -> None:
        """Stop looking."""

    def show(self, agents: Iterable[AgentKey]) -> None:
        """These agents are visible."""

    def look_again(self) -> None:
        """Look at once."""

    def peek(self, key: AgentKey) -> PeekDoc:
        """The screen of an agent."""

    def last(self, key: AgentKey) -> LastDoc:
        """The last messages of an agent."""

    def diff(self, key: AgentKey) -> DiffDoc:
        """What an agent changed."""

    def dialog(self, key: AgentKey) -> DialogToAnswer:
        """The permission dialog of an agent."""

    def attachment(self, key: AgentKey) -> Attachment:
        """How to attach to an agent."""

    def plan(self, key: AgentKey) -> PlanDoc:
        """What an apply would do in the project of this agent."""

    def answer(self, key: AgentKey, request: str, choice: Answer) -> ActionResult:
        """Answer exactly the dialog that was shown."""

    def send(self, key: AgentKey, text: str) -> ActionResult:
        """Send a prompt."""

    def stop(self, key: AgentKey, tell: Tell) -> ActionResult:
        """Stop an agent."""

    def resume(self, key: AgentKey, tell: Tell) -> ActionResult:
        """Start an agent again."""

    def restart(self, key: AgentKey, tell: Tell) -> ActionResult:
        """End an agent and start it again."""

    def apply(self, key: AgentKey, plan: PlanDoc, tell: Tell) -> ActionResult:
        """Carry out exactly the plan that was shown."""

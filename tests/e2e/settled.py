"""Put agents that several tests share back into the state in which a test wants to begin."""

from __future__ import annotations

from project import Project
from waiting import wait_until

WORKSPACE = "shop"


def asks(project: Project, agent: str) -> None:
    """The agent runs, and shows a permission dialog."""
    if not _waits(project, agent):
        project.run("send", agent, "ask", "--wait-idle", "20")
        wait_until(lambda: _activity(project, agent) == "waiting")


def rests(project: Project, agent: str) -> None:
    """The agent runs, and is idle."""
    if _waits(project, agent):
        project.tmux("send-keys", "-t", f"={_session(agent)}:", "Escape")
    wait_until(lambda: _activity(project, agent) == "idle")


def _waits(project: Project, agent: str) -> bool:
    """Whether it asks; one that does not run is started again first."""
    if _session(agent) not in project.live():
        project.run("resume", agent)
    return project.json("status", agent)["agents"][0]["waits_for"] == "permission"


def _activity(project: Project, agent: str) -> str:
    return project.activity(project.pane(_session(agent)).pid)


def _session(agent: str) -> str:
    return f"{WORKSPACE}-creator-{agent}"

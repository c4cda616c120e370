"""Whose conversation is whose, for a CLI that mints its ids and leaves no note of its process."""

from __future__ import annotations

from typing import Any

import pytest
from in_memory import HOME, Project

DATABASE = f"{HOME}/.local/share/opencode/opencode.db"
UNTITLED = "New session - 2026-06-25T03:19:24.000Z"


def _manifest(*agents: str) -> dict[str, Any]:
    return {"version": 1, "workspaces": {"w": {"path": "w", "agents": {name: {"type": "opencode"} for name in agents}}}}


def _running(*agents: str) -> Project:
    project = Project()
    project.world.files.put(DATABASE, b"")
    project.world.files.tables[DATABASE] = []
    project.apply(project.plan(_manifest(*agents)))
    return project


def _begins(project: Project, conversation: str, title: str = UNTITLED, folder: str = "/lab/w", age: int = 0) -> None:
    """A conversation of the folder that began now, or `age` seconds ago."""
    created = int(project.world.clock.now().timestamp() - age) * 1000
    project.world.files.tables[DATABASE].append((conversation, folder, None, title, created))


def _shows(project: Project, agent: str, title: str) -> None:
    project.world.tmux.change(f"w-creator-{agent}", title=title)


def _bound(project: Project, *agents: str) -> dict[str, str | None]:
    """What an apply makes of the identities."""
    project.apply(project.plan(_manifest(*agents)))
    identities = project.registry["workspaces"]["w"]["agent_identities"]
    return {name: identities[name]["session_id"] for name in agents}


def test_what_began_since_a_lone_agent_started_is_its_own() -> None:
    project = _running("a")
    _begins(project, "ses_1")
    assert _bound(project, "a") == {"a": "ses_1"}


@pytest.mark.parametrize(
    "conversation",
    [
        {"age": 60},
        {"folder": "/lab/other"},
        {"title": "Fix the tests"},  # a title of its own would be shown
    ],
)
def test_what_cannot_be_the_agents_is_not_taken(conversation: dict[str, Any]) -> None:
    project = _running("a")
    _begins(project, "ses_1", **conversation)
    assert _bound(project, "a") == {"a": None}


def test_of_two_that_began_neither_is_taken() -> None:
    project = _running("a")
    _begins(project, "ses_1")
    _begins(project, "ses_2")
    assert _bound(project, "a") == {"a": None}


def test_of_two_agents_in_a_folder_neither_gets_what_began() -> None:
    project = _running("a", "b")
    _begins(project, "ses_1")
    assert _bound(project, "a", "b") == {"a": None, "b": None}


def test_an_agent_that_was_there_meanwhile_counts_after_its_end() -> None:
    """What it began must not go to the one that outlives it."""
    project = _running("a", "b")
    project.world.tmux.kill_session("w-creator-b")
    _begins(project, "ses_1")
    planned = project.plan({**_manifest("a", "b"), "defaults": {"agent": {"resume": "auto"}}})
    assert planned.snapshot.agents[next(iter(planned.snapshot.agents))].conversation == ""


@pytest.mark.parametrize(
    ("shown", "command", "bound"),
    [("opencode", "opencode", None), ("node", "node", None), ("node", "opencode", None), ("node", "bash", "ses_1")],
)
def test_a_foreign_process_of_the_cli_in_the_folder_makes_it_unsure(
    shown: str, command: str, bound: str | None
) -> None:
    """Many CLIs show as `node`, and so does a foreign one of them."""
    project = _running("a")
    project.world.tmux.change("w-creator-a", command=shown)
    project.world.tmux.add("mine", command=command, cwd="/lab/w")
    _begins(project, "ses_1")
    assert _bound(project, "a") == {"a": bound}


def test_titles_tell_two_agents_in_a_folder_apart() -> None:
    project = _running("a", "b")
    _begins(project, "ses_1", "Fix the tests")
    _begins(project, "ses_2", "Write the docs")
    _shows(project, "a", "OC | Write the docs")
    _shows(project, "b", "OC | Fix the tests")
    assert _bound(project, "a", "b") == {"a": "ses_2", "b": "ses_1"}


def test_a_title_that_two_conversations_have_tells_nothing() -> None:
    project = _running("a", "b")
    _begins(project, "ses_1", "Greeting")
    _begins(project, "ses_2", "Greeting")
    _shows(project, "a", "OC | Greeting")
    assert _bound(project, "a", "b") == {"a": None, "b": None}


def test_a_conversation_of_another_agent_is_never_taken_though_the_title_names_it() -> None:
    project = _running("a", "b")
    _begins(project, "ses_1", "Fix the tests")
    _shows(project, "a", "OC | Fix the tests")
    assert _bound(project, "a", "b") == {"a": "ses_1", "b": None}
    _shows(project, "b", "OC | Fix the tests")
    assert _bound(project, "a", "b") == {"a": "ses_1", "b": None}


def test_the_last_words_of_an_agent_that_left_tell_its_conversation() -> None:
    project = _running("a", "b")
    _begins(project, "ses_1", "Fix the tests")
    _begins(project, "ses_2", "Write the docs")
    pane = project.world.tmux.pane("w-creator-a")
    project.world.tmux.screens[pane.pane_id] = "ses_1 was done\n\nContinue  opencode -s ses_2\n"
    project.world.tmux.exit_agent("w-creator-a")
    [action] = project.plan(_manifest("a", "b")).plan.pending
    assert action.conversation is not None
    assert (action.conversation.mode.value, action.conversation.id) == ("resume", "ses_2")


# --- started in a line ------------------------------------------------------------------------


def _speaking(project: Project, *deaf: str, after: float = 1.0) -> None:
    """From now on each agent that starts begins a conversation of the same title, a while after its start."""
    clock, begun = project.world.clock, set(deaf)

    def wait(seconds: float) -> None:
        clock.elapsed += seconds
        for pane in project.world.tmux.look().value.panes:
            if pane.session not in begun and clock.now().timestamp() >= pane.created + after:
                begun.add(pane.session)
                _begins(project, f"ses_{pane.session[-1]}")

    clock.wait = wait  # type: ignore[method-assign]


def _together(project: Project, **agents: dict[str, Any]) -> tuple[dict[str, str | None], float]:
    """What one apply binds, and how many seconds it takes."""
    began = project.world.clock.elapsed
    declared = {name: {"type": "opencode", **spec} for name, spec in agents.items()}
    project.apply(project.plan({"version": 1, "workspaces": {"w": {"path": "w", "agents": declared}}}))
    identities = project.registry["workspaces"]["w"]["agent_identities"]
    return {name: identities[name]["session_id"] for name in agents}, project.world.clock.elapsed - began


def _empty() -> Project:
    project = Project()
    project.world.files.put(DATABASE, b"")
    project.world.files.tables[DATABASE] = []
    return project


HELLO = {"prompt": "Hello."}


def test_agents_with_a_first_prompt_are_bound_one_after_the_other() -> None:
    project = _empty()
    _speaking(project, "w-creator-c")
    bound, _ = _together(project, a=HELLO, b=HELLO, c={}, d=HELLO)
    assert bound == {"a": "ses_a", "b": "ses_b", "c": None, "d": "ses_d"}


def test_when_one_is_not_bound_in_time_the_rest_starts_and_nothing_is_guessed() -> None:
    project = _empty()
    _speaking(project, "w-creator-a")
    bound, seconds = _together(project, a=HELLO, b=HELLO, c=HELLO)
    assert bound == {"a": None, "b": None, "c": None}
    assert 20 <= seconds < 25


def test_nobody_is_waited_for_who_has_ended() -> None:
    project = _empty()
    _speaking(project)
    project.world.tmux.exits["opencode"] = (1, "no licence")
    bound, seconds = _together(project, a=HELLO, b=HELLO)
    assert bound == {"a": None, "b": None}
    assert seconds < 5


def test_nobody_is_waited_for_who_ends_meanwhile() -> None:
    project = _empty()
    clock, wait = project.world.clock, project.world.clock.wait

    def ending(seconds: float) -> None:
        wait(seconds)
        if clock.elapsed > 2 and "w-creator-a" in project.registry.get("sessions", {}):
            project.world.tmux.exit_agent("w-creator-a")

    clock.wait = ending  # type: ignore[method-assign]
    bound, seconds = _together(project, a=HELLO, b=HELLO)
    assert bound == {"a": None, "b": None}
    assert seconds < 5


def test_a_line_is_not_bound_while_somebody_is_at_the_terminal_of_one_before() -> None:
    project = _empty()
    _speaking(project)
    looking, look = project.world.tmux, project.world.tmux.look

    def attached() -> Any:
        if any(pane.session == "w-creator-a" for pane in getattr(getattr(look(), "value", None), "panes", ())):
            looking.change("w-creator-a", attached=True)
        return look()

    looking.look = attached  # type: ignore[method-assign]
    bound, _ = _together(project, a=HELLO, b=HELLO)
    assert bound == {"a": "ses_a", "b": None}


def test_an_agent_that_ran_before_the_line_makes_it_unsure() -> None:
    project = _empty()
    _together(project, z={})
    _speaking(project, "w-creator-z")
    bound, _ = _together(project, a=HELLO, b=HELLO, z={})
    assert bound == {"a": None, "b": None, "z": None}


def test_an_interrupt_ends_the_waiting() -> None:
    project = _empty()
    _speaking(project, "w-creator-a")
    declared = {name: {"type": "opencode", **HELLO} for name in "ab"}
    planned = project.plan({"version": 1, "workspaces": {"w": {"path": "w", "agents": declared}}})
    began = project.world.clock.elapsed
    project.apply(planned, interrupted=lambda: project.world.clock.elapsed > began + 3)
    assert project.world.clock.elapsed - began < 5
    assert "w-creator-b" not in project.registry["sessions"]

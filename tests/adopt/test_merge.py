"""Who is whom, under which name, in which folder: the findings of all sources as one plan."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.adopt.merge import ExistingState, adoption
from reconciler.model.address import agent_address, is_name, parse_address, workspace_address
from reconciler.model.adoption import Findings, FoundAgent, LeftAlone
from reconciler.model.adoption_plan import AdoptedAgent, AdoptionPlan
from reconciler.model.desired import Agent, Desired, RunState, Socket, Workspace
from reconciler.model.record import Identity, Record, SessionRow, WorkspaceRow
from reconciler.model.snapshot import Pane
from reconciler.state.rows import merge_edits, record_from

ROW = FoundAgent(
    source="the registry",
    workspace="lab",
    agent="claude",
    type="claude",
    path="/w/lab",
    session="lab-creator-claude",
    row="lab-creator-claude",
    conversation="a",
    known_by="recorded in claude_session_id_own",
)
LIVE = FoundAgent(
    source="tmux",
    workspace="lab",
    agent="claude",
    type="claude",
    path="/w/lab",
    session="lab-creator-claude",
    live=True,
)
DECK = FoundAgent(
    source="agent-deck",
    workspace="lab",
    agent="claude",
    type="claude",
    path="/w/lab",
    conversation="z",
    known_by="kept by agent-deck",
)


def pane(session: str, lineage: str = "") -> Pane:
    return Pane(session=session, session_id="$0", pane_id="%0", pid=1, command="claude", cwd="/", lineage=lineage)


def before(*sessions: str, **rest: Any) -> ExistingState:
    nothing = Desired("p", Socket(), {}, {}, {}, "")
    known = ExistingState(nothing, Record(), frozenset({"claude", "codex"}), {name: pane(name) for name in sessions})
    return replace(known, **rest)


def declared(*agents: str, path: str = "/w/lab") -> Desired:
    spaces = {workspace_address("lab"): Workspace(workspace_address("lab"), path)}
    specs = (Agent(agent_address("lab", name), f"lab-creator-{name}", "claude", "creator", path) for name in agents)
    return Desired("p", Socket(), spaces, {spec.address: spec for spec in specs}, {}, "")


def recorded(*found: FoundAgent, **workspaces: WorkspaceRow) -> Record:
    rows = {
        each.row: SessionRow(
            each.row, each.workspace, each.agent, each.type, each.role, session_id_own=each.conversation
        )
        for each in found
        if each.row
    }
    return Record(sessions=rows, workspaces=workspaces)


def plan(*found: FoundAgent, known: ExistingState | None = None) -> AdoptionPlan:
    return adoption([Findings(agents=(each,)) for each in found], known or before())


def one(*found: FoundAgent, known: ExistingState | None = None) -> AdoptedAgent:
    (agent,) = plan(*found, known=known).agents
    return agent


def test_the_registry_and_tmux_know_one_agent_and_what_lives_counts_for_its_state() -> None:
    stopped = replace(ROW, state=RunState.STOPPED)
    agent = one(stopped, LIVE, known=before("lab-creator-claude", record=recorded(ROW)))
    assert agent.address == agent_address("lab", "claude")
    assert (agent.takes_over, agent.found.state, agent.conversation) == ("lab-creator-claude", RunState.RUNNING, "a")
    assert agent.sources == ("the registry", "tmux")


def test_the_order_of_the_sources_tells_which_conversation_is_used() -> None:
    told = replace(LIVE, conversation="b")
    agent = one(ROW, told, known=before("lab-creator-claude", record=recorded(ROW)))
    assert agent.conversation == "a"
    assert "tmux has conversation b; the one from the registry is used" in agent.notes


def test_a_session_with_our_tags_is_not_taken_over_once_more() -> None:
    known = before(panes={LIVE.session: pane(LIVE.session, "ours")}, record=recorded(ROW))
    assert one(ROW, known=known).takes_over == ""


@pytest.mark.parametrize(
    ("found", "name", "said"),
    [
        (replace(ROW, workspace="my.proj"), "my-proj.claude", "workspace my.proj is called my-proj in the manifest"),
        (replace(ROW, workspace="Büro 2"), "Buro-2.claude", "workspace Büro 2 is called Buro-2 in the manifest"),
        (replace(ROW, agent="a.b"), "lab.a-b", "a.b is called a-b in the manifest"),
        (replace(ROW, workspace="-x"), "x.claude", "workspace -x is called x in the manifest"),
        (replace(LIVE, workspace="", path="/w/a shop", live=False), "a-shop.claude", ""),
        (replace(LIVE, workspace="???"), "unnamed.claude", "workspace ??? is called unnamed in the manifest"),
    ],
)
def test_a_name_that_no_manifest_allows_becomes_one_that_it_does(found: FoundAgent, name: str, said: str) -> None:
    agent = one(found)
    assert str(agent.address) == f"agent.{name}"
    assert said in (*agent.comments, "")


def test_two_agents_of_one_name_are_told_apart_by_their_role_else_by_a_number() -> None:
    reviewer = replace(ROW, role="reviewer", session="lab-reviewer-claude", row="lab-reviewer-claude", conversation="b")
    third = replace(ROW, session="odd", row="odd", conversation="c")
    agents = plan(reviewer, third, ROW, known=before(record=recorded(reviewer, third, ROW))).agents
    assert {str(agent.address): agent.conversation for agent in agents} == {
        "agent.lab.claude": "a",
        "agent.lab.claude-2": "c",
        "agent.lab.reviewer-claude": "b",
    }


def test_an_agent_that_is_declared_is_never_declared_twice() -> None:
    known = before(desired=declared("claude"), record=recorded(ROW))
    agent = one(ROW, known=known)
    assert (agent.declared, agent.is_new) == (True, False)
    assert not plan(ROW, known=known).declares


def test_a_declared_agent_that_lives_without_tags_is_only_taken_over() -> None:
    found = plan(LIVE, known=before(LIVE.session, desired=declared("claude")))
    assert found.imports == {agent_address("lab", "claude"): LIVE.session}
    assert not found.declares


def test_a_session_is_not_taken_over_by_an_agent_that_the_manifest_would_end() -> None:
    desired = declared("claude")
    rests = replace(desired.agents[agent_address("lab", "claude")], state=RunState.STOPPED)
    found = plan(LIVE, known=before(LIVE.session, desired=replace(desired, agents={rests.address: rests})))
    assert found.agents == ()
    assert found.left_alone[0].why == "it runs, but agent.lab.claude is declared with `state: stopped`"


def test_another_agent_of_a_declared_name_gets_another_name() -> None:
    known = before(desired=declared("claude"), record=Record(workspaces={"lab": WorkspaceRow("lab", identities={
        "claude": Identity("a")})}))  # fmt: skip
    assert str(one(DECK, known=known).address) == "agent.lab.claude-2"


def test_the_name_of_a_recorded_agent_and_the_session_of_a_declared_one_are_not_given_away() -> None:
    assert str(one(DECK, known=before(record=recorded(ROW))).address) == "agent.lab.claude-2"
    other = agent_address("other", "x")
    spec = Agent(other, "lab-creator-claude", "claude", "creator", "/w/other")
    known = before(desired=replace(declared(), agents={other: spec}))
    assert str(one(DECK, known=known).address) == "agent.lab.claude-2"


def test_what_was_adopted_under_another_name_is_found_again_under_it() -> None:
    identities = {"claude": Identity("a"), "claude-2": Identity("z")}
    record = Record(workspaces={"lab": WorkspaceRow("lab", "/w/lab", identities=identities)})
    agent = one(DECK, known=before(desired=declared("claude", "claude-2"), record=record))
    assert (str(agent.address), agent.declared) == ("agent.lab.claude-2", True)


def test_a_conversation_that_belongs_to_another_agent_is_left_to_it() -> None:
    other = replace(ROW, workspace="other", row="other-creator-claude", conversation="z")
    found = plan(DECK, known=before(record=recorded(other)))
    assert found.agents == ()
    assert found.left_alone[0].why == "its conversation z belongs to agent.other.claude"


def test_of_two_rows_in_one_conversation_the_second_is_left_alone() -> None:
    twin = replace(ROW, agent="two", session="lab-creator-two", row="lab-creator-two")
    found = plan(twin, ROW, known=before(record=recorded(ROW, twin)))
    assert [str(agent.address) for agent in found.agents] == ["agent.lab.two"]
    assert found.left_alone[0].what == "lab-creator-claude of the registry"
    assert found.left_alone[0].why == "its conversation a belongs to agent.lab.two"


def test_an_agent_that_works_elsewhere_gets_a_workspace_of_its_own() -> None:
    codex = replace(LIVE, agent="codex", type="codex", session="lab-creator-codex", path="/w/shop")
    inside = replace(LIVE, agent="two", session="lab-creator-two", path="/w/lab/src")
    found = plan(LIVE, codex, inside)
    assert {str(agent.address): agent.found.path for agent in found.agents} == {
        "agent.lab.claude": "/w/lab",
        "agent.lab.two": "/w/lab",
        "agent.lab-shop.codex": "/w/shop",
    }
    assert {space.name: space.path for space in found.workspaces} == {"lab": "/w/lab", "lab-shop": "/w/shop"}


def test_a_declared_workspace_keeps_its_folder_and_a_recorded_agent_its_workspace() -> None:
    agent = one(replace(ROW, path="/w/moved"), known=before(desired=declared(), record=recorded(ROW)))
    assert (str(agent.address), agent.found.path) == ("agent.lab.claude", "/w/lab")
    assert "it works in /w/moved now; the next start is in /w/lab" in agent.notes


def test_an_agent_without_a_folder_is_left_alone_unless_its_workspace_tells() -> None:
    lost = replace(ROW, path="")
    assert plan(lost).agents == ()
    assert plan(lost).left_alone[0].why == "the folder it works in is not known"
    beside = replace(ROW, agent="two", row="lab-creator-two", session="lab-creator-two", conversation="b")
    for both in ((beside, lost), (lost, beside)):
        assert [agent.found.path for agent in plan(*both).agents] == ["/w/lab", "/w/lab"]


def test_types_that_nobody_knows_are_declared_with_their_command() -> None:
    ticker = replace(ROW, agent="ticker", type="ticker", row="lab-creator-ticker", session="lab-creator-ticker")
    bare = replace(ticker, agent="x", type="x", row="lab-creator-x", session="lab-creator-x", conversation="c")
    types = plan(replace(ticker, command=("sleep", "9")), bare, replace(ROW, conversation="b")).types
    assert {kind.name: kind.command for kind in types} == {"ticker": ("sleep", "9"), "x": ("x",)}


def test_what_a_source_leaves_alone_is_told_once() -> None:
    left = LeftAlone("a window", "it runs an editor")
    told = adoption([Findings(left_alone=(left,)), Findings(left_alone=(left,))], before())
    assert told.left_alone == (left,)


def test_nothing_found_changes_nothing() -> None:
    assert not plan().changes_something


# --- the registry afterwards ------------------------------------------------------------------


def after(data: dict[str, Any], *found: FoundAgent, **known: Any) -> Record:
    """The registry with the edits of the plan in it."""
    made = plan(*found, known=before(record=record_from(data), **known))
    return record_from(merge_edits(data, made.edits))


def test_a_row_under_another_name_takes_its_conversations_along() -> None:
    row = {"workspace": "my.proj", "agent": "claude", "status": "terminated", "claude_session_id_own": "a"}
    identity = {"session_id": "a", "previous": ["old"]}
    data: dict[str, Any] = {
        "workspaces": {"my.proj": {"path": "/w/lab", "agent_identities": {"claude": identity}}},
        "sessions": {"my.proj-creator-claude": row},
    }
    record = after(data, replace(ROW, workspace="my.proj", row="my.proj-creator-claude"))
    assert set(record.sessions) == {"my-proj-creator-claude"}
    assert record.workspaces.keys() == {"my-proj"}
    assert record.workspaces["my-proj"].path == "/w/lab"
    assert record.identity(agent_address("my-proj", "claude")) == Identity("a", ("old",))
    assert list(record.conversations()) == [
        ("a", agent_address("my-proj", "claude")),
        ("a", agent_address("my-proj", "claude")),
        ("old", agent_address("my-proj", "claude")),
    ]


def test_a_row_that_leaves_its_name_to_another_one_takes_only_its_own_conversation() -> None:
    def row(**rest: str) -> dict[str, str]:
        return {"workspace": "lab", "agent": "claude", "status": "terminated", **rest}

    data: dict[str, Any] = {
        "workspaces": {
            "lab": {"path": "/w/lab", "agent_identities": {"claude": {"session_id": "a", "previous": ["b"]}}}
        },
        "sessions": {
            "lab-reviewer-claude": row(role="reviewer", claude_session_id_own="b"),
            "lab-creator-claude": row(claude_session_id_own="a"),
        },
    }
    reviewer = replace(ROW, role="reviewer", session="lab-reviewer-claude", row="lab-reviewer-claude", conversation="b")
    record = after(data, reviewer, ROW)
    assert record.identity(agent_address("lab", "claude")) == Identity("a")
    assert record.identity(agent_address("lab", "reviewer-claude")) == Identity("b")
    assert set(record.sessions) == {"lab-creator-claude", "lab-reviewer-reviewer-claude"}


def test_a_type_that_no_manifest_allows_has_its_new_name_in_the_row_too() -> None:
    row = {"workspace": "lab", "agent": "claude", "type": "my cli", "status": "terminated"}
    record = after({"sessions": {"lab-creator-claude": row}}, replace(ROW, type="my cli", conversation=""))
    assert record.sessions["lab-creator-claude"].type == "my-cli"


def test_what_another_tool_knows_of_a_conversation_is_recorded() -> None:
    record = after({}, DECK)
    assert record.identity(agent_address("lab", "claude")).session_id == "z"
    assert record.workspaces["lab"].path == "/w/lab"


_TEXT = st.text(alphabet="ab.- ü", max_size=4)
_FOUND = st.builds(
    FoundAgent,
    source=st.sampled_from(["the registry", "tmux"]),
    workspace=_TEXT,
    agent=_TEXT,
    type=st.sampled_from(["claude", "x y"]),
    path=st.sampled_from(["", "/w", "/w/a", "/v"]),
    role=st.sampled_from(["creator", "dev", "?"]),
    session=st.sampled_from(["", "s1", "s2", "s3"]),
    conversation=st.sampled_from(["", "a", "b"]),
)


@given(st.lists(_FOUND, max_size=6))
def test_whatever_is_found_each_agent_has_one_valid_address_and_one_session(found: list[FoundAgent]) -> None:
    known = before("s1", desired=declared("a"))
    made = adoption([Findings(agents=tuple(found))], known)
    addresses = [agent.address for agent in made.agents]
    assert len(set(addresses)) == len(addresses)
    assert all(parse_address(str(address)) == address for address in addresses)
    sessions = [agent.session for agent in made.agents]
    assert len(set(sessions)) == len(sessions)
    held = [agent.conversation for agent in made.agents if agent.conversation]
    assert len(set(held)) == len(held), "one conversation is one agent's"
    assert all(is_name(agent.found.role) and is_name(agent.found.type) for agent in made.agents)
    assert {agent.address.workspace for agent in made.agents if not agent.declared} == {
        space.name for space in made.workspaces
    }
    assert made == adoption([Findings(agents=tuple(found))], known)


def test_an_agent_needs_only_those_that_a_manifest_will_declare():
    other = replace(
        ROW, agent="codex", type="codex", session="lab-creator-codex", row="lab-creator-codex", conversation="b"
    )
    needy = replace(ROW, depends_on=("agent.lab.codex", "agent.lab.gone"))
    plan = adoption([Findings((needy, other))], before())
    needs = {str(each.address): each.found.depends_on for each in plan.agents}
    assert needs == {"agent.lab.claude": ("agent.lab.codex",), "agent.lab.codex": ()}

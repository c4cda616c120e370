"""The text of a manifest for what is adopted: valid, short, and without anything that a comment could smuggle in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adopt.blocks import ManifestFrame, agent_block, manifest_text, portable
from reconciler.agents.catalogue import BUILT_IN
from reconciler.manifest import ManifestContext, Source, load
from reconciler.model.address import agent_address, workspace_address
from reconciler.model.adoption import FoundAgent
from reconciler.model.adoption_plan import AdoptedAgent, AdoptedType, AdoptedWorkspace, AdoptionPlan
from reconciler.model.desired import Desired, Git, RunState, Socket

FOUND = FoundAgent(source="tmux", workspace="lab", agent="claude", type="claude", path="/p/lab")


def adopted(found: FoundAgent = FOUND, name: str = "claude", *comments: str, note: str = "") -> AdoptedAgent:
    return AdoptedAgent(
        agent_address("lab", name), f"lab-creator-{name}", found, ("tmux",), notes=(note,), comments=comments
    )


def text(*agents: AdoptedAgent, types: tuple[AdoptedType, ...] = (), git: Git | None = None, **frame: object) -> str:
    plan = AdoptionPlan(agents, (AdoptedWorkspace("lab", "/p/lab", git=git),), types)
    return "\n".join(manifest_text(plan, ManifestFrame("/p", **frame)))  # type: ignore[arg-type]


def declared(manifest: str) -> Desired:
    around = ManifestContext("/p", "/home/u", {}, "p")
    return load([Source("m.yaml", manifest.encode())], around, frozenset(BUILT_IN)).desired


def test_what_is_as_usual_is_left_out() -> None:
    assert text(adopted()) == ("version: 1\nworkspaces:\n  lab:\n    path: lab\n    agents:\n      claude: {}")
    assert agent_block(adopted(), in_full=True) == {"type": "claude", "role": "creator", "state": "running"}


def test_everything_that_was_found_comes_into_the_block() -> None:
    found = FoundAgent(
        source="x",
        workspace="lab",
        agent="r",
        type="claude",
        path="/p/lab",
        role="reviewer",
        state=RunState.ARCHIVED,
        args=("--x", "${A}"),
        env={"A": "${B}", "N": "1"},
        prompt="read ${C}: then wait",
        protect=True,
        ignore=("env",),
    )
    (spec,) = declared(text(adopted(found, "r"))).agents.values()
    assert (spec.role, spec.state, spec.args, spec.prompt) == (
        "reviewer",
        RunState.ARCHIVED,
        ("--x", "${A}"),
        "read ${C}: then wait",
    )
    assert {var.name: var.value for var in spec.env} == {"A": "${B}", "N": "1"}
    assert (spec.protect, spec.ignore) == (True, frozenset({"env"}))


def test_a_worktree_stays_one() -> None:
    desired = declared(text(adopted(), git=Git("/src/site", "wt/lab")))
    assert desired.workspaces[workspace_address("lab")].git == Git("/src/site", "wt/lab")


@pytest.mark.parametrize(
    ("socket", "line"),
    [
        (Socket(), ""),
        (Socket(name="lab"), "tmux: {socket: lab} # attach with: tmux -L lab attach"),
        (Socket(path="/run/t"), "tmux: {socket_path: /run/t}"),
    ],
)
def test_the_tmux_server_is_named_unless_it_is_the_default_one(socket: Socket, line: str) -> None:
    lines = text(adopted(), socket=socket).splitlines()
    assert [each for each in lines if each.startswith("tmux")] == ([line] if line else [])


def test_types_of_the_users_own_have_their_command() -> None:
    found = FoundAgent(source="x", workspace="lab", agent="ticker", type="ticker", path="/p/lab")
    desired = declared(text(adopted(found, "ticker"), types=(AdoptedType("ticker", ("sleep", "1")),)))
    assert desired.agent_types["ticker"].command == ("sleep", "1")


def test_nothing_to_declare_is_a_manifest_too() -> None:
    assert list(manifest_text(AdoptionPlan(), ManifestFrame("/p"))) == ["version: 1", "workspaces: {}"]


def test_a_comment_has_all_that_stays_true_and_nothing_that_is_only_true_now() -> None:
    agent = adopted(
        FOUND, "claude", "`my claude` is called claude here", "--api-key is left out", note="its session is gone"
    )
    assert text(agent).endswith("claude: {} # `my claude` is called claude here; --api-key is left out")


def test_a_comment_with_a_line_break_is_left_out() -> None:
    assert "evil" not in text(adopted(FOUND, "claude", "a\nevil: 1"))


@pytest.mark.parametrize(
    ("path", "said"),
    [("/p", "."), ("/p/lab", "lab"), ("/px", "/px"), ("/", "/"), ("/p/${x}", "$${x}")],
)
def test_a_folder_in_the_project_is_told_from_there(path: str, said: str) -> None:
    assert portable(path, "/p") == said


@given(
    st.text(max_size=8), st.lists(st.text(max_size=6), max_size=3), st.dictionaries(st.just("A"), st.text(max_size=6))
)
def test_whatever_was_found_is_read_back_as_it_is(prompt: str, args: list[str], env: dict[str, str]) -> None:
    clean = [each for each in (prompt, *args, *env.values()) if "\0" in each or not each.isprintable()]
    if clean:
        return
    found = FoundAgent(
        source="x",
        workspace="lab",
        agent="claude",
        type="claude",
        path="/p/lab",
        args=tuple(args),
        env=env,
        prompt=prompt,
    )
    (spec,) = declared(text(adopted(found))).agents.values()
    assert (spec.prompt, spec.args) == (prompt, tuple(args))
    assert {var.name: var.value for var in spec.env} == env

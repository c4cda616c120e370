"""What a short name stands for."""

from __future__ import annotations

import pytest

from reconciler.model.address import agent_address, broker_address, workspace_address
from reconciler.model.errors import UsageError
from reconciler.model.short_names import NamedResource, the_one


def agent(workspace: str, name: str, session: str = "") -> NamedResource:
    return NamedResource(agent_address(workspace, name), session or f"{workspace}-creator-{name}")


SHOP = [agent("shop", "claude"), agent("shop", "scribe"), agent("site", "scribe2"), agent("tools", "shop")]
BOTH = [
    *SHOP,
    NamedResource(workspace_address("shop")),
    NamedResource(workspace_address("site")),
    NamedResource(broker_address("main")),
]


@pytest.mark.parametrize(
    ("name", "known", "address"),
    [
        ("agent.shop.claude", SHOP, "agent.shop.claude"),
        ("shop-creator-claude", SHOP, "agent.shop.claude"),
        ("shop.claude", SHOP, "agent.shop.claude"),
        ("scribe", SHOP, "agent.shop.scribe"),  # the name of one is a part of another's
        ("scribe2", SHOP, "agent.site.scribe2"),
        ("site", SHOP, "agent.site.scribe2"),  # the one agent of that workspace
        ("ite", SHOP, "agent.site.scribe2"),
        ("aud", SHOP, "agent.shop.claude"),
        ("tools-cre", SHOP, "agent.tools.shop"),
        ("site", BOTH, "workspace.site"),
        ("main", BOTH, "broker.main"),
        ("mai", BOTH, "broker.main"),
        ("old", [agent("w", "a", "old"), agent("w", "a", "new")], "agent.w.a"),  # renamed: it has two sessions
        ("w", [agent("w", "a", "old"), agent("w", "a", "new")], "agent.w.a"),
    ],
)
def test_one_is_meant(name: str, known: list[NamedResource], address: str) -> None:
    assert str(the_one(name, known).address) == address


@pytest.mark.parametrize(
    ("name", "known", "listed"),
    [
        ("shop", SHOP, ["agent.shop.claude", "agent.shop.scribe", "agent.tools.shop"]),
        ("shop", BOTH, ["agent.tools.shop", "workspace.shop"]),
        ("scri", SHOP, ["agent.shop.scribe", "agent.site.scribe2"]),
        ("s", SHOP, [str(each.address) for each in SHOP]),
    ],
)
def test_several_are_listed_one_a_line(name: str, known: list[NamedResource], listed: list[str]) -> None:
    with pytest.raises(UsageError) as error:
        the_one(name, known)
    assert error.value.summary == f"{name} matches {len(listed)} names"
    assert [line.split()[0] for line in error.value.detail.splitlines()] == listed


def test_a_long_list_says_how_many_more_there_are() -> None:
    with pytest.raises(UsageError) as error:
        the_one("w", [agent(f"w{number}", "a") for number in range(50)])
    assert len(error.value.detail.splitlines()) == 21
    assert error.value.detail.endswith("and 30 more")


@pytest.mark.parametrize("name", ["agent", "agent.", "workspace", "SHOP", "*", "shop.cla.ude"])
def test_none_is_meant(name: str) -> None:
    with pytest.raises(UsageError, match="there is no agent"):
        the_one(name, SHOP)


@pytest.mark.parametrize(
    ("name", "what", "summary", "fix"),
    [
        ("broker.main", "agent", "broker.main is not an agent", "`reconciler broker -h` lists the commands"),
        ("workspace.shop", "agent", "workspace.shop is not an agent", "name an agent in it: agent.shop.claude"),
        ("workspace.none", "agent", "workspace.none is not an agent", "`reconciler status` lists all agents"),
        ("agent.shop.claude", "workspace", "agent.shop.claude is not a workspace", "name its workspace: shop"),
        ("broker.man", "", "there is no broker.man", "did you mean broker.main?"),
        ("x", "", "there is no x", "there are: agent.shop.claude, agent.shop.scribe, agent.site.scribe2, "),
    ],
)
def test_an_address_of_another_kind_and_an_unknown_name_say_what_to_type(
    name: str, what: str, summary: str, fix: str
) -> None:
    known = {"agent": SHOP, "workspace": BOTH[4:6], "": BOTH}[what]
    with pytest.raises(UsageError) as error:
        the_one(name, known, what)
    assert error.value.summary == summary
    assert error.value.fix.startswith(fix)


def test_an_empty_name_stands_for_nothing() -> None:
    with pytest.raises(UsageError, match="the name is empty"):
        the_one("", SHOP)

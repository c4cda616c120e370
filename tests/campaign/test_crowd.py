"""Many commands at once, and kills among them."""

from __future__ import annotations

from collections.abc import Callable

from campaign import share
from campaign.crowd import crowd, turns

SEED = 7
AT_ONCE = 4


def test_commands_at_once_and_kills_among_them_lose_nothing_and_leave_nothing(
    record_property: Callable[[str, object], None],
):
    outcome = crowd(SEED, share.COMMANDS, AT_ONCE)
    record_property("campaign", ["commands at once", share.COMMANDS, len(outcome.wrong)])
    assert not outcome.wrong, "\n".join(outcome.wrong)
    assert outcome.codes[-9] > share.COMMANDS // 20, "hardly any was killed"
    assert outcome.codes[0] > share.COMMANDS // 5, "hardly any came through"


def test_a_crowd_does_the_same_with_the_same_seed():
    assert list(turns(SEED, 50)) == list(turns(SEED, 50))
    assert list(turns(SEED, 50)) != list(turns(SEED + 1, 50))

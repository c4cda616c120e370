from __future__ import annotations

from msgspec.structs import replace

from reconciler.model.usage import GroupBy, PriceList, UsageReport, UsageSum
from reconciler.render.usage import usage_document, usage_text

LINES = UsageSum(agent="agent.lab.one", model="m", answers=2, input=1_234_567, output=5, usd=0.123456789)
REPORT = UsageReport(
    by=(GroupBy.AGENT, GroupBy.MODEL),
    since=1_796_000_000,
    until=1_796_040_000,
    time_zone="CET, UTC+01:00",
    groups=(LINES, UsageSum(agent="agent.lab.two", model="\x1b[31mred", answers=1, cache_read=10, unpriced=10)),
    total=UsageSum(answers=3, input=1_234_567, output=5, cache_read=10, usd=0.123456789, unpriced=10),
    others=7,
    unpriced_models=("\x1b[31mred",),
    prices=PriceList("genai-prices", "0.2.3"),
    notes=("copilot stores its input later",),
)


def text(report: UsageReport) -> list[str]:
    return list(usage_text(usage_document(report)))


def test_numbers_stand_to_the_right_and_names_to_the_left() -> None:
    shown = text(REPORT)
    assert len({len(line) for line in shown[:4]}) == 1
    assert shown[1].startswith("agent.lab.one  m  ")
    assert shown[1].endswith("  1,234,572   0.12")
    assert shown[2].startswith(r"agent.lab.two  \x1b[31mred  ")
    assert shown[2].endswith("  10      -")
    assert shown[3].startswith("total  ")
    assert shown[3].endswith("  1,234,582  0.12+")
    assert not any("\x1b" in line for line in shown[:4])


def test_what_is_not_known_is_said() -> None:
    said = "\n".join(text(REPORT)[5:])
    assert "Counted from 2026-11-30T00:53:20Z to 2026-11-30T12:00:00Z; days are in local time (CET, UTC+01:00)." in said
    assert "7 more tokens are in conversations that belong to none of these agents." in said
    assert "list prices of genai-prices 0.2.3" in said
    assert "Note: copilot stores its input later" in said


def test_without_money_there_is_no_column_for_it() -> None:
    shown = text(replace(REPORT, prices=None, unpriced_models=None, others=0))
    assert "USD" not in shown[0]
    assert not any("no agent" in line or "dollars" in line for line in shown)
    assert usage_document(replace(REPORT, prices=None))["total"]["cost"] is None


def test_everything_that_is_stored_has_no_beginning() -> None:
    document = usage_document(replace(REPORT, since=0))
    assert document["since"] is None
    assert "Counted to " in "\n".join(usage_text(document))


def test_money_in_the_document_has_no_more_digits_than_it_can_be_trusted_for() -> None:
    cost = usage_document(REPORT)["groups"][0]["cost"]
    assert cost == {"usd": 0.123457, "unpriced_tokens": 0}

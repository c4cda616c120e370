"""Prices of the installed list: what we compute for many answers is what the list says for each."""

from __future__ import annotations

import sys

import pytest
from answered import NOON, answer
from genai_prices import Usage, calc_price
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.app.usage.pricing import price_calculator
from reconciler.model.errors import ReconcilerError
from reconciler.usage.prices import PriceCalculator

SONNET, GPT = "claude-sonnet-4-5-20250929", "gpt-5"
PROVIDERS = {"claude": "anthropic", "codex": "openai", "qwen": ""}
COUNTS = st.integers(0, 400_000)


@settings(max_examples=40, deadline=None)
@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_a_price_is_that_of_the_list_also_above_the_first_tier(asked: int, read: int, written: int, said: int) -> None:
    book = PriceCalculator(PROVIDERS)
    each = answer(input=asked, cache_read=read, cache_write=written, cache_write_1h=written // 3, output=said)
    each = type(each)(type(each.row)(**{**fields(each.row), "model": SONNET}), each.type, each.owner)
    usage = Usage(
        input_tokens=asked + read + written,
        cache_read_tokens=read,
        cache_write_tokens=written,
        cache_write_1h_tokens=written // 3,
        output_tokens=said,
    )
    assert book.price(each) == pytest.approx(float(calc_price(usage, SONNET, provider_id="anthropic").total_price))


def fields(row: object) -> dict[str, object]:
    return {name: getattr(row, name) for name in row.__struct_fields__}  # type: ignore[attr-defined]


def test_what_the_cli_stored_comes_first() -> None:
    assert PriceCalculator(PROVIDERS).price(answer(usd=1.25, model=SONNET)) == 1.25


@pytest.mark.parametrize("model", ["qwen3-coder-plus", "stub", "", "x\x1b[2J" * 100])
def test_a_model_that_the_list_does_not_know_has_no_price(model: str) -> None:
    book = PriceCalculator(PROVIDERS)
    assert book.price(answer(type_="qwen", model=model)) is None
    assert book.unknown == {model}


def test_a_model_of_another_provider_is_found_by_its_name() -> None:
    """A Claude CLI may be pointed at other models."""
    book = PriceCalculator(PROVIDERS)
    assert book.price(answer(type_="claude", model=GPT, output=1_000_000)) == pytest.approx(10)


def test_an_answer_from_before_the_model_or_without_a_time_is_priced() -> None:
    book = PriceCalculator(PROVIDERS)
    prices = [book.price(answer(model="claude-opus-4-6", at=at, output=1000)) for at in (0, NOON)]
    assert all(price is not None and price > 0 for price in prices)


def test_the_list_is_named_with_its_version() -> None:
    found = PriceCalculator({}).list
    assert (found.package, found.version[0].isdigit()) == ("genai-prices", True)


def test_without_the_package_one_line_says_how_to_add_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    monkeypatch.delitem(sys.modules, "reconciler.usage.prices")
    with pytest.raises(ReconcilerError, match=r"is not installed: pip install 'agent-reconciler\[prices\]'$"):
        price_calculator({})

"""What agents used: the JSON document, and the table made from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.model.harmless import one_line
from reconciler.model.moment import from_unix
from reconciler.model.usage import UsageReport, UsageSum

from .documents import FORMAT_VERSION
from .documents.usage import CostDoc, UsageDoc, UsageGroupDoc

_CENTS = 1_000_000  # parts of a dollar; smaller ones come from adding floats
_NUMBERS = ("INPUT", "CACHE WRITE", "CACHE READ", "OUTPUT", "TOTAL")


def usage_document(report: UsageReport) -> UsageDoc:
    """The document of `usage --json`."""
    priced = report.prices is not None
    prices = report.prices
    return {
        "format_version": FORMAT_VERSION,
        "since": from_unix(report.since) if report.since else None,
        "until": from_unix(report.until),
        "time_zone": report.time_zone,
        "by": [each.value for each in report.by],
        "groups": [_group(each, priced=priced) for each in report.groups],
        "total": _group(report.total, priced=priced),
        "other_tokens": report.others,
        "prices": {
            "package": prices.package,
            "version": prices.version,
            "unpriced_models": list(report.unpriced_models or ()),
        }
        if prices
        else None,
        "notes": list(report.notes),
    }


def _group(found: UsageSum, *, priced: bool) -> UsageGroupDoc:
    cost: CostDoc = {"usd": round(found.usd * _CENTS) / _CENTS, "unpriced_tokens": found.unpriced}
    return {
        "project": found.project or None,
        "workspace": found.workspace or None,
        "agent": found.agent or None,
        "type": found.type or None,
        "model": found.model or None,
        "day": found.day or None,
        "answers": found.answers,
        "tokens": {
            "input": found.input,
            "cache_read": found.cache_read,
            "cache_write": found.cache_write,
            "output": found.output,
            "total": found.total,
        },
        "cost": cost if priced else None,
    }


def usage_text(document: UsageDoc) -> Iterator[str]:
    """A table with a line for each group, the total below it, then the notes."""
    names, priced = list[str](document["by"]), document["prices"] is not None
    groups, total = document["groups"], document["total"]
    if len({group["project"] for group in groups}) > 1:  # the same address may be in several projects
        names = ["project", *names]
    head = [*(name.upper() for name in names), *_NUMBERS, *(["USD"] if priced else [])]
    rows = [[*(_name(group, name) for name in names), *_numbers(group)] for group in groups]
    last = ["total", *[""] * (len(names) - 1), *_numbers(total)]
    if groups:
        yield from _aligned([head, *rows, last], len(names))
    else:
        yield "No answers are stored for this period."
    yield ""
    yield from _remarks(document)


def _name(group: UsageGroupDoc, name: str) -> str:
    found = {
        "project": group["project"],
        "agent": group["agent"],
        "workspace": group["workspace"],
        "type": group["type"],
        "model": group["model"],
        "day": group["day"],
    }[name]
    return found or "-"


def _numbers(group: UsageGroupDoc) -> list[str]:
    tokens, cost = group["tokens"], group["cost"]
    counts = (tokens["input"], tokens["cache_write"], tokens["cache_read"], tokens["output"], tokens["total"])
    return [*(f"{count:,}" for count in counts), *([_money(cost)] if cost else [])]


def _money(cost: CostDoc) -> str:
    """Dollars and cents; a plus where some tokens have no known price."""
    if cost["unpriced_tokens"] and not cost["usd"]:
        return "-"
    return f"{cost['usd']:,.2f}{'+' if cost['unpriced_tokens'] else ''}"


def _aligned(rows: Sequence[Sequence[str]], names: int) -> Iterator[str]:
    """Names to the left, numbers to the right."""
    shown = [[one_line(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        cells = zip(row, widths, strict=True)
        aligned = (cell.ljust(width) if at < names else cell.rjust(width) for at, (cell, width) in enumerate(cells))
        yield "  ".join(aligned).rstrip()


def _remarks(document: UsageDoc) -> Iterator[str]:
    since = f"from {document['since']} " if document["since"] else ""
    yield f"Counted {since}to {document['until']}; days are in local time ({document['time_zone']})."
    if document["other_tokens"]:
        yield f"{document['other_tokens']:,} more tokens are in conversations that belong to none of these agents."
    prices = document["prices"]
    if prices:
        yield f"US dollars: as the CLI stored them, else list prices of {prices['package']} {prices['version']}."
        if prices["unpriced_models"]:
            yield f"No price is known of: {', '.join(prices['unpriced_models'])}"
    yield from (f"Note: {note}" for note in document["notes"])

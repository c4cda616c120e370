"""The figures of the campaign, at the end of its run."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from campaign import share


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not share.ALL:
        return
    table: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "campaign" and report.when == "call":
                    row, tried, violated = value
                    table[row][0] += tried
                    table[row][1] += violated
    terminalreporter.section("campaign")
    for row, (tried, violated) in table.items():
        terminalreporter.write_line(f"{row:<40}{tried:>8} tried{violated:>6} violated")
    tried, violated = (sum(column) for column in zip(*table.values(), strict=True)) if table else (0, 0)
    terminalreporter.write_line(f"{'all':<40}{tried:>8} tried{violated:>6} violated")

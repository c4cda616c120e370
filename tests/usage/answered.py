"""Rows and files with tokens, made up."""

from __future__ import annotations

from reconciler.agents.token_store import row_key
from reconciler.model.address import agent_address
from reconciler.model.tokens import FileMark, TokenFile, TokenRow
from reconciler.model.usage import Owner
from reconciler.usage.counting import CountedAnswer

MARK = FileMark(1, 2, 3, 4)
NOON = 1_796_040_000  # 30 November 2026, 12:00 UTC
ONE, TWO = Owner("/p", agent_address("lab", "one")), Owner("/p", agent_address("lab", "two"))
OTHER = Owner("/p", agent_address("api", "one"))


def row(name: str = "m1", output: int = 10, at: int = NOON, **more: object) -> TokenRow:
    return TokenRow(key=row_key(name), at=at, model=str(more.pop("model", "m")), output=output, **more)  # type: ignore[arg-type]


def file(*rows: TokenRow, conversation: str = "", type_: str = "claude") -> TokenFile:
    return TokenFile(type=type_, mark=MARK, conversation=conversation, rows=rows)


def answer(owner: Owner | None = ONE, type_: str = "claude", **more: object) -> CountedAnswer:
    return CountedAnswer(row(**more), type_, owner)  # type: ignore[arg-type]

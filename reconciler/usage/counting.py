"""Count each answer once, even if several files contain it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from reconciler.model.tokens import TokenFile, TokenRow
from reconciler.model.usage import Owner


class CountedAnswer(Struct, frozen=True, gc=False):
    """What one answer used, the CLI that stored it, and the agent it belongs to, if any."""

    row: TokenRow
    type: str
    owner: Owner | None


def answers(files: Mapping[str, TokenFile], owners: Mapping[str, Owner]) -> Iterator[CountedAnswer]:
    """All answers in the files. `owners` has the agent of each conversation.

    If an answer has several rows, the row with the largest total counts. Of equal rows, one whose conversation has an
    owner counts, because a resumed conversation may contain a copy of another one's answers.
    """
    best: dict[int, tuple[TokenRow, str, Owner | None]] = {}
    for path in sorted(files):
        file = files[path]
        whole = owners.get(file.conversation) if file.conversation else None
        for row in (*file.rows, *file.loose):
            owner = whole if file.conversation else owners.get(row.conversation)
            before = best.get(row.key)
            if before is None or _is_better(row, owner, before):
                best[row.key] = (row, file.type, owner)
    for row, type_, owner in best.values():
        yield CountedAnswer(row, type_, owner)


def _is_better(row: TokenRow, owner: Owner | None, before: tuple[TokenRow, str, Owner | None]) -> bool:
    total, other = row.total, before[0].total
    if total != other:
        return total > other
    return owner is not None and before[2] is None

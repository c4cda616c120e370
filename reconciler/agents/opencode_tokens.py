"""The tokens that OpenCode stores, as seen with version 1.18.33: beside each answer, with what it cost.

A cost of 0 says nothing: that is also stored for models whose price is not known. What a subtask used belongs to the
conversation that began it. Every change of an answer renews its `time_updated`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from msgspec import Meta, Struct, field

from reconciler.model.tokens import TokenRow

from .opencode import OPENCODE, Build, databases
from .storage import Query
from .subject import AgentEnvironment
from .token_store import Count, Shape, TokenStore, TokenTable, row_key

# A subtask may have subtasks: `root` leads each of them to the conversation that a user sees.
_ANSWERS = (
    "WITH RECURSIVE root(id, top) AS ("
    " SELECT id, id FROM session WHERE parent_id IS NULL"
    " UNION SELECT session.id, root.top FROM session JOIN root ON session.parent_id = root.id)"
    " SELECT message.id, coalesce(root.top, message.session_id), message.time_created, message.data FROM message"
    " LEFT JOIN root ON root.id = message.session_id"
    " WHERE message.time_updated >= ? AND message.data LIKE '%\"tokens\"%'"
)
_EARLIER = (
    "SELECT coalesce(sum(time_created < ?1), 0),"
    " coalesce(sum(CASE WHEN time_created < ?1 THEN time_created END), 0), coalesce(max(time_created), 0) FROM message"
)


class _OpenCodeCache(Struct):
    read: Count = 0
    write: Count = 0


class _OpenCodeTokens(Struct):
    input: Count = 0
    output: Count = 0
    reasoning: Count = 0
    cache: _OpenCodeCache = field(default_factory=_OpenCodeCache)


class _OpenCodeMessage(Struct):
    role: str = ""
    modelID: str | None = None  # noqa: N815 - the name in the database
    tokens: _OpenCodeTokens | None = None
    cost: Annotated[float, Meta(ge=0)] | None = None


_MESSAGE = Shape(_OpenCodeMessage)


def _query(build: Build, subject: AgentEnvironment, since: int) -> Query:
    return Query(databases(build, subject), _ANSWERS, (str(since),))


def _earlier(build: Build, subject: AgentEnvironment, than: int) -> Query:
    return Query(databases(build, subject), _EARLIER, (str(than),))


def _read(row: Sequence[object]) -> TokenRow | None:
    match row:
        case [str(message), str(conversation), int(created), str(data)]:
            found = _MESSAGE.read(data)
        case _:
            return None
    tokens = found.tokens
    if found.role != "assistant" or tokens is None:
        return None
    return TokenRow(
        key=row_key(message),
        at=created // 1000,
        model=found.modelID or "",
        input=tokens.input,
        output=tokens.output + tokens.reasoning,
        cache_read=tokens.cache.read,
        cache_write=tokens.cache.write,
        usd=found.cost or None,
        conversation=conversation,
    )


def token_store_of(build: Build) -> TokenStore:
    """The token store of OpenCode, or of a CLI that is made from it."""
    return TokenStore(table=TokenTable(query=partial(_query, build), earlier=partial(_earlier, build), read=_read))


TOKENS = token_store_of(OPENCODE)

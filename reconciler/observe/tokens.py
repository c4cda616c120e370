"""Read what the CLIs stored about tokens; what is known from an earlier look is not read again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from reconciler.agents.storage import Query
from reconciler.agents.subject import AgentEnvironment
from reconciler.agents.token_store import Damaged, TokenDocuments, TokenLines, TokenStore, TokenTable
from reconciler.model.observed import ABSENT, Observed, Present, Unknown
from reconciler.model.tokens import FileMark, TokenFile, TokenReaderState, TokenRow, Unread
from reconciler.ports import growing_files
from reconciler.ports.database import ask
from reconciler.ports.world import Files

_MOST_ROWS = 100_000_000
_LATEST = 60_000  # milliseconds: a row of a database may be stored so long after the time that it has
_BESIDE = "-wal"  # what SQLite has not yet written into the database itself


class TokenPlace(Struct, frozen=True):
    """A store of a CLI, as the agent with this environment sees it; `type` is the name of the CLI's profile."""

    type: str
    store: TokenStore
    subject: AgentEnvironment


class TokensSeen(Struct, frozen=True):
    """All files with tokens, by path, and those that could not be read."""

    files: Mapping[str, TokenFile]
    unread: tuple[Unread, ...] = ()


class _AskedTable(Struct, frozen=True):
    """The table of a database, as the agent with this environment sees it."""

    table: TokenTable
    subject: AgentEnvironment


class _AskedStore(Struct, frozen=True):
    """A file or a database to read, and how."""

    type: str
    lines: TokenLines | None = None
    table: _AskedTable | None = None
    documents: TokenDocuments | None = None


def read_tokens(
    places: Iterable[TokenPlace], known: Mapping[str, TokenFile], files: Files, since: int = 0
) -> TokensSeen:
    """The tokens in the stores, as they are now; `known` is what an earlier look found.

    Files that were not written since `since`, in Unix seconds, are left out: they have no answers of that time.
    """
    found: dict[str, TokenFile] = {}
    unread: list[Unread] = []
    for path, asked in _asked(places, files, unread):
        if since and not _was_written(path, asked, since):
            continue
        match _read(path, asked, known.get(path)):
            case Present(file):
                found[path] = file
            case Unknown(reason):
                unread.append(Unread(path, reason, asked.type))
    return TokensSeen(found, tuple(unread))


def _was_written(path: str, asked: _AskedStore, since: int) -> bool:
    """Whether a file was written since then; one that cannot be looked at is read, which says why not."""
    now = growing_files.mark(path) if asked.lines else _database_mark(path)
    return not isinstance(now, Present) or now.value.mtime_ns >= since * 1_000_000_000


def still_there(known: Mapping[str, TokenFile], seen: TokensSeen) -> dict[str, TokenFile]:
    """What to remember: what was seen, and what an earlier look found elsewhere and is still there."""
    others = (path for path in known if path not in seen.files)
    kept = {path: known[path] for path in others if isinstance(growing_files.mark(path), Present)}
    return {**kept, **seen.files}


def _asked(places: Iterable[TokenPlace], files: Files, unread: list[Unread]) -> Iterator[tuple[str, _AskedStore]]:
    """Each file once, however many agents share the store."""
    patterns: dict[str, _AskedStore] = {}
    for place in places:
        lines, table = place.store.lines, place.store.table
        for pattern in lines.files(place.subject) if lines else ():
            patterns.setdefault(pattern, _AskedStore(place.type, lines=lines))
        documents = place.store.documents
        for pattern in documents.files(place.subject) if documents else ():
            patterns.setdefault(pattern, _AskedStore(place.type, documents=documents))
        if table:
            pattern = table.query(place.subject, 0).pattern
            patterns.setdefault(pattern, _AskedStore(place.type, table=_AskedTable(table, place.subject)))
    done: set[str] = set()
    for pattern, asked in patterns.items():
        match files.find(pattern):
            case Present(paths):
                yield from ((path, asked) for path in paths if path not in done)
                done.update(paths)
            case Unknown(reason):
                unread.append(Unread(pattern, reason, asked.type))


def _read(path: str, asked: _AskedStore, known: TokenFile | None) -> Observed[TokenFile]:
    if known and (known.type, known.fields) != (asked.type, asked.lines.fields if asked.lines else ""):
        known = None
    try:
        if asked.lines:
            return _of_lines(path, asked.type, asked.lines, known)
        if asked.documents:
            return _of_document(path, asked.type, asked.documents, known)
        if asked.table:
            return _of_table(path, asked.type, asked.table, known)
    except OSError as error:
        return Unknown(error.strerror or str(error))
    return ABSENT


# --- files of lines ---------------------------------------------------------------------------


def _of_lines(path: str, type_: str, lines: TokenLines, known: TokenFile | None) -> Observed[TokenFile]:
    if why := lines.unreadable(path):
        return Unknown(why)
    now = growing_files.mark(path)
    if not isinstance(now, Present):
        return now
    if known and known.mark == now.value and known.offset == now.value.size:
        return Present(known)
    begun = known if known and _goes_on(path, known, now.value) else None
    fresh = begun or TokenFile(type=type_, mark=now.value, conversation=lines.owner(path), fields=lines.fields)
    return Present(_continued(path, replace(fresh, mark=now.value), lines))


def _goes_on(path: str, known: TokenFile, now: FileMark) -> bool:
    """Whether the file only became longer; one that was written, and is as long as before, was rewritten."""
    same = (known.mark.device, known.mark.inode) == (now.device, now.inode)
    grew = now.size > known.mark.size or now == known.mark
    return same and grew and growing_files.before(path, known.offset) == known.before


def _continued(path: str, file: TokenFile, lines: TokenLines) -> TokenFile:
    rows = {row.key: row for row in file.rows}
    carried, offset, damaged = file.carried, file.offset, file.damaged
    loose: tuple[TokenRow, ...] = ()
    for block, end in growing_files.blocks(path, offset):
        if end == offset:
            loose = _loose(block, lines, carried)
            break
        for line in _marked(block, lines):
            try:
                found, carried = lines.read(line, carried)
            except Damaged:
                damaged += 1
                continue
            _add(rows, found, lines)
        offset = end
    return replace(
        file,
        offset=offset,
        before=growing_files.before(path, offset),
        carried=carried,
        rows=tuple(_placed(rows.values(), file.conversation)),
        loose=tuple(_placed(loose, file.conversation)),
        damaged=damaged,
    )


def _marked(block: bytes, lines: TokenLines) -> Iterator[bytes]:
    """The lines that may say something about tokens; most do not, and need not be decoded."""
    marks, head = lines.marks, lines.head
    for line in block.split(b"\n"):
        start = line if head is None else line[:head]
        for each in marks:
            if each in start:
                yield line
                break


def _loose(line: bytes, lines: TokenLines, carried: TokenReaderState) -> tuple[TokenRow, ...]:
    """The rows of a line that may still be written; a part of a line is no mistake."""
    try:
        return tuple(row for each in _marked(line, lines) for row in lines.read(each, carried)[0])
    except Damaged:
        return ()


def _add(rows: dict[int, TokenRow], found: Sequence[TokenRow], lines: TokenLines) -> None:
    for row in found:
        before = rows.get(row.key)
        if before is None or lines.last or row.total > before.total:
            rows[row.key] = row


def _placed(rows: Iterable[TokenRow], conversation: str) -> Iterator[TokenRow]:
    """The rows without their conversation where the file has one for all of them."""
    for row in rows:
        yield replace(row, conversation="") if conversation and row.conversation else row


# --- documents --------------------------------------------------------------------------------


def _of_document(path: str, type_: str, documents: TokenDocuments, known: TokenFile | None) -> Observed[TokenFile]:
    """A document that was written since is read anew, if it can be read; it may be written at this moment."""
    now = growing_files.mark(path)
    if not isinstance(now, Present):
        return now
    if known and known.mark == now.value:
        return Present(known)
    content = b"".join(block for block, _ in growing_files.blocks(path, 0))
    try:
        rows = documents.read(content)
    except Damaged:
        return Present(known or TokenFile(type=type_, mark=now.value, damaged=1))
    counted = tuple(row for row in rows if row.total)
    return Present(TokenFile(type=type_, mark=now.value, conversation=documents.owner(path), rows=counted))


# --- databases --------------------------------------------------------------------------------


def _of_table(path: str, type_: str, asked: _AskedTable, known: TokenFile | None) -> Observed[TokenFile]:
    """Of a database that was only added to, the rows that were written since the last look; else all of them."""
    now = _database_mark(path)
    if not isinstance(now, Present):
        return now
    if known and known.mark == now.value:
        return Present(known)
    begun = known if known and _is_added_to(path, asked, known, now.value) else None
    file = begun or TokenFile(type=type_, mark=now.value)
    last = _earlier(path, asked, 0)
    answer = _answer(path, asked.table.query(asked.subject, file.offset))
    if not isinstance(last, Present):
        return last
    if not isinstance(answer, Present):
        return answer
    since = max(file.offset, (last.value[2] - _LATEST) // 1000 * 1000)  # whole seconds, as the rows have them
    before = _earlier(path, asked, since)
    if not isinstance(before, Present):
        return before
    rows, damaged = _table_rows(answer.value, asked.table)
    kept = {row.key: row for row in file.rows if row.at < file.offset // 1000}
    return Present(
        replace(
            file,
            mark=now.value,
            offset=since,
            before=_digest(before.value),
            rows=tuple((kept | {row.key: row for row in rows}).values()),
            damaged=damaged,
        )
    )


def _is_added_to(path: str, asked: _AskedTable, known: TokenFile, now: FileMark) -> bool:
    """Whether the rows before the last look are still there. Where some were damaged, all are read again."""
    same = (known.mark.device, known.mark.inode) == (now.device, now.inode)
    if not same or known.damaged or not known.before:
        return False
    earlier = _earlier(path, asked, known.offset)
    return isinstance(earlier, Present) and _digest(earlier.value) == known.before


def _earlier(path: str, asked: _AskedTable, than: int) -> Observed[tuple[int, int, int]]:
    match _answer(path, asked.table.earlier(asked.subject, than)):
        case Present([[int(count), int(times), int(last)], *_]):
            return Present((count, times, last))
        case Present():
            return Unknown("the times of its rows are not numbers")
        case other:
            return other


def _answer(path: str, query: Query) -> Observed[tuple[tuple[object, ...], ...]]:
    return ask(path, query.statement, query.parameters, most=_MOST_ROWS)


def _digest(earlier: tuple[int, int, int]) -> bytes:
    count, times, _ = earlier
    return f"{count} {times}".encode()


def _database_mark(path: str) -> Observed[FileMark]:
    """The mark of a database with what is written beside it."""
    match growing_files.mark(path), growing_files.mark(path + _BESIDE):
        case Present(own), Present(beside):
            return Present(FileMark(own.device, own.inode, own.size + beside.size, max(own.mtime_ns, beside.mtime_ns)))
        case own, _:
            return own


def _table_rows(answer: Iterable[Sequence[object]], table: TokenTable) -> tuple[tuple[TokenRow, ...], int]:
    rows: list[TokenRow] = []
    damaged = 0
    for each in answer:
        try:
            row = table.read(each)
        except Damaged:
            damaged += 1
            continue
        rows += [row] if row and row.total else []
    return tuple(rows), damaged

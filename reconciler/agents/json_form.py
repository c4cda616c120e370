"""Read what a CLI stores as JSON by the names of its fields: heads of conversations, notes, messages, settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from reconciler.model.activity import Activity, LiveAgent
from reconciler.model.digits import number_in
from reconciler.model.moment import unix

from .binding import LiveNote
from .form import DatabaseForm, HeadForm, MessagesForm, NotesForm, TrustForm
from .jsonl import document, objects, parsed, table, written
from .launch import CWD
from .message import StoredMessage, texts
from .path_form import PathForms
from .storage import Query, StoredHead
from .subject import AgentEnvironment

_MILLISECONDS = 100_000_000_000  # a time above this is in milliseconds: in seconds it would be after the year 5000


def field_value(found: Mapping[str, Any], field: str) -> object:
    """The value of a field, keys with dots between them; None when it is missing."""
    value: object = found
    for key in field.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def field_text(found: Mapping[str, Any], fields: Sequence[str]) -> str:
    """The first text in one of the fields, or an empty text."""
    return next((value for each in fields if isinstance(value := field_value(found, each), str)), "")


def field_number(found: Mapping[str, Any], fields: Sequence[str]) -> int | None:
    """The first whole number in one of the fields, also when it is written as text."""
    values = (field_value(found, each) for each in fields)
    return next((number_in(str(value)) for value in values if isinstance(value, int | str)), None)


def field_time(found: Mapping[str, Any], fields: Sequence[str]) -> int:
    """The first time in one of the fields as Unix seconds: ISO 8601 with a zone, or a number; 0 when there is none."""
    return next((at for each in fields if (at := _time(field_value(found, each)))), 0)


def _time(value: object) -> int:
    if isinstance(value, str):
        return int(unix(value) or 0)
    return seconds(value) if isinstance(value, int | float) and value > 0 else 0


def seconds(value: float) -> int:
    """Seconds of a time in seconds or milliseconds."""
    return int(value / 1000 if value > _MILLISECONDS else value)


class HeadReader(Struct, frozen=True):
    """Reads the beginning of a stored conversation, from its path and its first lines."""

    paths: PathForms
    head: HeadForm | None = None

    def __call__(self, path: str, data: bytes) -> StoredHead | None:
        """What it says; None when neither the path nor a line names a conversation."""
        said = self.paths.match(path)
        lines = list(objects(data)) if self.head else []
        conversation = _first(lines, self.head.id) if self.head else ""
        conversation = conversation or (said or {}).get("id", "")
        if not conversation or (self.paths.id and said is None):
            return None
        return _with_lines(_of_path(conversation, said or {}), lines, self.head)


def _of_path(conversation: str, said: Mapping[str, str]) -> StoredHead:
    digest = said.get("md5")
    return StoredHead(conversation, said.get("cwd", ""), cwd_digest=f"md5:{digest}" if digest else "")


def _with_lines(found: StoredHead, lines: Sequence[Mapping[str, Any]], head: HeadForm | None) -> StoredHead:
    if head is None:
        return found
    digests = (f"{name}:{read}" for name, field in head.cwd_digest.items() if (read := _first(lines, (field,))))
    return found._replace(
        cwd=_first(lines, head.cwd) or found.cwd,
        hidden=any(_is_hidden(line, head) for line in lines),
        cwd_digest=next(digests, found.cwd_digest),
        started=next((at for line in lines if (at := field_time(line, head.started))), 0),
        title=_first(lines, head.title),
    )


def _is_hidden(line: Mapping[str, Any], head: HeadForm) -> bool:
    return any(field_value(line, field) in values for field, values in head.hidden.items())


def _first(lines: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> str:
    return next((read for line in lines if (read := field_text(line, fields))), "")


class NoteReader(Struct, frozen=True):
    """Reads what a CLI wrote down about one of its processes."""

    paths: PathForms
    notes: NotesForm

    def __call__(self, path: str, data: bytes) -> LiveNote | None:
        """The note; None when it names no process or nothing about it, or when its start is no number.

        Without the start, the note does not protect against a reused pid.
        """
        said, note, form = self.paths.match(path), parsed(data), self.notes
        if said is None or (_reads(form) and not note):
            return None
        started = field_number(note, form.started)
        if started is None and any(field_value(note, each) is not None for each in form.started):
            return None
        pid = field_number(note, form.pid)
        pid = number_in(said["pid"]) if pid is None and said.get("pid") else pid
        state = Activity(form.states.get(field_text(note, form.status), Activity.UNKNOWN.value))
        agent = LiveAgent(state, field_text(note, form.id) if form.id else said.get("id", ""))
        return None if pid is None or agent == LiveAgent() else LiveNote(agent, started, pid)


def _reads(form: NotesForm) -> bool:
    return bool(form.id or form.pid or form.started or form.status)


class NotesOfUsers(Struct, frozen=True):
    """The notes of all processes that may use a conversation."""

    paths: PathForms

    def __call__(self, subject: AgentEnvironment, conversation: str) -> tuple[str, ...]:
        """Glob patterns."""
        return self.paths.patterns(subject, session_id=conversation)


class MessageReader(Struct, frozen=True):
    """Reads what was said from one line of a conversation."""

    form: MessagesForm

    def __call__(self, line: Mapping[str, Any]) -> StoredMessage | None:
        """The message; None when the line says something else."""
        form = self.form
        role = form.roles.get(field_text(line, (form.role,)), "")
        if not role or any(field_value(line, key) != value for key, value in form.only.items()):
            return None
        said = texts(field_value(line, form.text), frozenset(form.kinds))
        if not said or any(field_value(line, key) for key in form.without) or _is_own(form, role, said):
            return None
        return StoredMessage(role, said, _optional(line, form.at), _optional(line, form.id))


def _is_own(form: MessagesForm, role: str, said: str) -> bool:
    return role == "user" and bool(form.own) and said.startswith(form.own)


def _optional(line: Mapping[str, Any], field: str) -> str:
    return field_text(line, (field,)) if field else ""


class TrustedFolder(Struct, frozen=True):
    """Adds a folder to the settings of a CLI."""

    form: TrustForm

    def __call__(self, content: bytes, folder: str) -> bytes:
        """The new content, or the same if it says so already. ValueError when the content has another form."""
        settings, form = document(content), self.form
        if form.list:
            trusted = settings.setdefault(form.list, [])
            if not isinstance(trusted, list):
                raise ValueError(f"{form.list} is not a list")
            if folder in trusted:
                return content
            trusted.append(folder)
            return written(settings)
        *above, flag = (folder if key == CWD else key for key in form.flag)
        inner = settings
        for key in above:
            inner = table(inner, key)
        if inner.get(flag) is True:
            return content
        inner[flag] = True
        return written(settings)


class RowsOfFolder(Struct, frozen=True):
    """Asks a database for all conversations of a folder."""

    paths: PathForms
    form: DatabaseForm

    def __call__(self, subject: AgentEnvironment) -> Query:
        """The query."""
        return _query(self.paths, self.form, subject, (self.form.cwd, subject.cwd))


class RowOfId(Struct, frozen=True):
    """Asks a database for the conversation with an id."""

    paths: PathForms
    form: DatabaseForm

    def __call__(self, subject: AgentEnvironment, conversation: str) -> Query:
        """The query."""
        return _query(self.paths, self.form, subject, (self.form.id, conversation))


def _query(paths: PathForms, form: DatabaseForm, subject: AgentEnvironment, where: tuple[str, str]) -> Query:
    """The query. A manifest allows only letters, digits and `_` in these names, so that none can end the statement.

    In brackets, a column that is missing is an error for SQLite; in quotes, it would be a text.
    """
    columns = ", ".join(f"[{each}]" if each else "NULL" for each in _columns(form))
    column, value = where
    statement = f"SELECT {columns} FROM [{form.table}] WHERE [{column}] = ?"  # noqa: S608 - see above
    return Query(paths.patterns(subject)[0], statement, (value,))


def _columns(form: DatabaseForm) -> tuple[str, ...]:
    return form.id, form.cwd, form.hidden, form.title, form.started


def read_row(row: Sequence[object]) -> StoredHead | None:
    """Read a row of either answer; None when it has another form."""
    match row:
        case [str(conversation), str(folder), hidden, title, started]:
            began = seconds(started) if isinstance(started, int | float) else 0
            named = title if isinstance(title, str) else ""
            return StoredHead(conversation, folder, hidden=bool(hidden), started=began, title=named)
        case _:
            return None

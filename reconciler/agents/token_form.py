"""Count tokens by the names of the fields that hold them. Loaded only when tokens are counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from reconciler.model.tokens import MOST, TokenReaderState, TokenRow

from .form import TokensForm, TypeForm
from .json_form import field_text, field_time, field_value
from .jsonl import parsed
from .path_form import OF_FOLDER, PathForms, StorePlaces
from .token_store import Damaged, TokenLines, TokenStore, row_key


def declared_store(form: TypeForm) -> TokenStore | None:
    """The token store of a type that names its fields; None when it names none."""
    fields = form.usage
    if fields is None:
        return None
    variables = tuple(form.variables.items())
    files = fields.files or tuple(_in_any_folder(each) for each in form.artifacts)
    return TokenStore(
        lines=TokenLines(
            files=StorePlaces(files, variables, form.id),
            owner=OwnerByPath(PathForms(form.artifacts, variables, form.id)),
            marks=tuple(f'"{each.rpartition(".")[2]}"'.encode() for each in fields.output or fields.input),
            read=FieldsReader(fields),
            fields=sha256(msgspec.json.encode((form.artifacts, fields))).hexdigest()[:16],
        ),
        provider=fields.provider,
    )


def _in_any_folder(template: str) -> str:
    for name in OF_FOLDER:
        template = template.replace(f"{{{name}}}", "*")
    return template


class OwnerByPath(Struct, frozen=True):
    """The conversation that a file belongs to."""

    paths: PathForms

    def __call__(self, path: str) -> str:
        """Its id; empty when the path does not say it."""
        return (self.paths.match(path) or {}).get("id", "")


class FieldsReader(Struct, frozen=True):
    """Reads one line with the tokens of an answer."""

    fields: TokensForm

    def __call__(self, line: bytes, carried: TokenReaderState) -> tuple[Sequence[TokenRow], TokenReaderState]:
        """The row of the line, if it has tokens. Raises Damaged."""
        found, fields = parsed(line), self.fields
        if not found:
            raise Damaged("not a JSON object")
        read, written = _count(found, fields.cache_read), _count(found, fields.cache_write)
        asked = _count(found, fields.input)
        row = TokenRow(
            key=row_key(field_text(found, fields.id) or line.decode(errors="replace")),
            at=field_time(found, fields.at),
            model=field_text(found, fields.model),
            input=max(0, asked - read - written) if fields.input_with_cache else asked,
            output=_count(found, fields.output),
            cache_read=read,
            cache_write=written,
            usd=_money(found, fields.usd),
            conversation=field_text(found, fields.conversation),
        )
        return ((row,) if row.total else ()), carried


def _count(found: Mapping[str, Any], fields: Sequence[str]) -> int:
    """The sum of the fields. Raises Damaged for a value that is no number of tokens."""
    return sum(_tokens(field_value(found, each)) for each in fields)


def _tokens(value: object) -> int:
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST:
        raise Damaged("not a number of tokens")
    return value


def _money(found: Mapping[str, Any], fields: Sequence[str]) -> float | None:
    values = [value for each in fields if isinstance(value := field_value(found, each), int | float)]
    return sum(values) or None if all(value >= 0 for value in values) else None

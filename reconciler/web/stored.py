"""The small JSON files of the server, which only this user can read."""

from __future__ import annotations

import os
from typing import TypeVar

from msgspec import DecodeError
from msgspec.json import Decoder, encode

from reconciler.model.errors import ReconcilerError
from reconciler.ports import own_files
from reconciler.ports.private_files import read_private

_T = TypeVar("_T")
_LIMIT = 1 << 20


def stored(folder: str, name: str, kind: type[_T]) -> _T | None:
    """The content of a file; None if there is none. Raises ReconcilerError if it cannot be used."""
    path = os.path.join(folder, name)
    try:
        return Decoder(kind).decode(read_private(folder, name, _LIMIT))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReconcilerError(f"{path} cannot be used", detail=error.strerror or "") from error
    except DecodeError as error:
        raise ReconcilerError(f"{path} is damaged", detail=str(error), fix=f"remove it: rm {path}") from error


def store(folder: str, name: str, content: object) -> None:
    """Replace the content of a file (0600). Raises ReconcilerError."""
    try:
        own_files.make_folder(folder, 0o700)
        own_files.replace(os.path.join(folder, name), encode(content), 0o600)
    except OSError as error:
        raise ReconcilerError(f"{os.path.join(folder, name)} cannot be written", detail=error.strerror or "") from error

"""Move files into a folder where they are kept, but no longer used."""

from __future__ import annotations

import os
from collections.abc import Iterable

from reconciler.model.errors import ReconcilerError


def put_aside(paths: Iterable[str], folder: str) -> None:
    """Move the files that exist into `folder`, in order. The folder is created (0700) when missing.

    Raises:
        ReconcilerError: A file cannot be moved. It and the files after it stay where they are.
    """
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        for path in paths:
            if os.path.lexists(path):
                os.rename(path, os.path.join(folder, os.path.basename(path)))
    except OSError as error:
        raise ReconcilerError(f"cannot move files into {folder}", detail=str(error)) from error

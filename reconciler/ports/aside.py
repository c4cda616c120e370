"""Files that are put where they are kept and no longer count."""

from __future__ import annotations

import os
from collections.abc import Iterable

from reconciler.model.errors import ReconcilerError


def put_aside(paths: Iterable[str], folder: str) -> None:
    """Move those that are there into `folder`, in their order; it is made (0700) when missing.

    Raises:
        ReconcilerError: One cannot be moved; those after it stay, too.
    """
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        for path in paths:
            if os.path.lexists(path):
                os.rename(path, os.path.join(folder, os.path.basename(path)))
    except OSError as error:
        raise ReconcilerError(f"cannot put files aside in {folder}", detail=str(error)) from error

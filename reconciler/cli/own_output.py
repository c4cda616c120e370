"""Recognise the file that standard output is redirected to."""

from __future__ import annotations

import os
import stat


def is_own_output(path: str) -> bool:
    """Whether standard output is redirected to this file, which the shell created or emptied.

    Example: `reconciler ... > manifests/new.yaml`. Only commands that change nothing may ignore the file. Other
    commands must report the emptied manifest: without it, everything it declared would be ended.
    """
    try:
        output, file = os.fstat(1), os.stat(path)
    except OSError:
        return False
    return stat.S_ISREG(file.st_mode) and not file.st_size and os.path.samestat(output, file)

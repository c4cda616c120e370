"""The file that a command prints into, where that is one."""

from __future__ import annotations

import os
import stat


def is_own_output(path: str) -> bool:
    """Whether the shell has made or emptied this file for what we print: `reconciler ... > manifests/new.yaml`.

    Only commands that change nothing may leave such a file out. For the others an emptied manifest is a mistake: all
    that it declared would be ended.
    """
    try:
        output, file = os.fstat(1), os.stat(path)
    except OSError:
        return False
    return stat.S_ISREG(file.st_mode) and not file.st_size and os.path.samestat(output, file)

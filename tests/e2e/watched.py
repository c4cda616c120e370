"""The command line in a process that ends with status 99 as soon as it opens anything for writing."""

from __future__ import annotations

import os
import sys

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {"chmod", "chown", "link", "mkdir", "remove", "rename", "rmdir", "symlink", "truncate", "utime"}


def watch(event: str, arguments: tuple) -> None:
    if event in {f"os.{name}" for name in CHANGES} or (event == "open" and writes(*arguments)):
        os.write(2, f"{event} {arguments}\n".encode())
        os._exit(99)


def writes(path: object, _mode: object, flags: int) -> bool:
    """True for a file; a number is a pipe that is open already."""
    return isinstance(path, str | bytes) and path != os.devnull and bool(flags & WRITING)


if __name__ == "__main__":
    from reconciler.__main__ import main

    sys.addaudithook(watch)
    main()

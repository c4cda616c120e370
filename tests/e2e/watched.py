"""The command line in a process that ends with status 99 as soon as it opens anything for writing.

With $ALONE it may not start or look at any process either, nor connect to one.
"""

from __future__ import annotations

import os
import sys

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {"chmod", "chown", "link", "mkdir", "remove", "rename", "rmdir", "symlink", "truncate", "utime"}
LIVE = {"subprocess.Popen", "os.posix_spawn", "os.fork", "os.exec", "os.system", "os.kill", "socket.connect"}


def watch(event: str, arguments: tuple) -> None:
    if "ALONE" in os.environ and (event in LIVE or reads_processes(event, arguments)):
        os.write(2, f"{event} {arguments}\n".encode())
        os._exit(99)
    if event in {f"os.{name}" for name in CHANGES} or (event == "open" and writes(*arguments)):
        os.write(2, f"{event} {arguments}\n".encode())
        os._exit(99)


def reads_processes(event: str, arguments: tuple) -> bool:
    return event in {"open", "os.listdir", "os.scandir"} and str(arguments[0]).startswith("/proc")


def writes(path: object, _mode: object, flags: int) -> bool:
    """True for a file; a number is a pipe that is open already."""
    return isinstance(path, str | bytes) and path != os.devnull and bool(flags & WRITING)


if __name__ == "__main__":
    from reconciler.__main__ import main

    sys.addaudithook(watch)
    main()

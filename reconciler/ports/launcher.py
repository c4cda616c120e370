"""Become an agent that has secrets in its environment: `python -I launcher.py FILE -- ARGV...`.

Runs as a script, without the package around it. FILE holds NAME=VALUE entries that end with NUL,
as /proc/PID/environ does, and is gone before the agent begins.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence


def encode(secrets: Mapping[str, str]) -> bytes:
    """The content of FILE."""
    return b"".join(os.fsencode(f"{name}={value}\0") for name, value in secrets.items())


def take(file: str) -> dict[str, str]:
    """The secrets in `file`, which is removed."""
    with open(file, "rb") as content:
        os.unlink(file)
        entries = os.fsdecode(content.read()).split("\0")[:-1]
    return dict(entry.split("=", 1) for entry in entries)


def main(arguments: Sequence[str]) -> int:
    """Never returns when all goes well; 127, as a shell does, when the agent cannot be run."""
    file, _, *argv = arguments
    try:
        os.environ.update(take(file))
        os.execvp(argv[0], argv)  # noqa: S606 - the point: same pid, no shell
    except OSError as error:
        print(f"{argv[0]!a}: {error.strerror}", file=sys.stderr)  # noqa: T201 - the pane is where it is read
        return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

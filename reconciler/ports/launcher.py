"""Exec an agent with secrets in its environment: `python -I launcher.py SOCKET KEY -- ARGV...`.

It runs as a script, without importing the package. The process at SOCKET sends the secrets for KEY, once: their length
in 8 bytes, then NAME=VALUE entries that each end with NUL, as in /proc/PID/environ.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping, Sequence

_SECONDS = 30.0
_LENGTH = 8
_MISSING = "its secrets did not arrive, because reconciler has ended: run `reconciler apply` again"


def encode(secrets: Mapping[str, str]) -> bytes:
    """The bytes that the launcher receives."""
    content = b"".join(os.fsencode(f"{name}={value}\0") for name, value in secrets.items())
    return len(content).to_bytes(_LENGTH, "big") + content


def take(address: str, key: str) -> dict[str, str]:
    """The secrets for `key`. Raises OSError when they do not arrive completely."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(_SECONDS)
        line.connect(address)
        line.sendall(key.encode())
        with line.makefile("rb") as answer:
            size = int.from_bytes(answer.read(_LENGTH), "big")
            content = answer.read(size)
    if not size or len(content) != size:
        raise OSError(0, _MISSING)
    return dict(entry.split("=", 1) for entry in os.fsdecode(content).split("\0")[:-1])


def main(arguments: Sequence[str]) -> int:
    """Become the agent. Returns only if that fails: 127, like a shell."""
    address, key, _, *argv = arguments
    try:
        secrets = take(address, key)
    except OSError:
        print(f"{argv[0]!a}: {_MISSING}", file=sys.stderr)  # noqa: T201 - the user reads it in the pane
        return 127
    try:
        os.environ.update(secrets)
        os.execvp(argv[0], argv)  # noqa: S606 - the point: same pid, no shell
    except OSError as error:
        print(f"{argv[0]!a}: {error.strerror}", file=sys.stderr)  # noqa: T201 - as above
        return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

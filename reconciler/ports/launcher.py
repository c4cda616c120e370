"""Become an agent that has secrets in its environment: `python -I launcher.py SOCKET KEY -- ARGV...`.

Runs as a script, without the package around it. Whoever listens on SOCKET gives the secrets for KEY, once: NAME=VALUE
entries that end with NUL, as /proc/PID/environ has them, after their length in 8 bytes.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping, Sequence

_SECONDS = 30.0
_LENGTH = 8
_MISSING = "its secrets did not come, since reconciler has ended: run `reconciler apply` again"


def encode(secrets: Mapping[str, str]) -> bytes:
    """What the launcher is given."""
    content = b"".join(os.fsencode(f"{name}={value}\0") for name, value in secrets.items())
    return len(content).to_bytes(_LENGTH, "big") + content


def take(address: str, key: str) -> dict[str, str]:
    """The secrets that wait under `key`; raises OSError when they do not come, or not all of them."""
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
    """Never returns when all goes well; 127, as a shell does, when the agent cannot be run."""
    address, key, _, *argv = arguments
    try:
        secrets = take(address, key)
    except OSError:
        print(f"{argv[0]!a}: {_MISSING}", file=sys.stderr)  # noqa: T201 - the pane is where it is read
        return 127
    try:
        os.environ.update(secrets)
        os.execvp(argv[0], argv)  # noqa: S606 - the point: same pid, no shell
    except OSError as error:
        print(f"{argv[0]!a}: {error.strerror}", file=sys.stderr)  # noqa: T201 - as above
        return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

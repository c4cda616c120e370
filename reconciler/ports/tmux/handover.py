"""Secrets on their way to an agent: in a file that its launcher reads once and removes.

Neither argv, nor the tmux server's environment, nor any file holds them afterwards.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from reconciler.ports import launcher
from reconciler.ports.world import Clock

_LAUNCH_SECONDS = 30


class Handover:
    """A private folder that lives no longer than the secrets in it are on their way."""

    def __init__(self, parent: str | None, clock: Clock) -> None:
        """The folder is made in `parent` (default: the temporary folder) when the first secret comes."""
        self._parent = parent
        self._clock = clock
        self._folder = ""
        self._readers: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not self._folder:
            return
        import shutil  # noqa: PLC0415 - few agents have secrets

        deadline = self._clock.monotonic() + _LAUNCH_SECONDS
        while self._unread() and self._clock.monotonic() < deadline:
            self._clock.wait(0.005)
        shutil.rmtree(self._folder, ignore_errors=True)

    def launch(self, secrets: Mapping[str, str], argv: tuple[str, ...]) -> tuple[str, ...]:
        """The command that becomes `argv` (by exec: same pid) with `secrets` in its environment."""
        file = self._put(secrets)
        return (sys.executable, "-I", "-S", launcher.__file__, file, "--", *argv)

    def expect(self, launch: tuple[str, ...], pid: int) -> None:
        """Process `pid` runs the command that `launch` gave: wait for it before the end."""
        self._readers[launch[4]] = pid

    def _put(self, secrets: Mapping[str, str]) -> str:
        import tempfile  # noqa: PLC0415 - few agents have secrets

        self._folder = self._folder or tempfile.mkdtemp(prefix="reconciler-", dir=self._parent)  # 0700
        descriptor, file = tempfile.mkstemp(dir=self._folder)  # 0600
        with open(descriptor, "wb") as content:
            content.write(launcher.encode(secrets))
        return file

    def _unread(self) -> bool:
        return any(Path(file).exists() and _is_alive(pid) for file, pid in self._readers.items())


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

"""Work that is killed in between, for real: SIGKILL in a child process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from reconciler.broker.files import sets

_CHANGING = ("mkdir", "open", "rename", "fsync", "unlink", "rmdir", "fchmod", "posix_spawn")


def killed_after(steps: int, work: Callable[[], None]) -> bool:
    """Run `work` in a child that is killed when it has changed the disk `steps` times; False when it got through."""
    child = os.fork()
    if child == 0:
        try:
            _count_down(steps)
            work()
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or status == 0, "the work failed before it was killed"
    return os.WIFSIGNALED(status)


def _count_down(steps: int) -> None:
    left = [steps]

    def watched(real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return real(*args, **kwargs)

        return call

    for name in _CHANGING:
        setattr(os, name, watched(getattr(os, name)))
    sets._exchange = watched(sets._exchange)  # type: ignore[assignment]

"""Make a tmux server create its deleted socket again, with a signal (server_signal in tmux's server.c)."""

from __future__ import annotations

import os
import signal

from reconciler.model.errors import ReconcilerError
from reconciler.ports.world import Processes

_ITS_FOLDER = "tmux-"  # tmux creates this folder of a user only when it starts


def remake_socket(pid: int, socket: str, processes: Processes) -> None:
    """Signal the tmux server `pid` to create its socket again. The folder for it is created first.

    The signal would end any other program, so it is sent only to a tmux process of this user.

    Raises:
        ReconcilerError: The process is not a tmux server of this user, or the folder cannot be created.
    """
    name = next((name for _, name in processes.ancestry(pid)), "")
    if not name.startswith("tmux") or processes.user(pid):
        fix = f"if it is your tmux server: kill -USR1 {pid}"
        raise ReconcilerError(f"nothing proves that process {pid} is a tmux server of yours", fix=fix)
    _make_folder(os.path.dirname(socket))
    try:
        os.kill(pid, signal.SIGUSR1)
    except OSError as error:
        raise ReconcilerError(f"tmux server {pid} cannot be signalled", detail=str(error)) from error


def _make_folder(folder: str) -> None:
    if not os.path.basename(folder).startswith(_ITS_FOLDER):
        return
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        return
    except OSError as error:
        raise ReconcilerError(f"{folder} cannot be made: {error.strerror}") from error

"""A manifest to start from, and the lines that .gitignore needs."""

from __future__ import annotations

import os
import stat

from reconciler.model.errors import ReconcilerError
from reconciler.ports import own_files

_STARTER = """\
# What should run here, for `reconciler plan` and `reconciler apply`.
version: 1

# tmux: {socket: lab}            # a tmux server of its own: attach with `tmux -L lab attach`

workspaces:
  main:                          # a name of your choice
    path: .                      # the folder to work in; made when it is missing
    agents:
      claude: {}                 # a Claude Code session, called main-creator-claude
      # review:
      #   type: claude           # the CLI; the agent's name when left out
      #   role: reviewer         # session main-reviewer-review
      #   args: [--model, opus]
      #   env: {TOKEN: {from_env: REVIEW_TOKEN}}    # secrets only by reference
      #   prompt: Read README.md, then wait.        # the first prompt of a new conversation
      #   depends_on: [claude]
"""
_IGNORED = (".hermes/", ".mam/", ".cache/", "delegate_job_logs/")


def start(folder: str) -> list[str]:
    """Write the missing files into the folder; nothing is overwritten. Returns sentences about what was done.

    Raises:
        ReconcilerError: The folder is not writable.
    """
    manifest = os.path.join(folder, "reconciler.yaml")
    try:
        return [_write_new(manifest), *_add_lines(os.path.join(folder, ".gitignore"))]
    except OSError as error:
        fix = "make sure that the folder exists and is writable"
        raise ReconcilerError(f"cannot write in {folder}", detail=error.strerror or "", fix=fix) from error


def _write_new(path: str) -> str:
    if os.path.lexists(path) or not own_files.create(path, _STARTER.encode(), _mode()):
        return f"{path} already exists: left unchanged"
    return f"{path} written"


def _add_lines(path: str) -> list[str]:
    """Append the missing lines; existing ones are not changed."""
    present, mode = b"", _mode()
    if os.path.exists(path):
        with own_files.regular(path) as file:
            present, mode = file.read(), stat.S_IMODE(os.stat(path).st_mode)
    missing = [line for line in _IGNORED if line.encode() not in present.split()]
    if not missing:
        return []
    gap = b"" if not present or present.endswith(b"\n") else b"\n"
    own_files.replace(path, present + gap + "".join(f"{line}\n" for line in missing).encode(), mode)
    return [f"{path}: added {', '.join(missing)}"]


def _mode() -> int:
    """The mode that any new file gets."""
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask

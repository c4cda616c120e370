"""Agent CLIs from npm, each version in a folder of its own, installed once."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

_HOME = Path.home()  # read before a test gets a home of its own: npm's settings are there
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or _HOME / ".cache") / "reconciler-real"
_SECONDS = 600


def installed(package: str, version: str, beside: Sequence[str] = ()) -> Path:
    """The folder of the programs of this version; the test is skipped, with the reason, where it cannot be had."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not on the PATH")
    folder = CACHE / f"{package}@{version}"
    if not folder.exists():
        _install((f"{package}@{version}", *beside), folder)
    return folder / "node_modules" / ".bin"


def npm_environment() -> dict[str, str]:
    """The environment in which npm finds its settings."""
    return {**os.environ, "HOME": str(_HOME)}


def _install(wanted: Sequence[str], folder: Path) -> None:
    """All of it or nothing: an interrupted one leaves another folder behind, and that is taken up again."""
    unfinished = folder.with_name(f"{folder.name}.part")
    unfinished.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--prefix", str(unfinished), "--no-audit", "--no-fund", "--loglevel=error", *wanted]
    try:
        subprocess.run(
            command, check=True, cwd=unfinished, env=npm_environment(), capture_output=True, text=True, timeout=_SECONDS
        )
    except subprocess.CalledProcessError as error:
        pytest.skip(f"npm cannot install {' '.join(wanted)}: {error.stderr.strip()[-300:]}")
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install {' '.join(wanted)} in {_SECONDS} s")
    unfinished.rename(folder)

"""The tar of `make wheels` for the Python of the hosts; made if it is not there."""

from __future__ import annotations

import subprocess
from pathlib import Path

from machines import ROOT, Rig

from reconciler import __version__

_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


def wheel_tar(rig: Rig) -> Path:
    python = rig.hosts["one"].run("python3", "-c", _VERSION).stdout.strip()
    pattern = f"reconciler-{__version__}-cp{python.replace('.', '')}-*.tar"
    if not list((ROOT / "dist").glob(pattern)):
        done = subprocess.run([ROOT / ".ci" / "wheels", python], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return max((ROOT / "dist").glob(pattern))

"""The same drive for every CLI and every version: `make test-real ARGS=--all-versions`, or `ARGS=--newest`.

`ARGS="--drive codex@0.156.0"` drives any other version. Only what `--all-versions` drives is recorded.
"""

from __future__ import annotations

import shutil
import time

import drive
import pytest
from clis import DRIVEN, Cli
from install import CACHE
from matrix import record
from real_project import RealProject


def test_a_version_passes_the_drive(
    project: RealProject, driven_cli: Cli, pytestconfig: pytest.Config, request: pytest.FixtureRequest
) -> None:
    folder = CACHE / f"{driven_cli.package}@{driven_cli.version}"
    if not folder.exists() and not pytestconfig.getoption("keep"):
        request.addfinalizer(lambda: shutil.rmtree(folder, ignore_errors=True))
    verdicts = drive.driven(drive.Drive(project, driven_cli))
    row = {
        "cli": driven_cli.name,
        "version": driven_cli.version,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "steps": drive.document(verdicts),
    }
    request.node.user_properties.append(("row", row))
    if pytestconfig.getoption("all_versions") and driven_cli in DRIVEN:
        record(row)
    failed = drive.failures(verdicts)
    assert not failed, "\n".join(f"{step}: {each.outcome}: {each.seen}\n{each.screen}" for step, each in failed)

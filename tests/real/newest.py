"""The newest version of each CLI on npm, and what it no longer does as the newest one that is recorded did."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from clis import DRIVEN, Cli
from install import npm_environment
from matrix import Outcome, newest, number

_SECONDS = 60


def newest_clis() -> list[Cli]:
    """Each CLI in the newest version, which is named: by itself, npm takes an older one that fits an older node."""
    last = {cli.name: cli for cli in DRIVEN}
    return [replace(cli, version=_newest_version(cli.package)) for cli in last.values()]


def of_version(known: Sequence[Cli], version: str) -> Cli:
    """A version of a CLI, as the newest known one that is not newer is driven; as the oldest one where all are."""
    older = [cli for cli in known if number(cli.version) <= number(version)]
    return replace((older or known[:1])[-1], version=version)


def _newest_version(package: str) -> str:
    command = ["npm", "view", package, "version"]
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=_SECONDS, env=npm_environment()
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise pytest.UsageError(f"npm does not tell the newest version of {package}: {error}") from error
    return done.stdout.strip()


def no_longer_holds(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Lines for each CLI: that everything holds, or each step that does not, and what was recorded of it before."""
    for row in rows:
        before, what = newest(row["cli"]), f"{row['cli']} {row['version']}"
        last = before.get("version", "no version")
        failed = {step: each for step, each in row["steps"].items() if each["outcome"] == Outcome.FAILED}
        unreached = [step for step, each in row["steps"].items() if each["outcome"] == Outcome.NOT_REACHED]
        if not failed:
            yield f"{what}: everything holds"
        for step, each in failed.items():
            held = before.get("steps", {}).get(step, {}).get("outcome", "never recorded")
            yield f"{what}: {step} failed ({last}: {held}): {each['seen']}"
        if unreached:
            yield f"{what}: not reached: {', '.join(unreached)}"

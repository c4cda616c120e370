"""Find out before a start that it would fail. A running agent is never ended for a start that would fail."""

from __future__ import annotations

import os.path
from shlex import quote

from reconciler.model.desired import EnvOrigin
from reconciler.model.observed import Absent
from reconciler.model.problem import Problem

from .case import Case, Facts


def unset(case: Case) -> Problem | None:
    """Return which declared variable has no value; None when all have one. Without it the agent must not start."""
    if not case.unset:
        return None
    var = case.unset[0]
    if var.origin is EnvOrigin.FROM_COMMAND:
        gets = f"{case.address} gets {var.name} from what it prints"
        return Problem(f"{var.words[0]} is not found", gets, "install it, or correct from_command")
    if var.origin is EnvOrigin.FROM_FILE:
        return Problem(
            f"{var.source} cannot be read",
            f"{case.address} gets {var.name} from it",
            "write the file, or correct from_file",
        )
    fix = f"export {var.source} where you run reconciler, or correct from_env"
    return Problem(f"{var.source} is not set", f"{case.address} gets {var.name} from it", fix)


def without_folder(case: Case, facts: Facts) -> Problem | None:
    """Return why the agent cannot start in its folder (`cwd`); None when it can."""
    if case.spec is None or case.spec.cwd not in facts.absent:
        return None
    folder = case.spec.cwd
    return Problem(
        f"{folder} is not a folder",
        f"{case.address} works there (`cwd`)",
        f"mkdir -p {quote(folder)}, or correct `cwd`",
    )


def without_program(case: Case, facts: Facts) -> Problem | None:
    """Return why the agent's program cannot be run; None when it can, or when that is not known."""
    if case.profile is None:
        return None
    if isinstance(facts.wrapper, Absent):
        return _not_found(case, case.profile.launch.wrap[0], "wrap")
    if isinstance(facts.executable, Absent):
        return _not_found(case, case.profile.launch.command[0], "command")
    return None


def _not_found(case: Case, program: str, key: str) -> Problem:
    detail = f"{case.address} would exit at once"
    if os.sep in program:
        folder = case.wanted.cwd if case.wanted else ""
        place = "" if os.path.isabs(program) else f" (looked for in {folder})"
        return Problem(f"{program} cannot be run{place}", detail, f"correct `{key}:`, or make the file executable")
    fix = f"install {program}, or add its folder under `path:`"
    return Problem(f"{program} is not on the agent's PATH", detail, fix)

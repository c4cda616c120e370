"""The labs that come with the program: a few played agents in a folder that is removed at the end."""

from __future__ import annotations

from enum import StrEnum
from importlib.resources import files

from reconciler.model.errors import ReconcilerError


class Lab(StrEnum):
    """A lab, by the name of its folder in `manifests/`."""

    DEMO = "demo"  # lose all agents as in a reboot, and get them back
    BOARD = "board"  # the board over six agents


def lab_program(lab: Lab) -> str:
    """The path of the bash script that runs a lab, in the wheel or in the checkout beside the package.

    Raises:
        ReconcilerError: This installation has no labs.
    """
    package = files("reconciler")
    for root in (package.joinpath("labs"), package.joinpath("..")):
        program = root.joinpath("manifests", lab.value, "run")
        if program.is_file():
            return str(program)
    raise ReconcilerError(f"the lab `{lab}` is missing from this installation", fix="install reconciler again")

"""Mosquitto's program: where it is, which version it is, and who runs it."""

from __future__ import annotations

import os
import pwd
import re
import subprocess

from msgspec import Struct

from reconciler.broker.files.conf import Version
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Present
from reconciler.ports.world import Processes

PROGRAM = "mosquitto"
# Debian and Homebrew keep it where a user's PATH does not lead.
_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/usr/local/opt/mosquitto/sbin")
_VERSION = re.compile(r"mosquitto version (\d{1,9})\.(\d{1,9})\.(\d{1,9})")


class Runner(Struct, frozen=True):
    """Who runs the broker, and with which program."""

    user: str
    uid: int
    gid: int
    program: str


def find(path: str, processes: Processes) -> str:
    """Mosquitto's program, from the search path `path` or from where packages put it.

    Raises:
        ReconcilerError: There is none; tells how to install it.
    """
    match processes.find(PROGRAM, os.pathsep.join((path, *_FOLDERS))):
        case Present(program):
            return program
        case _:
            raise ReconcilerError(
                "Mosquitto is not installed",
                fix="apt-get install mosquitto, or brew install mosquitto, or run it with --target docker",
            )


def version(program: str) -> tuple[int, int, int]:
    """The version that Mosquitto tells of itself.

    Raises:
        ReconcilerError: The program cannot be run, or is something else.
    """
    try:
        done = subprocess.run(
            [program, "-h"], capture_output=True, text=True, timeout=10, check=False, env={"PATH": os.defpath}
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReconcilerError(f"{program} cannot be run: {error}") from error
    found = _VERSION.search(done.stdout)
    if not found:
        raise ReconcilerError(f"{program} does not tell the version of a Mosquitto", fix="install Mosquitto 2")
    return int(found[1]), int(found[2]), int(found[3])


def family(number: tuple[int, int, int]) -> Version:
    """The family that a version belongs to.

    Raises:
        ReconcilerError: It is older or newer than what is known.
    """
    if number[0] != 2:
        told = ".".join(map(str, number))
        raise ReconcilerError(f"Mosquitto {told} is not supported", fix="install Mosquitto 2.0 or 2.1")
    return Version.V2_0 if number[1] == 0 else Version.V2_1


def runner(program: str) -> Runner:
    """The current user, who owns the files and therefore runs the broker."""
    uid, gid = os.geteuid(), os.getegid()
    return Runner(user_name(uid), uid, gid, program)


def user_name(uid: int) -> str:
    """The name of a user, or its number where there is none, as in containers; Mosquitto looks up root's only."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)

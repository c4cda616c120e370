"""Find Mosquitto's program, its version, and the user who runs it."""

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
# Debian and Homebrew install it outside of a user's PATH.
_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/usr/local/opt/mosquitto/sbin")
_VERSION = re.compile(r"mosquitto version (\d{1,9})\.(\d{1,9})\.(\d{1,9})")


class Runner(Struct, frozen=True):
    """The user who runs the broker, and the program."""

    user: str
    uid: int
    gid: int
    program: str


def find(path: str, processes: Processes) -> str:
    """Find Mosquitto's program in the search path `path`, or where packages install it.

    Raises:
        ReconcilerError: It is not installed; the message says how to install it.
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
    """The version that the program reports.

    Raises:
        ReconcilerError: The program cannot be run, or is not Mosquitto.
    """
    try:
        done = subprocess.run(
            [program, "-h"], capture_output=True, text=True, timeout=10, check=False, env={"PATH": os.defpath}
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReconcilerError(f"{program} cannot be run: {error}") from error
    found = _VERSION.search(done.stdout)
    if not found:
        raise ReconcilerError(f"{program} does not report a Mosquitto version", fix="install Mosquitto 2")
    return int(found[1]), int(found[2]), int(found[3])


def family(number: tuple[int, int, int]) -> Version:
    """The family of a version.

    Raises:
        ReconcilerError: The version is not supported.
    """
    if number[0] != 2:
        version = ".".join(map(str, number))
        raise ReconcilerError(f"Mosquitto {version} is not supported", fix="install Mosquitto 2.0 or 2.1")
    return Version.V2_0 if number[1] == 0 else Version.V2_1


def runner(program: str) -> Runner:
    """The current user, who owns the files and therefore runs the broker."""
    uid, gid = os.geteuid(), os.getegid()
    return Runner(user_name(uid), uid, gid, program)


def user_name(uid: int) -> str:
    """The name of a user; the number if it has no name, as in containers. Mosquitto needs a name only for root."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)

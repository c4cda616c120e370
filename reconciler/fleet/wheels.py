"""One tar with all wheels of a version: what hosts install from, without the internet."""

from __future__ import annotations

import io
import os
import re
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator, Mapping

from msgspec import Struct

from reconciler import __version__
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.ports import programs, temporary

_PACKAGE = "agent-reconciler"
_OURS = re.compile(r"agent_reconciler-(?P<version>[A-Za-z0-9_.!+-]+?)-py3-none-any\.whl")
_COMPILED = re.compile(r".+-cp(?P<major>\d)(?P<minor>\d+)-cp\d+t?-.+\.whl")
_PYTHON = re.compile(r"\d\.\d{1,2}")
_SECONDS = 1800.0


class Wheels(Struct, frozen=True):
    """What a tar of wheels holds. `python` is the version that compiled wheels are for; empty if they are for any."""

    path: str
    version: str
    python: str


def read_wheels(path: str) -> Wheels:
    """Look into a tar of wheels. Raises UsageError if it is not one."""
    fix = "make one: reconciler fleet install --download DIR"
    try:
        with tarfile.open(path) as tar:
            names = [each.name for each in tar if _is_plain(each)]
            count = len(tar.getmembers())
    except FileNotFoundError as error:
        raise UsageError(f"there is no {path}", fix=fix) from error
    except (OSError, tarfile.TarError, EOFError) as error:
        raise UsageError(f"{path} is not a tar of wheels", detail=str(error), fix=fix) from error
    if count != len(names):
        raise UsageError(f"{path} has more than wheels in it", fix=fix)
    versions = [found["version"] for found in map(_OURS.fullmatch, names) if found]
    if len(versions) != 1:
        raise UsageError(f"{path} has no wheel of {_PACKAGE}", fix=fix)
    compiled = (_COMPILED.fullmatch(name) for name in sorted(names) if "-abi3-" not in name)
    python = next((f"{found['major']}.{found['minor']}" for found in compiled if found), "")
    return Wheels(os.path.abspath(path), versions[0], python)


def _is_plain(member: tarfile.TarInfo) -> bool:
    return member.isfile() and member.name.endswith(".whl") and "/" not in member.name


def download(folder: str, python: str, platform: str, env: Mapping[str, str]) -> str:
    """Let pip fetch this version and all that it needs, and write one tar into the folder. Returns its path.

    Without `python` and `platform`: for the Python and the platform of this program.

    Raises:
        UsageError: The version or the platform cannot be one.
        ReconcilerError: pip cannot find a wheel, or the tar cannot be written.
    """
    if python and not _PYTHON.fullmatch(python):
        raise UsageError(f"{python!r} is not a version of Python", fix="write it as 3.12")
    if platform and not re.fullmatch(r"\w+", platform):
        raise UsageError(f"{platform!r} is not a platform", fix="write it as manylinux2014_aarch64")
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    name = f"reconciler-{__version__}-cp{(python or ours).replace('.', '')}-{platform or _platform()}.tar"
    with tempfile.TemporaryDirectory(prefix=f"{temporary.PRIVATE_FOLDER}{temporary.writer()}.") as scratch:
        _fetch(scratch, [*_chosen("--python-version", python), *_chosen("--platform", platform)], env)
        return _packed(scratch, folder, name)


def _platform() -> str:
    return re.sub(r"\W", "_", sysconfig.get_platform())


def _chosen(option: str, value: str) -> Iterator[str]:
    if value:
        yield f"{option}={value}"


def _fetch(folder: str, chosen: list[str], env: Mapping[str, str]) -> None:
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    done = programs.run([*words, *chosen, "--dest", folder, f"{_PACKAGE}=={__version__}"], env, seconds=_SECONDS)
    if done.code:
        wrong = [line.removeprefix("ERROR: ") for line in done.complaints.splitlines() if line.startswith("ERROR:")]
        raise ReconcilerError("pip did not find every wheel", detail="\n".join(wrong) or done.complaints[-2000:])


def _packed(scratch: str, folder: str, name: str) -> str:
    """Write the tar: the same wheels always give the same bytes."""
    path = os.path.join(os.path.abspath(folder), name)
    buffer = os.path.join(scratch, temporary.name_for(name))
    try:
        with tarfile.open(buffer, "w") as tar:
            for wheel in sorted(each for each in os.listdir(scratch) if each.endswith(".whl")):
                with open(os.path.join(scratch, wheel), "rb") as file:
                    data = file.read()
                member = tarfile.TarInfo(wheel)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        unfinished = os.path.join(os.path.dirname(path), temporary.name_for(name))
        with open(buffer, "rb") as made, open(unfinished, "wb") as file:
            file.write(made.read())
        os.replace(unfinished, path)
    except OSError as error:
        raise ReconcilerError(f"{path} cannot be written", detail=error.strerror or "") from error
    return path

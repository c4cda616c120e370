"""tmux as other Debian releases have it, with the libraries of that release, in a folder of its own.

The archive, its keys and any proxy are those of this machine's apt; nothing is installed, and apt's own lists stay as
they are.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reconciler-tmux"
_SECONDS = 300
_WITHOUT = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")


class NotToBeHad(Exception):
    """This release cannot be had here; the text says why."""


def tmux_of(release: str) -> Path:
    """The program of this release, which is fetched once."""
    folder = CACHE / release
    if not folder.exists():
        unfinished = folder.with_name(f"{release}.part")
        _fetch(release, unfinished)
        _wrap(unfinished, folder)
        unfinished.rename(folder)
    return folder / "bin" / "tmux"


def _fetch(release: str, folder: Path) -> None:
    """Unpack tmux and the libraries that it needs, all from the same release."""
    for each in ("lists/partial", "cache/archives/partial", "root", "bin"):
        (folder / each).mkdir(parents=True, exist_ok=True)
    (folder / "sources.list").write_text(f"deb {_archive()} {release} main\n")
    apt = [
        *("-o", f"Dir::Etc::SourceList={folder}/sources.list", "-o", "Dir::Etc::SourceParts=/dev/null"),
        *("-o", f"Dir::State::Lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache"),
        *("-o", "Dir::State::Status=/dev/null", "-o", "Acquire::Languages=none", "-o", "APT::Sandbox::User=root"),
    ]
    _run("apt-get", *apt, "update", "--error-on=any")
    needed = _run("apt-cache", *apt, "depends", "--recurse", *(f"--no-{each}" for each in _WITHOUT), "tmux")
    libraries = {line for line in needed.splitlines() if line.startswith("lib")}
    _run("apt-get", *apt, "download", "tmux", *sorted(libraries), folder=folder / "root")
    for package in (folder / "root").glob("*.deb"):
        _run("dpkg-deb", "-x", str(package), str(folder / "root"))
        package.unlink()


def _wrap(unfinished: Path, folder: Path) -> None:
    """A program that runs the release's tmux under the release's own loader, and gives nothing of that to agents."""
    root = folder / "root"
    files = [path.relative_to(unfinished / "root") for path in (unfinished / "root").glob("**/*.so*")]
    loader = next(path for path in files if path.name.startswith("ld-") and _is_real(unfinished / "root" / path))
    libraries = ":".join(sorted({str(root / path.parent) for path in files}))
    program = unfinished / "bin" / "tmux"
    start = f"{root / loader} --library-path {libraries} {root}/usr/bin/tmux"
    program.write_text(f'#!/bin/sh\nexec {start} "$@"\n')
    program.chmod(0o755)


def _is_real(path: Path) -> bool:
    """A link may lead out of the folder, to the loader of this machine."""
    return path.is_file() and not path.is_symlink()


def _archive() -> str:
    """Where this machine gets Debian from."""
    form = "$(REPO_URI) $(LABEL) $(COMPONENT)"
    targets = _run("apt-get", "indextargets", "--format", form, "Created-By: Packages").splitlines()
    found = [line.split()[0] for line in targets if line.endswith(" Debian main")]
    if not found:
        raise NotToBeHad("apt knows of no Debian archive: this is no Debian, or `apt-get update` was never run")
    return found[0]


def _run(*command: str, folder: Path | None = None) -> str:
    try:
        done = subprocess.run(command, check=True, cwd=folder, capture_output=True, text=True, timeout=_SECONDS)
    except FileNotFoundError as error:
        raise NotToBeHad(f"{command[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise NotToBeHad(f"{command[0]} did not end in {_SECONDS} s") from error
    except subprocess.CalledProcessError as error:
        raise NotToBeHad(f"{command[0]}: {(error.stderr or error.stdout).strip().splitlines()[-1]}") from error
    return done.stdout

"""Find folders with a Mosquitto that was made by hand, and read the files that its configuration names."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from hashlib import sha256

from msgspec import field

from reconciler.broker.files import conf, layout, sets
from reconciler.broker.files.file_set import File, FileSet, mistake
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.redacted import Redacted
from reconciler.ports import own_files

NAMED = ("acl_file", "password_file", "cafile", "certfile", "keyfile")
"""The options whose files are taken over."""

_CONF = "mosquitto.conf"
_CONF_FOLDERS = ("", "config", "conf", "etc")
_OTHERS = {".git", ".hg", ".mam", ".tox", ".venv", "__pycache__", "node_modules", "venv"}
_DEPTH = 4  # levels of folders to search
_MOST_NAMES = 5000
_LARGEST = 1 << 20  # bytes; certificates and lists of users are much smaller


class HandMadeBroker(Redacted, frozen=True):
    """A folder with a broker that was made by hand. Paths are relative to `directory`."""

    directory: str
    conf: str
    """The path of mosquitto.conf."""
    files: FileSet = field(default_factory=dict)
    """The files that were read."""
    names: frozenset[str] = frozenset()
    """The paths of all files, read or not."""
    strange: tuple[Diagnostic, ...] = ()
    """Errors for files that cannot be read."""

    def full(self, path: str) -> str:
        """The absolute path of a file."""
        return os.path.join(self.directory, path)

    def text(self, path: str) -> str:
        """The text of a file; empty when it was not read."""
        return self.files[path].data.decode("utf-8", "replace") if path in self.files else ""

    def inside(self, named: str) -> str:
        """Find a file that the configuration names: its path from the folder; empty when it is missing.

        For a path inside a container, such as /mosquitto/auth/passwd, this is the file with the longest matching end:
        auth/passwd.
        """
        words = [word for word in named.removeprefix(f"{self.directory}/").split("/") if word not in {"", "."}]
        ends = ["/".join(words[start:]) for start in range(len(words))]
        beside = os.path.dirname(self.conf)
        places = (path for end in ends for path in (end, os.path.join(beside, end)))
        return next((path for path in places if path in self.names), "")


def hand_made(directory: str) -> HandMadeBroker | None:
    """Read the broker that was made by hand in this folder; None when there is none, or when reconciler made it.

    Raises:
        ReconcilerError: Files of reconciler in the folder cannot be read.
    """
    directory = os.path.abspath(directory)
    places = (os.path.join(folder, _CONF) for folder in _CONF_FOLDERS)
    found = next((place for place in places if os.path.lexists(os.path.join(directory, place))), "")
    if not found or layout.CONF in sets.look(directory, layout.SET)[0]:
        return None
    names = frozenset(_names(directory, _DEPTH))
    bare = HandMadeBroker(directory, found, names=names)
    read = _with(bare, [found])
    whole = _with(read, _included(read))
    return _with(whole, _wanted(whole))


def candidates(root: str) -> tuple[str, ...]:
    """The sorted folders of a project with a mosquitto.conf that reconciler did not make.

    Does not follow links, and does not search folders of other tools.
    """
    root = os.path.abspath(root)
    confs = (name for name in _names(root, _DEPTH) if os.path.basename(name) == _CONF)
    folders = {_folder_of(os.path.join(root, name)) for name in confs}
    return tuple(sorted(folder for folder in folders if not _is_ours(folder)))


def settings(found: HandMadeBroker) -> tuple[tuple[str, conf.Setting], ...]:
    """Each setting with its file: first those of mosquitto.conf, then those of the included files."""
    paths = [found.conf, *_included(found)]
    return tuple((path, setting) for path in paths for setting in conf.parse(found.text(path)))


def digest(found: HandMadeBroker) -> str:
    """A digest of everything that was read, to detect changes."""
    facts = sorted((path, sha256(file.data).hexdigest(), file.mode) for path, file in found.files.items())
    return sha256(repr(facts).encode()).hexdigest()


def _folder_of(conf_path: str) -> str:
    folder = os.path.dirname(conf_path)
    return os.path.dirname(folder) if os.path.basename(folder) in _CONF_FOLDERS else folder


def _is_ours(folder: str) -> bool:
    """Whether reconciler made this broker, or the folder is part of one that it made."""
    made = layout.SET, os.path.dirname(layout.SET)
    parts = (folder, *(folder.removesuffix(f"/{part}") for part in (*made, "etc/last-good", "etc/staged")))
    return any(os.path.isfile(os.path.join(part, layout.SET, sets.DIGESTS)) for part in parts)


def _included(found: HandMadeBroker) -> list[str]:
    """The files in each `include_dir`, in the order in which Mosquitto reads them."""
    folders = conf.values(conf.parse(found.text(found.conf)), "include_dir")
    return sorted(name for folder in folders for name in found.names if _is_in(name, folder) and name.endswith(".conf"))


def _is_in(name: str, folder: str) -> bool:
    """Whether the file's folder is the end of this path from the configuration."""
    above = os.path.dirname(name)
    return bool(above) and f"/{folder.strip('/')}".endswith(f"/{above}")


def _wanted(found: HandMadeBroker) -> Iterator[str]:
    """The files that the configuration names, and CA files beside them."""
    named = [setting.value for _, setting in settings(found) if setting.option in NAMED]
    paths = [path for value in named if (path := found.inside(value))]
    yield from paths
    folders = dict.fromkeys(["", *(os.path.dirname(path) for path in paths), "private", "ca", "certs"])
    for folder in folders:
        for name in ("ca.crt", "ca.pem", "ca.key"):
            path = os.path.join(folder, name)
            if path in found.names:
                yield path


def _names(top: str, depth: int, below: str = "") -> Iterator[str]:
    """The files below a folder by their relative paths, up to a limit. Links and pipes count as files."""
    pending, count = [(below, depth)], 0
    while pending and count < _MOST_NAMES:
        folder, left = pending.pop()
        for entry in _entries(os.path.join(top, folder)):
            count += 1
            path = os.path.join(folder, entry.name)
            if not entry.is_dir(follow_symlinks=False):
                yield path
            elif left and entry.name not in _OTHERS:
                pending.append((path, left - 1))


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:
        return []


def _with(found: HandMadeBroker, paths: Iterable[str]) -> HandMadeBroker:
    """Read more of the files, and return the folder with them."""
    files, strange = dict(found.files), list(found.strange)
    for path in dict.fromkeys(paths):
        try:
            files[path] = _file(found.full(path))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            strange.append(mistake(found.full(path), 0, f"it cannot be read: {why}", _WAY_OUT))
    return HandMadeBroker(found.directory, found.conf, files, found.names, tuple(strange))


_WAY_OUT = f"put a regular file there that you can read: sudo chown {os.geteuid()} FILE"


def _file(path: str) -> File:
    if os.path.islink(path):
        raise ValueError("it is a symbolic link")
    with own_files.regular(path) as file:
        status = os.fstat(file.fileno())
        if status.st_size > _LARGEST:
            raise ValueError(f"it has {status.st_size} bytes")
        return File(file.read(), stat.S_IMODE(status.st_mode))

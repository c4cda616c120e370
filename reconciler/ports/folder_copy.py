"""Copy files from one folder into another: all of them are there before the first one replaces an old one."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from . import temporary
from .deleting import delete


def files_below(folder: str, is_left_out: Callable[[str], bool]) -> Iterator[str]:
    """The files and links below a folder, as paths from it; folders that are left out are not looked into."""
    for at, folders, names in os.walk(folder):
        inner = os.path.relpath(at, folder)
        for name in [each for each in folders if os.path.islink(os.path.join(at, each))]:
            folders.remove(name)
            names.append(name)
        folders[:] = sorted(each for each in folders if not is_left_out(os.path.normpath(os.path.join(inner, each))))
        paths = (os.path.normpath(os.path.join(inner, name)) for name in sorted(names))
        yield from (path for path in paths if not is_left_out(path))


def changed_files(source: str, target: str, paths: Sequence[str]) -> list[str]:
    """Those of the files that are missing in `target`, or differ there."""
    return [path for path in paths if not _is_same(os.path.join(source, path), os.path.join(target, path))]


def _is_same(one: str, other: str) -> bool:
    if os.path.islink(one) or os.path.islink(other):
        return os.path.islink(one) and os.path.islink(other) and os.readlink(one) == os.readlink(other)
    with suppress(OSError):
        return os.stat(one).st_mode == os.stat(other).st_mode and filecmp.cmp(one, other, shallow=False)
    return False


def copy_files(source: str, target: str, paths: Sequence[str]) -> None:
    """Copy the files, each beside its place, and then rename all of them. Raises OSError; then no file is replaced.

    A folder of `target` that is a link out of it is not followed.
    """
    ready: list[tuple[str, str]] = []
    try:
        ready.extend(_beside(os.path.join(source, path), os.path.join(target, path), target) for path in paths)
    except BaseException:
        for made, _ in ready:
            with suppress(OSError):
                os.unlink(made)
        raise
    for made, wanted in ready:
        os.replace(made, wanted)


def _beside(file: str, wanted: str, target: str) -> tuple[str, str]:
    folder = os.path.dirname(wanted)
    real = os.path.realpath(target)
    if os.path.commonpath([os.path.realpath(folder), real]) != real:
        raise OSError(0, "a link leads out of the folder", folder)
    os.makedirs(folder, exist_ok=True)
    if os.path.isdir(wanted) and not os.path.islink(wanted):
        raise IsADirectoryError(0, "a folder is in the way", wanted)
    made = os.path.join(folder, temporary.name_for(os.path.basename(wanted)))
    shutil.copy2(file, made, follow_symlinks=False)
    return made, wanted


def delete_files(target: str, paths: Sequence[str]) -> None:
    """Delete files, and the folders that are empty afterwards. Raises OSError."""
    for path in paths:
        full = os.path.join(target, path)
        os.unlink(full) if os.path.islink(full) else delete(full, target)
        _remove_empty(os.path.dirname(full), target)


def _remove_empty(folder: str, target: str) -> None:
    while folder != target:
        try:
            os.rmdir(folder)
        except OSError:
            return
        folder = os.path.dirname(folder)

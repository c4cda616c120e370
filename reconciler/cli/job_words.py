"""Read the options that several job commands share."""

from __future__ import annotations

import os
import sys

from reconciler.app.jobs.records import records_in, records_of
from reconciler.app.project.project import find_project
from reconciler.jobs.record import Records
from reconciler.model.duration import seconds
from reconciler.model.errors import UsageError
from reconciler.ports.own_files import regular


def find_records(chdir: str, registry: str, registry_dir: str) -> Records:
    """The job records. An absolute folder, which hooks pass, is used without loading the project, which is faster."""
    if os.path.isabs(registry_dir):
        return records_in(registry_dir, dict(os.environ))
    return records_of(find_project(chdir, registry), registry_dir)


def existing_path(path: str) -> str:
    """The path. Raises UsageError if it does not exist."""
    if not os.path.exists(path):
        raise UsageError(f"{path} does not exist", fix="check the path")
    return path


def positive_seconds(text: str, option: str) -> float:
    """The duration of an option, in seconds. Raises UsageError if it is not more than 0."""
    found = seconds(text)
    if found <= 0:
        raise UsageError(f"{option} is {text}, but must be more than 0", fix=f"for example: {option} 30m")
    return found


def prompt_text(word: str, nothing: UsageError) -> str:
    """The prompt that TEXT, @FILE or - stands for; raises UsageError when it cannot be read, or `nothing` is in it."""
    try:
        text = sys.stdin.buffer.read() if word == "-" else _of_file(word)
        found = text.decode()
    except UnicodeDecodeError as error:
        raise UsageError("the prompt is not UTF-8 text", fix="convert it to UTF-8") from error
    except OSError as error:
        raise UsageError(f"{word[1:]} cannot be read: {error.strerror}", fix="check the path") from error
    if not found.strip():
        raise nothing
    return found


def _of_file(word: str) -> bytes:
    if not word.startswith("@"):
        return word.encode(errors="surrogateescape")

    with regular(os.path.expanduser(word[1:])) as file:
        return file.read()

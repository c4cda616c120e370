"""Compare a broker's rendered files with its settings, on a machine without the broker and its secrets (as in CI)."""

from __future__ import annotations

import os

from msgspec.structs import replace

from reconciler.broker.files import conf, layout, sets
from reconciler.broker.files.file_set import File, FileSet, InvalidBrokerFiles
from reconciler.broker.files.hand_edits import hand_edits
from reconciler.broker.running.program import Runner
from reconciler.model.broker import Broker, Survey
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Observed, Present, Unknown

from . import make
from .readable import readable
from .wanted import rendered

_RENDERED = (layout.CONF, layout.ACL)


def survey(broker: Broker) -> Observed[Survey]:
    """Compare mosquitto.conf and the ACL with the settings. Reads nothing else; Absent without a mosquitto.conf.

    The files name the folder and user of the machine where they were made; the comparison uses the same names.
    """
    try:
        files = _files(broker.directory)
        edited = sets.edited_files(broker.directory, layout.SET)
        written = sets.written(broker.directory, layout.SET)
    except ReconcilerError as error:
        return Unknown(": ".join(filter(None, (error.summary, error.detail))))
    if layout.CONF not in files:
        return ABSENT
    new = _wanted(broker, files)
    edited = tuple(each for each in edited if each in _RENDERED)
    return Present(
        Survey(
            made=True,
            changes=tuple(readable(make.compare_files(files, new))),
            edited=edited,
            hand_edits=hand_edits(edited, files, new, written),
        )
    )


def _files(directory: str) -> dict[str, File]:
    found: dict[str, File] = {}
    for path in _RENDERED:
        files, strange = sets.look(directory, path)
        if strange:
            raise InvalidBrokerFiles("the broker's files cannot be used", strange)
        found |= files
    return found


def _wanted(broker: Broker, files: FileSet) -> FileSet:
    """The files as that machine renders them, with the modes of the files here: git does not store modes."""
    settings = conf.parse(files[layout.CONF].data.decode("utf-8", "replace"))
    user = next(iter(conf.values(settings, "user")), "")
    acl_file = next(iter(conf.values(settings, "acl_file")), os.path.join(broker.directory, layout.ACL))
    there = replace(broker, directory=acl_file.removesuffix(f"/{layout.ACL}"))
    new = rendered(there, Runner(user, 0, 0, ""))
    return {path: replace(file, mode=files[path].mode) if path in files else file for path, file in new.items()}

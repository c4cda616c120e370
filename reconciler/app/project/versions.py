"""Ask agent CLIs for their version, once per installed program."""

from __future__ import annotations

import os
from collections.abc import Mapping

from reconciler.agents.versions import version_in
from reconciler.app.project.project import Project
from reconciler.model.observed import Present
from reconciler.ports.versions import fingerprint, printed_version
from reconciler.state.cache import recall, remember


def version(at: Project, command: str, env: Mapping[str, str]) -> str:
    """The version of the program `command`, with `env` added to the user's environment; empty if unknown.

    If the program is replaced, its fingerprint changes and it is asked again.
    """
    around = {**at.env, **env}
    found = at.processes.find(command, around.get("PATH", ""))
    mark = fingerprint(found.value) if isinstance(found, Present) else ""
    if not isinstance(found, Present) or not mark:
        return ""
    cache = os.path.join(at.state, "cache", "versions")
    known = recall(cache, mark)
    if isinstance(known, str) and known:
        return known
    said = printed_version(found.value, around)
    told = version_in(said.value) if isinstance(said, Present) else ""
    if told and fingerprint(found.value) == mark:
        remember(cache, mark, told)
    return told

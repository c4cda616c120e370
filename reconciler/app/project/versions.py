"""Ask agent CLIs for their version, once per installed program."""

from __future__ import annotations

import os
from collections.abc import Mapping

from reconciler.agents.versions import version_in
from reconciler.app.project.project import Project
from reconciler.model.observed import Observed, Present, Unknown
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
    answer = version_of(at, found.value, around)
    if not isinstance(answer, Present):
        return ""
    if fingerprint(found.value) == mark and recall(_cache(at), mark) != answer.value:
        remember(_cache(at), mark, answer.value)
    return answer.value


def version_of(at: Project, program: str, env: Mapping[str, str]) -> Observed[str]:
    """The version of a program file: as it was asked before, else as it answers now in this environment.

    Nothing is written. It has 20 s to answer.
    """
    known = recall(_cache(at), fingerprint(program))
    if isinstance(known, str) and known:
        return Present(known)
    said = printed_version(program, env)
    if not isinstance(said, Present):
        return said
    answer = version_in(said.value)
    return Present(answer) if answer else Unknown(f"{program} --version names no version")


def _cache(at: Project) -> str:
    return os.path.join(at.state, "cache", "versions")

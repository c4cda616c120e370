"""The versions of agent CLIs: asked once per installed program, or seen without starting it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

from reconciler.agents.jsonl import parsed, text
from reconciler.agents.profile import Profile
from reconciler.agents.versions import number, version_in
from reconciler.app.project.project import Project
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.observed import Observed, Present, Unknown
from reconciler.ports.versions import fingerprint, printed_version
from reconciler.state.cache import recall, remember

_HIGHEST = 6  # folders above a program that may be its package's
_LARGEST = 1 << 20  # bytes of a `package.json`


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


def known_version(at: Project, program: str, profile: Profile) -> str:
    """The version of a program as far as it is known without starting it; empty if it is not.

    It was asked before, or npm installed it: then the `package.json` of its package says it.
    """
    known = recall(_cache(at), fingerprint(program))
    return known if isinstance(known, str) else _of_npm(at, program, profile.usage.packages)


def _of_npm(at: Project, program: str, packages: Iterable[str]) -> str:
    folder, wanted = os.path.dirname(os.path.realpath(program)), frozenset(packages)
    for _ in range(_HIGHEST if wanted else 0):
        found = at.files.read(os.path.join(folder, "package.json"), _LARGEST)
        told = parsed(found.value) if isinstance(found, Present) else {}
        if text(told, "name") in wanted:
            return version_in(text(told, "version"))
        folder = os.path.dirname(folder)
    return ""


def unchecked(at: Project, profiles: Iterable[Profile]) -> tuple[Diagnostic, ...]:
    """One warning that names each CLI in use whose version is older or newer than all that were checked.

    No CLI is started for it.
    """
    said = "; ".join(_unchecked(at, profiles))
    return (Diagnostic(Severity.WARNING, said),) if said else ()


def _unchecked(at: Project, profiles: Iterable[Profile]) -> Iterator[str]:
    for profile in {each.name: each for each in profiles if each.tested}.values():
        found = at.processes.find(profile.launch.command[0], at.env.get("PATH", ""))
        told = known_version(at, found.value, profile) if isinstance(found, Present) else ""
        first, last = profile.tested[0], profile.tested[-1]
        if told and not number(first) <= number(told) <= number(last):
            yield f"{profile.name} {told} was not checked; last checked {last}"


def _cache(at: Project) -> str:
    return os.path.join(at.state, "cache", "versions")

"""What is known of each agent type: built in, declared in this project's manifests, or of an installed package."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from reconciler.agents.catalogue import BUILT_IN, catalogue, installed
from reconciler.agents.profile import Profile
from reconciler.agents.subject import AgentEnvironment
from reconciler.agents.type_words import manifest_words, parts_in_python
from reconciler.agents.wrapper import assigned, hidden
from reconciler.app.project.manifests import load_manifests, manifest_paths
from reconciler.app.project.project import Project
from reconciler.app.project.versions import known_version
from reconciler.model.desired import AgentType
from reconciler.model.diagnostic import Place
from reconciler.model.errors import UsageError
from reconciler.model.observed import Present
from reconciler.model.record import Json
from reconciler.model.similar import similar


class KnownType(Struct, frozen=True):
    """One agent type, and where it is from: `built-in`, `manifest` or `package`."""

    profile: Profile
    origin: str
    # Its data in the words of a manifest; empty for a type that is written in Python alone.
    words: Mapping[str, Json]
    in_python: tuple[str, ...] = ()
    place: Place | None = None
    # The program that its command means here, and its version if that is known without starting it.
    program: str = ""
    version: str = ""
    # What its wrapper hides of every agent, in the words of a plan.
    hidden: tuple[str, ...] = ()


def known_types(at: Project, name: str = "") -> list[KnownType]:
    """All types, or the one with this name.

    Raises:
        UsageError: There is no type of that name.
        InvalidManifest: The manifests of the project have mistakes.
    """
    paths = manifest_paths(at, ())
    declared = load_manifests(at, paths).desired.agent_types if paths else {}
    profiles = catalogue(declared.values())
    names = sorted({*profiles, *installed()})
    if name and name not in names:
        close = similar(name, names)
        fix = f"did you mean `{close[0]}`?" if close else f"known: {', '.join(names)}"
        raise UsageError(f"no agent type is called {name}", fix=fix)
    return [_known(at, profiles[each], declared.get(each)) for each in ([name] if name else names)]


def _known(at: Project, profile: Profile, declared: AgentType | None) -> KnownType:
    origin = "manifest" if declared else "built-in" if profile.name in BUILT_IN else "package"
    found = at.processes.find(profile.launch.command[0], at.env.get("PATH", ""))
    program = found.value if isinstance(found, Present) else ""
    return KnownType(
        profile,
        origin,
        manifest_words(profile.form) if profile.form else {},
        parts_in_python(profile),
        declared.place if declared else None,
        program,
        known_version(at, program, profile) if program else "",
        _hidden(at, profile),
    )


def _hidden(at: Project, profile: Profile) -> tuple[str, ...]:
    """What the wrapper of the type hides of an agent that adds no `env` and no `wrap`, in whichever folder it is."""
    env = {**at.env, **assigned(profile.launch.wrap)}
    found = hidden(profile, AgentEnvironment("", env.get("HOME") or at.caller.home, env), ())
    return found.warnings if found else ()

"""What an agent is started with, and how two of these specs differ."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from reconciler.agents.profile import Profile
from reconciler.model.change import Change
from reconciler.model.desired import Agent, EnvOrigin, EnvVar
from reconciler.model.observed import ABSENT, Observed, Present
from reconciler.model.record import Json, SessionRow, StartedWith
from reconciler.model.utf8 import as_bytes

_DIGEST = "hmac-sha256:"
_PLAIN = ("type", "wrap", "command", "args", "cwd", "path")
Secrets = Mapping[tuple[EnvOrigin, str], Observed[str]]


def as_launched(profile: Profile, wrap: tuple[str, ...], command: tuple[str, ...]) -> Profile:
    """The profile with the words that one agent puts before the command, and with its own program."""
    if not wrap and not command:
        return profile
    launch = replace(profile.launch, wrap=(*wrap, *profile.launch.wrap), command=command or profile.launch.command)
    return replace(profile, launch=launch)


def as_recorded(profile: Profile | None, row: SessionRow) -> Profile | None:
    """The profile with the wrapper and the program that the recorded agent was started with."""
    started = row.started_with
    if profile is None or started is None:
        return profile
    launch = profile.launch
    if (started.wrap, started.command) == (launch.wrap, launch.command):
        return profile
    return replace(profile, launch=replace(launch, wrap=started.wrap, command=started.command or launch.command))


def would_start_with(
    spec: Agent, profile: Profile, secrets: Secrets, lineage: str, row: SessionRow | None
) -> StartedWith:
    """What the registry would record as the agent's start, if it were started now."""
    recorded = row.started_with.env if row and row.started_with else {}
    env = {var.name: _recorded_value(var, secrets, lineage, recorded) for var in spec.env}
    return StartedWith(
        type=spec.type,
        command=profile.launch.command,
        args=spec.args,
        env=env,
        cwd=spec.cwd,
        wrap=profile.launch.wrap,
        path=spec.path,
    )


def _recorded_value(var: EnvVar, secrets: Secrets, lineage: str, recorded: Mapping[str, str]) -> str:
    """The value in clear if it is not a secret, else a digest of it.

    A value that cannot be read now counts as unchanged, so that nothing unknown restarts an agent. A variable that a
    cron job's environment lacks is an example. Of a value that a command prints, only the command is compared: it
    runs at a start alone.
    """
    if not var.sensitive:
        return var.value
    value = var.source if var.origin is EnvOrigin.FROM_COMMAND else known_value(var, secrets)
    if value is None:
        return recorded.get(var.name, "")
    return _DIGEST + hmac.digest(as_bytes(lineage), as_bytes(value), hashlib.sha256).hex()[:32]


def known_value(var: EnvVar, secrets: Secrets) -> str | None:
    """The value that the agent's process gets; None when it cannot be read."""
    if var.origin in (EnvOrigin.LITERAL, EnvOrigin.EXPANDED):
        return var.value
    found = secrets.get((var.origin, var.source))
    return found.value if isinstance(found, Present) else None


def is_unset(var: EnvVar, secrets: Secrets) -> bool:
    """Whether the agent could not get the variable now; of a command, only that it is there is known before a start."""
    if var.origin is EnvOrigin.FROM_COMMAND:
        return secrets.get((var.origin, var.source)) == ABSENT
    return known_value(var, secrets) is None


def with_ignored(wanted: StartedWith, row: SessionRow | None, ignore: frozenset[str]) -> StartedWith:
    """The wanted spec, with the ignored fields copied from the recorded start, so that they never differ."""
    if not ignore or row is None or row.started_with is None:
        return wanted
    return replace(wanted, **{name: getattr(row.started_with, name) for name in ignore})


def digest(spec: StartedWith) -> str:
    """A short digest of a spec; equal specs have equal digests."""
    text = json.dumps(as_json(spec), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def as_json(spec: StartedWith) -> dict[str, Json]:
    """The spec as the registry writes it."""
    later: dict[str, Json] = {"wrap": list(spec.wrap), "path": list(spec.path)}  # older specs have no such keys
    return {
        "type": spec.type,
        "command": list(spec.command),
        "args": list(spec.args),
        "env": dict(spec.env),
        "cwd": spec.cwd,
        **{name: value for name, value in later.items() if value},
    }


def differences(before: StartedWith, after: StartedWith) -> tuple[Change, ...]:
    """Every difference between two specs, with one change per environment variable."""
    plain = [name for name in _PLAIN if getattr(before, name) != getattr(after, name)]
    changes = [Change(name, "replace", _shown(before, name), _shown(after, name)) for name in plain]
    return (*changes, *_env_differences(before.env, after.env))


def _env_differences(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            op = "add" if old is None else "remove" if new is None else "replace"
            yield env_change(name, op, old, new)


def env_change(name: str, op: str, old: str | None, new: str | None) -> Change:
    """The change of one environment variable. Of a secret, only the name is in it."""
    if any(value is not None and value.startswith(_DIGEST) for value in (old, new)):
        return Change(f"env.{name}", op, None, None, sensitive=True)
    return Change(f"env.{name}", op, old, new)


def _shown(spec: StartedWith, name: str) -> Json:
    value = getattr(spec, name)
    return list(value) if isinstance(value, tuple) else str(value)


def visible_env(spec: Agent | None, row: SessionRow | None, secrets: Secrets) -> dict[str, str]:
    """The agent's known variables, which may say where its CLI stores files: as declared, else as recorded in clear."""
    if spec is None:
        recorded = row.started_with.env if row and row.started_with else {}
        return {name: value for name, value in recorded.items() if not value.startswith(_DIGEST)}
    values = {var.name: known_value(var, secrets) for var in spec.env}
    return {name: value for name, value in values.items() if value is not None}

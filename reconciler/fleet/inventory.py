"""The hosts of a fleet: any Ansible inventory, or `ssh:HOST,HOST`."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reconciler.manifest.rules import VARIABLE
from reconciler.model.digits import number_in
from reconciler.model.errors import Unreachable, UsageError
from reconciler.model.extras import missing_extra
from reconciler.ports import programs

from .hosts import FleetHost

STANDARD = "fleet.yml"
_SSH = "ssh:"
_SECONDS = 120.0
_NAME = re.compile(r"[A-Za-z0-9_\[\]:-][A-Za-z0-9_.@\[\]:-]{0,252}")
_WORD = re.compile(r"(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]*)@)?(?P<host>[A-Za-z0-9_][A-Za-z0-9_.-]*)")
_EXAMPLE = "pass hosts, as in `-i ssh:one,two --project ~/lab`, or an Ansible inventory"


class FleetChoice(Struct, frozen=True):
    """Which hosts are meant, as the options say it. `project` replaces what the inventory says."""

    inventory: str = ""
    limit: str = ""
    project: str = ""


def inventory_path(choice: FleetChoice, root: str) -> str:
    """The inventory to use: the given one, else `fleet.yml` of the project. Raises UsageError if there is none."""
    if choice.inventory.startswith(_SSH):
        return choice.inventory
    if choice.inventory:
        path = os.path.abspath(choice.inventory)
        if not os.path.exists(path):
            raise UsageError(f"there is no inventory at {choice.inventory}", fix=_EXAMPLE)
        return path
    path = os.path.join(root, STANDARD)
    if not os.path.exists(path):
        raise UsageError(f"no inventory: there is no {STANDARD} in {root}", fix=_EXAMPLE)
    return path


def needs_ansible(inventory: str) -> bool:
    """Whether only Ansible can read this inventory."""
    return not inventory.startswith(_SSH)


def expect_ansible() -> None:
    """Raise Unreachable if ansible-core is not installed beside this program: no host can be reached through it."""
    if find_spec("ansible") is None:
        raise Unreachable(missing_extra("Ansible", "fleet").summary)


def hosts_of(inventory: str, choice: FleetChoice, env: Mapping[str, str]) -> list[FleetHost]:
    """The hosts that are meant, by name.

    Raises:
        UsageError: The inventory is empty or broken, nothing matches, a name cannot be used, or two names mean one
            project of one host.
        Unreachable: The inventory needs Ansible, which is not installed.
    """
    found = _from_ssh(inventory, choice.limit) if not needs_ansible(inventory) else _asked(inventory, choice, env)
    if not found:
        raise UsageError(
            "no host matches", detail=f"inventory {inventory}, limit {choice.limit or 'none'}", fix=_EXAMPLE
        )
    return sorted((_checked(_placed(each, choice.project)) for each in _once(found, choice.project)), key=_name)


def _name(host: FleetHost) -> str:
    return host.name


def _placed(host: FleetHost, project: str) -> FleetHost:
    if not (project or host.project):
        fix = "pass --project DIR, or set the host variable reconciler_project"
        raise UsageError(f"nothing says where the project is on {host.name}", fix=fix)
    return replace(host, project=project or host.project)


def _checked(host: FleetHost) -> FleetHost:
    for word in (host.name, host.address):
        if not _NAME.fullmatch(word) or word.startswith("-"):
            raise UsageError(f"{word!r} cannot be the name of a host", fix="use letters, digits, and . _ -")
    return host


def _once(found: Iterable[FleetHost], project: str) -> list[FleetHost]:
    """The hosts; UsageError if two names mean the same project of the same host."""
    seen: dict[tuple[str, str, int, str], FleetHost] = {}
    for host in found:
        key = (host.user, host.address, host.port, project or host.project)
        if (other := seen.setdefault(key, host)) is not host:
            names = f"{other.name} and {host.name}"
            raise UsageError(f"{names} are the same project on the same host", fix="keep one of them")
    return list(seen.values())


# --- ssh:HOST,HOST ----------------------------------------------------------------------------


def _from_ssh(inventory: str, limit: str) -> list[FleetHost]:
    words = [word.strip() for word in inventory.removeprefix(_SSH).split(",") if word.strip()]
    hosts = [_host_in(word) for word in words]
    wanted = {word.strip() for word in limit.split(",") if word.strip()}
    return [host for host in hosts if not wanted or host.name in wanted]


def _host_in(word: str) -> FleetHost:
    found = _WORD.fullmatch(word)
    if found is None:
        raise UsageError(f"{word!r} is not a host", fix="write HOST or USER@HOST; ports belong into ~/.ssh/config")
    return FleetHost(word, found["host"], user=found["user"] or "")


# --- Ansible inventories ----------------------------------------------------------------------


def _asked(inventory: str, choice: FleetChoice, env: Mapping[str, str]) -> list[FleetHost]:
    """The hosts that `ansible-inventory` lists."""
    expect_ansible()
    words = [sys.executable, "-m", "ansible", "inventory", "-i", inventory, "--list"]
    limited = [*words, "--limit", choice.limit] if choice.limit else words
    done = programs.run(limited, ansible_env(env), seconds=_SECONDS)
    try:
        listed = json.loads(done.output)
    except ValueError:
        listed = None
    hosts = _listed(listed) if isinstance(listed, dict) else []
    if done.code or not hosts:
        raise UsageError(f"no host in the inventory {inventory} matches", detail=_said(done.complaints), fix=_EXAMPLE)
    return hosts


def _said(complaints: str) -> str:
    """What Ansible said, without the lines that only repeat it."""
    return "\n".join(line for line in complaints.splitlines() if line.strip())[:2000]


def _listed(listed: Mapping[str, Any]) -> list[FleetHost]:
    known = listed.get("_meta", {}).get("hostvars", {})
    groups = (group for name, group in listed.items() if name != "_meta" and isinstance(group, dict))
    names = dict.fromkeys(host for group in groups for host in group.get("hosts", ()))
    return [_from_vars(name, known.get(name, {})) for name in (names | dict.fromkeys(known))]


def _from_vars(name: str, told: Mapping[str, Any]) -> FleetHost:
    port = told.get("ansible_port", 0)
    return FleetHost(
        name,
        str(told.get("ansible_host") or name),
        user=str(told.get("ansible_user") or ""),
        port=port if isinstance(port, int) else number_in(str(port)) or 0,
        project=str(told.get("reconciler_project") or ""),
        executable=str(told.get("reconciler_executable") or ""),
        values=_values(name, told["reconciler_vars"]) if "reconciler_vars" in told else None,
        **_git(name, told.get("reconciler_git") or {}),
    )


def _values(host: str, given: object) -> dict[str, str]:
    """The values for `${NAME}`: names and strings."""
    if not isinstance(given, dict):
        raise UsageError(
            f"reconciler_vars of {host} is not a mapping", fix="write it as `reconciler_vars: {NAME: text}`"
        )
    for name, value in given.items():
        if not (isinstance(name, str) and re.fullmatch(VARIABLE, name)):
            raise UsageError(f"reconciler_vars of {host}: {name!r} cannot be a name", fix="use letters, digits and _")
        if not isinstance(value, str):
            raise UsageError(f"reconciler_vars of {host}: {name} is not a string", fix=f"quote it: {name}: '{value}'")
    return dict(given)


def _git(host: str, given: object) -> dict[str, str]:
    known = isinstance(given, dict) and all(isinstance(each, str) for each in (*given, *given.values()))
    if not (isinstance(given, dict) and known and set(given) <= {"url", "ref"} and (not given or given.get("url"))):
        fix = "write it as `reconciler_git: {url: URL, ref: main}`"
        raise UsageError(f"reconciler_git of {host} cannot be read", fix=fix)
    return {f"git_{key}": value for key, value in given.items()}


def ansible_env(env: Mapping[str, str]) -> dict[str, str]:
    """The environment for Ansible: the user's own, with what a run of ours needs."""
    own = {
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_DEPRECATION_WARNINGS": "0",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "1",
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
    }
    utf8 = any("utf" in env.get(name, "").lower() for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    return {**env, **own, **({} if utf8 else {"LC_ALL": "C.UTF-8"})}  # Ansible refuses other locales


def inventory_for_ssh(hosts: Sequence[FleetHost]) -> dict[str, Any]:
    """The Ansible inventory of hosts that were given as `ssh:HOST,HOST`."""
    told = {
        each.name: {"ansible_host": each.address, **({"ansible_user": each.user} if each.user else {})}
        for each in hosts
    }
    return {"all": {"hosts": told}}

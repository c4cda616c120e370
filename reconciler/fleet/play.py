"""Run the module `reconciler.fleet.reconcile` on hosts: one play with one task."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from reconciler.model.errors import UsageError
from reconciler.ports import programs, temporary

from .hosts import FleetHost, HostResult
from .inventory import ansible_env, inventory_for_ssh, needs_ansible
from .results import lost, read_lines, with_unknown

_ALIVE = "-o ServerAliveInterval=5 -o ServerAliveCountMax=4"  # a link that is down is noticed after 20 s
_SSH = f"-o ControlMaster=auto -o ControlPersist=300s -o BatchMode=yes {_ALIVE}"
_STARTUP = 300.0  # seconds for Ansible itself, beside the time of its hosts


class Task(Struct, frozen=True):
    """What the module does on each host; `expect` has the digest of the plan that was shown, by host."""

    do: str
    options: Mapping[str, Any] = field(default_factory=dict)
    expect: Mapping[str, str] = field(default_factory=dict)
    forks: int = 16
    seconds: float = 300.0
    """The longest time for one host."""

    @property
    def changes(self) -> bool:
        """Whether it changes the hosts."""
        return self.do not in {"plan", "drift"}


class PlayResult(Struct, frozen=True):
    """The results of one play; `not_begun` are the hosts that were not reached before Ctrl-C."""

    results: Sequence[HostResult]
    not_begun: Sequence[str] = ()
    interrupted: bool = False


class Play(Struct, frozen=True):
    """A play as Ansible reads it, without its hosts."""

    content: Mapping[str, Any]
    forks: int = 16
    seconds: float = 300.0
    """The longest time for one host."""


class Told(Struct, frozen=True):
    """What one run of Ansible told: the lines of the callback, and what Ansible itself printed."""

    lines: Sequence[bytes]
    interrupted: bool
    said: str


def play(inventory: str, hosts: Sequence[FleetHost], task: Task, env: Mapping[str, str]) -> PlayResult:
    """Run the task on these hosts. A host of which nothing is heard is unknown.

    Raises:
        UsageError: Ansible refuses the inventory or the play before it reaches a host.
    """
    names = [each.name for each in hosts]
    run = run_play(inventory, hosts, Play(_content(hosts, task), task.forks, task.seconds), env)
    told, interrupted = read_lines(run.lines), run.interrupted
    if not told.begun and not interrupted:
        raise UsageError("Ansible began on no host", detail=run.said)
    not_begun = [name for name in names if name not in told.begun] if interrupted else []
    results = with_unknown([name for name in names if name not in not_begun], told)
    return PlayResult(list(map(lost, results)) if task.changes else results, not_begun, interrupted)


def run_play(inventory: str, hosts: Sequence[FleetHost], wanted: Play, env: Mapping[str, str]) -> Told:
    """Run one play on these hosts."""
    with tempfile.TemporaryDirectory(prefix=f"{temporary.PRIVATE_FOLDER}{temporary.writer()}.") as folder:
        lines = _written(folder, inventory, hosts, wanted)
        interrupted, said = _run(folder, inventory, wanted, env, len(hosts))
        with open(lines, "rb") as file:
            return Told(list(file), interrupted, said)


def _written(folder: str, inventory: str, hosts: Sequence[FleetHost], wanted: Play) -> str:
    """Write what Ansible reads into the private folder, and return the path of the lines that it will write."""
    lines = os.path.join(folder, "lines")
    head = {"hosts": "all", "gather_facts": False, "strategy": "ansible.builtin.free"}
    contents = {
        "play.yml": json.dumps([{**head, **wanted.content}]),
        "limit": "\n".join(each.name for each in hosts) + "\n",
        "lines": "",
    }
    if not needs_ansible(inventory):
        contents["inventory.yml"] = json.dumps(inventory_for_ssh(hosts))
    for name, text in contents.items():
        with open(os.path.join(folder, name), "x", encoding="utf-8") as file:
            file.write(text)
    return lines


def _content(hosts: Sequence[FleetHost], task: Task) -> dict[str, Any]:
    module = {
        "do": task.do,
        "project": "{{ reconciler_fleet_projects[inventory_hostname] }}",
        "executable": "{{ reconciler_fleet_executables[inventory_hostname] | default('reconciler') }}",
        "expect": "{{ reconciler_fleet_expect[inventory_hostname] | default('') }}",
        **task.options,
    }
    known = {
        "reconciler_fleet_projects": {each.name: each.project for each in hosts},
        "reconciler_fleet_executables": {each.name: each.executable for each in hosts if each.executable},
        "reconciler_fleet_expect": dict(task.expect),
    }
    return {"vars": known, "tasks": [{"reconciler.fleet.reconcile": module, "timeout": max(1, int(task.seconds))}]}


def _run(folder: str, inventory: str, task: Play, env: Mapping[str, str], count: int) -> tuple[bool, str]:
    """Run Ansible. Returns whether Ctrl-C ended it, and what it said."""
    source = inventory if needs_ansible(inventory) else os.path.join(folder, "inventory.yml")
    limit, play_file = f"@{os.path.join(folder, 'limit')}", os.path.join(folder, "play.yml")
    words = [sys.executable, "-m", "ansible", "playbook", "-i", source, "--limit", limit, "-f", str(task.forks)]
    rounds = -(-count // max(1, task.forks))
    try:
        done = programs.run([*words, play_file], _environment(folder, env), seconds=task.seconds * rounds + _STARTUP)
    except KeyboardInterrupt:  # no new host is begun; those that have begun end by themselves
        return True, ""
    return False, (done.complaints or done.output)[-2000:]


def _environment(folder: str, env: Mapping[str, str]) -> dict[str, str]:
    own = {
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(collections(env)),
        "ANSIBLE_STDOUT_CALLBACK": "reconciler.fleet.lines",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_SSH_ARGS": env.get("ANSIBLE_SSH_ARGS", _SSH),
        "RECONCILER_FLEET_LINES": os.path.join(folder, "lines"),
    }
    return {**ansible_env(env), **own}


def collections(env: Mapping[str, str]) -> Iterator[str]:
    """Where Ansible looks for collections: ours first, from the wheel or from the checkout beside the package."""
    package = os.path.dirname(os.path.dirname(__file__))
    installed = os.path.join(package, "fleet", "shipped")
    yield installed if os.path.isdir(installed) else os.path.dirname(package)
    yield from filter(None, [env.get("ANSIBLE_COLLECTIONS_PATH", "")])

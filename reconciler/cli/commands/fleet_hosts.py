"""fleet doctor, push and install: bring many hosts to where a fleet needs them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

from reconciler.app.project.places import project_folder
from reconciler.app.project.project import find_project
from reconciler.app.project.receive import LEFT_OUT, checked, is_left_out
from reconciler.cli import fleet_options as fleet_opt
from reconciler.cli import options as opt
from reconciler.cli.fleet_options import chosen_hosts, expect_host
from reconciler.cli.parameters import Argument, Option
from reconciler.fleet.doctor import examine
from reconciler.fleet.doctor_text import fleet_doctor_document, fleet_doctor_text
from reconciler.fleet.exit_codes import apply_exit_code, look_exit_code
from reconciler.fleet.hosts import FleetHost, HostResult, HostWork
from reconciler.fleet.install import install as install_version
from reconciler.fleet.inventory import FleetChoice, expect_ansible, hosts_of, inventory_path
from reconciler.fleet.operations import Fleet
from reconciler.fleet.push import PushSource, expect_no_secrets, patterns_without, push_from_git
from reconciler.fleet.push import push as push_files
from reconciler.fleet.ssh import ssh_here
from reconciler.fleet.wheels import download as make_wheels
from reconciler.fleet.wheels import read_wheels
from reconciler.fleet.work_text import fleet_work_document, fleet_work_text
from reconciler.model.duration import seconds
from reconciler.model.errors import UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.ports.folder_copy import files_below
from reconciler.render.output import tell, tell_json
from reconciler.render.terminal import show

_PLANS = "*.plan"


def doctor(
    inventory: fleet_opt.Inventory = "",
    limit: fleet_opt.Limit = "",
    project: fleet_opt.HostProject = "",
    host: fleet_opt.OneHost = "",
    forks: fleet_opt.Forks = 16,
    timeout: fleet_opt.HostTimeout = "1m",
    as_json: opt.Json = False,
    chdir: opt.Root = "",
) -> int:
    """Find out what each host lacks to be part of a fleet, over plain ssh.

    Checks whether it is reachable, how long its login shell takes, Python, tmux, git, reconciler, the PATH that agents
    get, the project folder and the broker. Changes nothing.

    \b
    Examples:
      reconciler fleet doctor -i ssh:one,two --project ~/lab
      reconciler fleet doctor --host one           # every check of that host
      reconciler fleet doctor --json | jq '.hosts[] | select(.outcome != "ok")'
    """
    hosts = chosen_hosts(FleetChoice(inventory, limit, project), chdir)
    expect_host(host, [each.name for each in hosts])
    found = examine(
        [each for each in hosts if not host or each.name == host], ssh_here(os.environ, seconds(timeout)), forks
    )
    if as_json:
        tell_json(fleet_doctor_document(found))
    else:
        show(fleet_doctor_text(found, host), sys.stdout, os.environ)
    return look_exit_code([HostResult(each.host, each.outcome) for each in found], changes_count=False)


def push(
    folder: Annotated[
        str, Argument(metavar="[DIR]", help="Folder to copy [default: the project folder]", show_default=False)
    ] = "",
    inventory: fleet_opt.Inventory = "",
    limit: fleet_opt.Limit = "",
    project: fleet_opt.HostProject = "",
    delete: Annotated[
        bool, Option("--delete", help="Also delete files on the hosts that are not in the folder")
    ] = False,
    host: fleet_opt.OneHost = "",
    forks: fleet_opt.Forks = 16,
    timeout: fleet_opt.HostTimeout = "5m",
    as_json: opt.Json = False,
    chdir: opt.Root = "",
) -> int:
    """Copy the manifests to many hosts with rsync, or let each host clone them with git.

    The manifests are checked here, and on each host before they replace the old ones. Registries, jobs, `.git`, saved
    plans and the folders of agents are neither copied nor deleted. The host variable `reconciler_vars` becomes
    `reconciler.env.yaml` there, for `${NAME}` in manifests.

    \b
    Examples:
      reconciler fleet push -i ssh:one,two --project ~/lab
      reconciler fleet push -i hosts.yml ./lab
      reconciler fleet push --delete               # also what was removed here
    """
    root = project_folder(folder or chdir)
    inventory = inventory_path(FleetChoice(inventory, limit, project), project_folder(chdir or folder))
    hosts = hosts_of(inventory, FleetChoice(inventory, limit, project), os.environ)
    expect_host(host, [each.name for each in hosts])
    expect_no_secrets(hosts)
    copied, cloned = [each for each in hosts if not each.git_url], [each for each in hosts if each.git_url]
    source = _source(root, inventory, copied, delete=delete)
    ssh = ssh_here(os.environ, seconds(timeout))
    done = [*(push_files(copied, source, ssh, forks) if copied else ())]
    done += push_from_git(inventory, cloned, source, ssh, forks) if cloned else ()
    return _told(done, host, as_json=as_json)


def _source(root: str, inventory: str, hosts: Sequence[FleetHost], *, delete: bool) -> PushSource:
    """The folder that is copied, after its manifests were checked with the values of each host."""
    if not hosts:
        return PushSource(root, (), delete)
    at = find_project(root, "")
    homes: set[str] = set()
    for values in _different([each.values for each in hosts]):
        desired = checked(at, at.root, (), values)
        homes |= {each.path for each in desired.workspaces.values()}
    inside = [os.path.relpath(each, at.root) for each in sorted(homes) if each.startswith(f"{at.root}{os.sep}")]
    _expect_own_links(at.root)
    own = [os.path.relpath(inventory, at.root)] if inventory.startswith(f"{at.root}{os.sep}") else []
    return PushSource(at.root, patterns_without([*inside, *own], [*LEFT_OUT, _PLANS]), delete)


def _different(values: Sequence[Mapping[str, str] | None]) -> list[Mapping[str, str]]:
    """Each set of values once."""
    known: list[Mapping[str, str]] = []
    for each in values:
        if (each or {}) not in known:
            known.append(each or {})
    return known


def _expect_own_links(root: str) -> None:
    """Raise UsageError for a link that leads out of the folder: on a host, it would lead elsewhere."""
    for path in files_below(root, is_left_out):
        full = os.path.join(root, path)
        if os.path.islink(full) and not os.path.realpath(full).startswith(f"{os.path.realpath(root)}{os.sep}"):
            raise UsageError(f"{path} is a link that leads out of {root}", fix="copy what it leads to")


def _told(done: Sequence[HostWork], host: str, *, as_json: bool) -> int:
    chosen = sorted((each for each in done if not host or each.host == host), key=_name)
    if as_json:
        tell_json(fleet_work_document(chosen))
    else:
        show(fleet_work_text(chosen, full=bool(host)), sys.stdout, os.environ)
    results = [HostResult(each.host, each.outcome, changed=each.changed) for each in done]
    return ExitCode(apply_exit_code(results))


def _name(work: HostWork) -> str:
    return work.host


def install(
    inventory: fleet_opt.Inventory = "",
    limit: fleet_opt.Limit = "",
    project: fleet_opt.HostProject = "",
    wheels: Annotated[str, Option("--wheels", metavar="FILE.tar", help="Tar of wheels, from --download")] = "",
    download: Annotated[
        str, Option("--download", metavar="DIR", help="Only make the tar in this folder; needs the internet")
    ] = "",
    for_python: Annotated[
        str, Option("--for-python", metavar="X.Y", help="With --download: the Python of the hosts [default: this one]")
    ] = "",
    for_platform: Annotated[
        str,
        Option("--for-platform", metavar="PLATFORM", help="With --download: as pip names it [default: this one]"),
    ] = "",
    prune: Annotated[bool, Option("--prune", help="Remove other versions that no process uses")] = False,
    host: fleet_opt.OneHost = "",
    forks: fleet_opt.Forks = 16,
    timeout: fleet_opt.HostTimeout = "5m",
    as_json: opt.Json = False,
    chdir: opt.Root = "",
) -> int:
    """Install one version of reconciler on many hosts, without root and without the internet there.

    Makes a venv in `~/.local/share/reconciler/VERSION` from one tar of wheels, and then the link
    `~/.local/bin/reconciler`. A host that has the version is left as it is. Other versions stay until --prune.

    \b
    Examples:
      reconciler fleet install --download .        # makes reconciler-VERSION-PYTHON-PLATFORM.tar
      reconciler fleet install -i ssh:one,two --wheels FILE.tar
      reconciler fleet install --wheels FILE.tar --prune
    """
    if bool(download) == bool(wheels):
        raise UsageError("pass either --wheels FILE.tar or --download DIR", fix="make the tar with --download . first")
    if download:
        tell(make_wheels(download, for_python, for_platform, os.environ))
        return ExitCode.OK
    found, longest = read_wheels(wheels), seconds(timeout)
    expect_ansible()
    choice = FleetChoice(inventory, limit, project or "~")
    fleet = Fleet(
        inventory_path(choice, project_folder(chdir)),
        chosen_hosts(choice, chdir),
        os.environ,
        forks=forks,
        seconds=longest,
    )
    expect_host(host, [each.name for each in fleet.hosts])
    return _told(install_version(fleet, found, prune=prune), host, as_json=as_json)

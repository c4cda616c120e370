"""Copy the manifests of a project to hosts.

rsync puts them beside the project there; the host's own program checks them and takes them over.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import msgspec
from msgspec import Struct

from reconciler.manifest import HOST_VALUES, host_values_text
from reconciler.model.desired import names_a_secret
from reconciler.model.errors import ReconcilerError, Refused
from reconciler.model.exit_code import ExitCode
from reconciler.ports import programs

from .hosts import FleetHost, HostOutcome, HostWork
from .play import Play
from .set_up import set_up
from .ssh import AT_ONCE, NOT_FOUND, Ssh, SshAnswer, first_line, last_line, needed, on_each, quoted_folder

_CLONED = "Clone the manifests"
_MARK = "reconciler-stage="
_OUTCOMES: Mapping[int, HostOutcome] = {
    ExitCode.OK: HostOutcome.OK,
    ExitCode.LOCKED: HostOutcome.LOCKED,
    ExitCode.REFUSED: HostOutcome.REFUSED,
}
# Makes the folder beside the project that rsync fills. One that a killed push left is removed after an hour.
_PREPARE = r"""mkdir -p "$project" && project=$(cd "$project" && pwd -P) || exit 73
parent=${project%/*} name=${project##*/}
find "${parent:-/}" -maxdepth 1 -name ".$name.push-*" -mmin +60 -exec rm -rf {} + 2>/dev/null
stage=$(mktemp -d "$parent/.$name.push-XXXXXX") || exit 73
"""
_CLONE = r"""cd "$stage" && stage=$(pwd -P) || exit 73
rm -f reconciler.env.yaml
"""
# As the module of the collection does it: in a login shell, so that `${NAME}` means what it means for a plan.
_TAKE = r"""shell=$( (getent passwd "$(id -u)" || grep "^$(id -un):" /etc/passwd) 2>/dev/null | head -n 1 | sed 's/.*://')
case ${shell##*/} in sh|bash|dash|ksh|zsh) [ -x "$shell" ] || shell=/bin/sh;; *) shell=/bin/sh;; esac
case $program in */*) ;; *) [ ! -x "$HOME/.local/bin/$program" ] || program=$HOME/.local/bin/$program;; esac
"$shell" -l -c 'exec "$0" "$@"' "$program" -C "$project" receive "$stage" $delete </dev/null
code=$?
"""


class PushSource(Struct, frozen=True):
    """The folder that is copied, and what of it stays here, as patterns of rsync."""

    folder: str
    patterns: Sequence[str]
    delete: bool = False


def expect_no_secrets(hosts: Sequence[FleetHost]) -> None:
    """Raise Refused if a value of a host is named like a secret: these values are no place for one."""
    for host in hosts:
        secret = next((name for name in host.values or () if names_a_secret(name)), None)
        if secret:
            fix = "copy the secret as a file with mode 0600, and read it with `from_file`"
            raise Refused(f"reconciler_vars of {host.name}: {secret} is named like a secret", fix=fix)


def patterns_without(paths: Sequence[str], names: Sequence[str]) -> list[str]:
    """The patterns that leave out these paths from the folder, and these names wherever they are."""
    return [*(f"--exclude={name}" for name in names), *(f"--exclude=/{_literal(path)}" for path in paths)]


def _literal(path: str) -> str:
    return "".join(f"\\{each}" if each in "*?[\\" else each for each in path)


def push(hosts: Sequence[FleetHost], source: PushSource, ssh: Ssh, at_once: int = AT_ONCE) -> list[HostWork]:
    """Copy the folder to each host, and let the host take it over. Raises Unreachable if there is no rsync here."""
    rsync = needed("rsync", "rsync", ssh.env)
    return on_each(hosts, partial(_pushed, source=source, ssh=ssh, rsync=rsync), at_once)


def _pushed(host: FleetHost, *, source: PushSource, ssh: Ssh, rsync: str) -> HostWork:
    prepared = ssh.run(host, _names(host) + _PREPARE + _values_script(host), _values(host))
    if prepared.lost:
        return HostWork(host.name, HostOutcome.UNREACHABLE, prepared.lost)
    stage = _stage_in(prepared.output)
    if not stage:
        said = first_line(prepared.complaints) or f"it printed no folder: {prepared.output[:200]}"
        return HostWork(host.name, HostOutcome.FAILED, said)
    copied = _copied(
        host, source, stage, partial(programs.run, env=ssh.env, seconds=ssh.seconds), [rsync, *_rsh(ssh, host)]
    )
    if copied:
        ssh.run(host, f"rm -rf {shlex.quote(stage)}")
        return HostWork(host.name, HostOutcome.FAILED, copied)
    names = _names(host) + f"stage={shlex.quote(stage)}\n" + _delete(source)
    return taken(host.name, ssh.run(host, f'{names}{_TAKE}rm -rf "$stage"\nexit $code\n'))


def _names(host: FleetHost) -> str:
    return f"project={quoted_folder(host.project)}\nprogram={quoted_folder(host.executable or 'reconciler')}\n"


def _delete(source: PushSource) -> str:
    return f"delete={'--delete' if source.delete else ''}\n"


def _values(host: FleetHost) -> bytes:
    return b"" if host.values is None else host_values_text(host.values).encode()


def _values_script(host: FleetHost) -> str:
    """The values go through the input: command lines can be seen by everyone on the host."""
    write = "" if host.values is None else f'cat >"$stage/{HOST_VALUES}" || exit 73\n'
    return f"{write}printf '{_MARK}%s\\n' \"$stage\"\n"


def _stage_in(output: str) -> str:
    lines = [line.removeprefix(_MARK) for line in output.splitlines() if line.startswith(_MARK)]
    return lines[-1] if lines and lines[-1].startswith("/") else ""


def _rsh(ssh: Ssh, host: FleetHost) -> list[str]:
    return ["-e", shlex.join(ssh.words(host))]


def _copied(
    host: FleetHost, source: PushSource, stage: str, run: partial[programs.ProgramResult], rsync: Sequence[str]
) -> str:
    """Run rsync. Returns why it failed; empty if it did not."""
    address = f"[{host.address}]" if ":" in host.address else host.address
    options = ["-rlpt", "-s", f"--exclude=/{HOST_VALUES}", *source.patterns]
    try:
        done = run([*rsync, *options, "--", f"{source.folder}/", f"{address}:{stage}/"])
    except ReconcilerError as error:
        return error.summary
    if done.code == 0:
        return ""
    missing = "rsync: command not found" in done.complaints or "rsync: not found" in done.complaints
    return (
        "there is no rsync on the host" if missing else last_line(done.complaints) or f"rsync exited with {done.code}"
    )


def taken(host: str, answer: SshAnswer) -> HostWork:
    """What the host's own program said about taking over the files."""
    if answer.lost:
        return HostWork(host, HostOutcome.UNKNOWN, f"the connection was lost: {answer.lost}")
    if answer.code == NOT_FOUND:
        return HostWork(host, HostOutcome.FAILED, "there is no reconciler on the host", answer.code)
    outcome = _OUTCOMES.get(answer.code, HostOutcome.FAILED)
    if outcome is not HostOutcome.OK:
        return HostWork(host, outcome, _why(answer.complaints) or f"exit code {answer.code}", answer.code)
    try:
        done = msgspec.json.decode(answer.output, type=dict[str, list[str]])
    except (msgspec.MsgspecError, RecursionError):
        said = f"the host printed something before the document: {answer.output.strip()[:200]}"
        return HostWork(host, HostOutcome.UNKNOWN, said, answer.code)
    written, deleted = done.get("written", []), done.get("deleted", [])
    return HostWork(host, outcome, "", answer.code, written, deleted, changed=bool(written or deleted))


def _why(complaints: str) -> str:
    """The first mistake with its place: what comes before the first way out."""
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    until = next((number for number, line in enumerate(lines) if line.startswith("->")), min(2, len(lines)))
    return ": ".join(lines[:until]).removeprefix("Error: ")


# --- from git ---------------------------------------------------------------------------------


def push_from_git(
    inventory: str, hosts: Sequence[FleetHost], source: PushSource, ssh: Ssh, forks: int
) -> Iterator[HostWork]:
    """Let Ansible clone the manifests of these hosts beside their project, and let each host take them over."""
    known = {each.name: {"dest": _clone(each), "repo": each.git_url, "version": each.git_ref} for each in hosts}
    module = {
        "repo": "{{ reconciler_fleet_git[inventory_hostname].repo }}",
        "dest": "{{ reconciler_fleet_git[inventory_hostname].dest }}",
        "version": "{{ reconciler_fleet_git[inventory_hostname].version or 'HEAD' }}",
        "force": True,
    }
    task = {"name": _CLONED, "ansible.builtin.git": module, "timeout": max(1, int(ssh.seconds))}
    content = {"vars": {"reconciler_fleet_git": known}, "tasks": [task]}
    cloned = {each.host: each for each in set_up(inventory, hosts, Play(content, forks, ssh.seconds), _CLONED, ssh.env)}
    fine = [each for each in hosts if cloned[each.name].outcome is HostOutcome.OK]
    yield from (each for each in cloned.values() if each.outcome is not HostOutcome.OK)
    yield from on_each(fine, partial(_taken_from_clone, source=source, ssh=ssh), forks)


def _clone(host: FleetHost) -> str:
    folder, name = posixpath.split(host.project.rstrip("/"))
    return posixpath.join(folder, f".{name}.clone")


def _taken_from_clone(host: FleetHost, *, source: PushSource, ssh: Ssh) -> HostWork:
    names = _names(host) + f"stage={quoted_folder(_clone(host))}\n" + _delete(source)
    script = f'{names}mkdir -p "$project" || exit 73\n{_CLONE}{_values_script(host)}{_TAKE}exit $code\n'
    answer = ssh.run(host, script, _values(host))
    if answer.lost or answer.code:
        return taken(host.name, answer)
    _, _, document = answer.output.partition(_MARK)
    return taken(host.name, msgspec.structs.replace(answer, output=document.partition("\n")[2]))

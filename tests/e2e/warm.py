"""The command line in processes that need not import it first: hundreds of tests would spend their time on that.

A server imports everything once and forks for each command: like a new process, the fork has its own
environment, folder, standard streams and exit code, and shares nothing that it changes. What is imported, and when,
is tested elsewhere (`test_architecture.py`), in real processes.
"""

from __future__ import annotations

import array
import json
import os
import pkgutil
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, NoReturn

_HEAVY = ("cryptography.x509", "jinja2", "jsonschema", "libtmux", "paho.mqtt.client", "pydantic", "rich.console")
_AT_START = ("LANG", "LC_", "PYTHON")  # what an interpreter reads once, when it starts


def may_run(env: Mapping[str, str], usual: Mapping[str, str]) -> bool:
    """Whether a fork would be the same as a new process with this environment."""
    return all(env.get(name) == usual.get(name) for name in {*env, *usual} if name.startswith(_AT_START))


def run(
    words: Sequence[str],
    folder: Path,
    env: Mapping[str, str],
    seconds: float,
    typed: int | None = None,
    *,
    before: str = "",
) -> subprocess.CompletedProcess[str]:
    """What a command printed, and its exit code; standard input is the descriptor `typed`, else empty.

    `before` is what the fault hook of the campaign begins with, in the process of the command.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, open(os.devnull, "rb") as nothing:
        streams = (nothing.fileno() if typed is None else typed, out.fileno(), err.fileno())
        code = _ask(_server(), _asked(words, folder, env, before), seconds, streams)
        return subprocess.CompletedProcess(["reconciler", *words], code, _text(out), _text(err))


def script(seconds: float) -> str:
    """A line of shell that has this process' server run the command, as it was called."""
    return shlex.join([sys.executable, "-IS", __file__, "ask", _server()[1:], str(seconds)]) + ' "$@"'


def _asked(words: Sequence[str], folder: Path, env: Mapping[str, str], before: str = "") -> bytes:
    return json.dumps({"words": list(words), "folder": str(folder), "env": dict(env), "before": before}).encode()


def _ask(address: str, asked: bytes, seconds: float, streams: Sequence[int]) -> int:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.settimeout(seconds)
        door.connect(address)
        socket.send_fds(door, [asked], streams)
        return int(door.recv(64) or b"-9")


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode().replace("\r\n", "\n")


@cache
def _server() -> str:
    """The address of this process' server, which ends with it."""
    address = f"\0reconciler-tests-{os.getpid()}-{os.urandom(8).hex()}"
    env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": "/nonexistent"}
    server = subprocess.Popen(
        [sys.executable, __file__, "serve", address[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env
    )
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    _kept.append(server)
    return address


_kept: list[subprocess.Popen[bytes]] = []  # its standard input stays open as long as we live


# --- the server -------------------------------------------------------------------------------


def _serve(name: str) -> NoReturn:
    import reconciler

    for module in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    for module in _HEAVY:
        import_module(module)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(f"\0{name}")
        door.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        if os.fork() == 0:  # ends the server when the tests are over
            door.close()
            sys.stdin.read()
            os.kill(os.getppid(), signal.SIGKILL)
            os._exit(0)
        while True:
            asking, _ = door.accept()
            if os.fork() == 0:
                door.close()
                _answer(asking)
            asking.close()
            _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _answer(asking: socket.socket) -> NoReturn:
    """Fork once more for the command, wait for it, and tell how it ended."""
    message, descriptors, _, _ = socket.recv_fds(asking, 1 << 20, 3)
    child = os.fork()
    if child == 0:
        asking.close()
        _become(json.loads(message), array.array("i", descriptors))
    _, status = os.waitpid(child, 0)
    asking.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(asked: Mapping[str, object], descriptors: Sequence[int]) -> NoReturn:
    for wanted, descriptor in enumerate(descriptors):
        os.dup2(descriptor, wanted)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(str(asked["folder"]))
    sys.argv[:] = ["reconciler", *asked["words"]]
    from reconciler.__main__ import main

    if asked["before"]:
        sys.path.insert(0, str(Path(__file__).parents[1]))
        from campaign import hook

        hook.begin(str(asked["before"]))
    code = 1
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter would
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", address]:
            _serve(address)
        case ["ask", address, seconds, *words]:
            asked = _asked(words, Path.cwd(), os.environ)
            sys.exit(_ask(f"\0{address}", asked, float(seconds), (0, 1, 2)) % 256)

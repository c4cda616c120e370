from __future__ import annotations

import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from clis import DRIVEN, Cli
from newest import newest_clis, no_longer_holds, of_version
from real_project import RealProject
from stub import stub
from waiting import wait_until

from reconciler.model.desired import Socket

# Hundreds of megabytes and minutes: only for those who ask, as `make test-real` does.
collect_ignore_glob = [] if os.environ.get("RECONCILER_REAL") else ["test_*.py"]
_DRIVE = "test_versions.py"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which versions the drive of test_versions.py takes; the other tests are left out then."""
    group = parser.getgroup("real agent CLIs")
    group.addoption("--all-versions", action="store_true", help="drive every known version, and record what came of it")
    group.addoption("--newest", action="store_true", help="drive the newest of each on npm; say what no longer holds")
    group.addoption("--drive", action="append", metavar="CLI@VERSION", help="drive any version on npm, unrecorded")
    group.addoption("--keep", action="store_true", help="keep the versions that were installed for the drive")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Either the drive, or all other tests of this folder."""
    name = collection_path.name
    if collection_path.parent != Path(__file__).parent or not name.startswith("test_"):
        return None
    return True if (name == _DRIVE) is not _drives(config) else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each CLI and version."""
    if "driven_cli" in metafunc.fixturenames:
        metafunc.parametrize("driven_cli", _chosen(metafunc.config), ids=str)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What no longer holds of the versions that are not recorded."""
    if config.getoption("newest", default=False) or config.getoption("drive", default=None):
        reports = [each for found in ("passed", "failed") for each in terminalreporter.getreports(found)]
        rows = [value for each in reports for name, value in each.user_properties if name == "row"]
        for line in no_longer_holds(rows):
            terminalreporter.write_line(line)


def _chosen(config: pytest.Config) -> list[Cli]:
    """The CLIs to drive. Raises UsageError for one that is not known, or when npm does not answer."""
    named = [_named(each) for each in config.getoption("drive") or ()]
    newest = newest_clis() if config.getoption("newest") else []
    return [*(DRIVEN if config.getoption("all_versions") else ()), *newest, *named]


def _named(text: str) -> Cli:
    name, _, version = text.partition("@")
    known = [cli for cli in DRIVEN if cli.name == name]
    if not known or not re.fullmatch(r"\d+(\.\d+)+", version):
        names = ", ".join(sorted({cli.name for cli in DRIVEN}))
        raise pytest.UsageError(f"--drive {text}: not CLI@VERSION, such as codex@0.171.0; the CLIs are {names}")
    return of_version(known, version)


def _drives(config: pytest.Config) -> bool:
    return any(config.getoption(option, default=None) for option in ("all_versions", "newest", "drive"))


@pytest.fixture
def project(tmux_socket: Socket) -> Iterator[RealProject]:
    """An empty project with a home, a tmux socket and a model of its own; its agents are gone afterwards."""
    home = Path(tmux_socket.path).parent
    root = home / "project"
    (root / "lab").mkdir(parents=True)
    with stub() as model:
        made = RealProject(root, home, Path(tmux_socket.path), model)
        yield made
        made.tmux("kill-server")
        wait_until(lambda: not [_kill(pid) for pid in made.processes()])


@pytest.fixture
def broker(project: RealProject) -> Iterator[dict[str, str]]:
    """The MQTT_* variables of a broker that runs from the project's folder."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    project.run("broker", "init", "--port", str(port), "--user", "both:reconciler")
    project.run("broker", "run", "--background")
    told = json.loads(project.run("broker", "env", "both", "--format", "json"))
    secret = Path(told["password_file"]).read_text().strip()
    yield {
        "MQTT_BROKER": told["host"],
        "MQTT_PORT": str(told["port"]),
        "MQTT_TLS": "1",
        "MQTT_CA_CERTS": told["ca_certs"],
        "MQTT_USERNAME": told["username"],
        "MQTT_PASSWORD": secret,
    }
    pid = json.loads((project.root / ".hermes/broker/run/mosquitto.pid").read_text())["pid"]
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _kill(pid: int) -> None:
    """End what a test left behind."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)

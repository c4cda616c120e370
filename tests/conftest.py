from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

from reconciler.model.desired import Socket


@pytest.fixture
def tmux_socket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Socket]:
    """A socket of the test's own; whatever server comes to live on it is killed at the end."""
    monkeypatch.delenv("TMUX", raising=False)
    monkeypatch.delenv("TMUX_PANE", raising=False)
    monkeypatch.setenv("SHELL", "/bin/sh")
    with TemporaryDirectory(prefix="rc-", dir="/tmp") as folder:
        monkeypatch.setenv("HOME", folder)  # no ~/.tmux.conf of the person who runs the tests
        path = os.path.join(folder, "t")
        yield Socket(path=path)
        subprocess.run(["tmux", "-S", path, "kill-server"], capture_output=True, check=False)


@pytest.fixture(scope="session", autouse=True)
def _own_notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No apply of a test is noted in the home of the person who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


# A shell lets the jobs in its background ignore interrupts, and so would everything that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# As under nohup(1): what the tests start would ignore it, too.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# The same examples for everybody and every run; new ones with HYPOTHESIS_PROFILE=search.
settings.register_profile("same", derandomize=True, deadline=None, database=None)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line says it when the tests on machines of their own did not run (tests/rig)."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter else []
    whys = [each.longrepr[2] for each in skipped if each.nodeid.startswith("tests/rig/")]
    if whys:
        reporter.write_line(f"rig: {whys[0].removeprefix('Skipped: ')}")

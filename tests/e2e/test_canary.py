"""A secret in every place that can hold one is found nowhere else, whatever is done."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest
from project import Project, command_lines, environment
from waiting import wait_until

PLANTED = {"BY_ENV": "canary-by-env", "BY_FILE": "canary-by-file", "BY_VARIABLE": "canary-by-variable"}
BESIDE = {"UNUSED": "canary-unused", "RECONCILER_WEBHOOK_TOKEN": "canary-webhook"}
# What is meant to hold a secret; it is its owner's alone.
MEANT = ("key", "*/clients/*.password", "*/clients/*.env", "*/passwd", "*.key", "*/.mam/jobs/*.json")


@pytest.fixture
def called() -> Iterator[set[bytes]]:
    """What any process of this machine is called with while the test runs."""
    seen: set[bytes] = set()
    over = Event()

    def look() -> None:
        while not over.wait(0.005):
            seen.update(command_lines().splitlines())

    looking = Thread(target=look)
    looking.start()
    yield seen
    over.set()
    looking.join()


def declare(project: Project, port: int, **agents: object) -> None:
    secrets = {
        "ONE": {"from_env": "MY_ENV"},
        "TWO": {"from_file": str(project.home / "key")},
        "THREE": "${MY_VARIABLE}",
    }
    knowing = {"type": "claude", "prompt": "hello", "env": secrets}
    project.write(
        {"lab": {"path": "lab", "agents": {"knowing": knowing, **agents}}}, broker={"listeners": [{"port": port}]}
    )


def test_a_secret_is_where_it_is_meant_to_be_and_nowhere_else(project: Project, port: int, called: set[bytes]):
    (project.home / "key").touch(0o600)
    (project.home / "key").write_text(PLANTED["BY_FILE"])
    (project.home / "tmp").mkdir()
    caller = {"MY_ENV": PLANTED["BY_ENV"], "MY_VARIABLE": PLANTED["BY_VARIABLE"], **BESIDE}
    said = ""

    def run(line: str, code: int = 0) -> None:
        nonlocal said
        said += project.run(*line.split(), code=code, TMPDIR=str(project.home / "tmp"), **caller)

    declare(project, port)
    run("plan --full --out saved")
    run("apply saved")
    wait_until(project.transcripts)
    declare(project, port, gone={"type": "no-such-cli"})
    run("apply --auto-approve", code=1)
    declare(project, port, other={"type": "claude"})
    run("apply --auto-approve --json --confirm-within 1h")
    for line in ("plan --json", "confirm", "job submit --agent human --prompt do-it --detach --json", "refresh"):
        run(line)
    for line in ("status --json", "show", "drift --json", "job list --json", "broker status", "history diff 1 2"):
        run(line)
    for line in ("history show 2 --full", "history show 2 --json", "rollback --auto-approve --full --max-destroy 1"):
        run(line)

    knowing = environment(project.pane("lab-creator-knowing").pid)
    assert {knowing[name] for name in ("ONE", "TWO", "THREE")} == set(PLANTED.values())
    in_tmux = everywhere_in_tmux(project)
    project.lose("lab-creator-knowing")
    run("monitor --once --json --sink webhook:http://localhost:9/hook --sink exec:cat")
    secrets = [*PLANTED.values(), *BESIDE.values(), *made_by_us(project)]
    assert len(secrets) > 10
    assert "webhook" in said, "the token was not used"
    assert found(secrets, said.encode()) == []
    assert any(b"await-confirmation" in line for line in called), "this test would notice nothing"
    assert found(secrets, b"\n".join(called)) == []
    assert found(secrets, in_tmux) == []
    assert [path for path in strangers(project) if found(secrets, path.read_bytes())] == []
    assert {stat.S_IMODE(path.stat().st_mode) for path in meant(project)} == {0o600}


def made_by_us(project: Project) -> Iterator[str]:
    """Passwords and their hashes, private keys, and the token of the job."""
    for path in meant(project):
        text = path.read_text()
        if path.suffix == ".password":
            yield text.strip()
        elif path.suffix == ".key":
            yield text.splitlines()[1]
        elif path.name == "passwd":
            yield from (line.partition(":")[2] for line in text.splitlines())
        elif path.suffix == ".json":
            yield text.partition('"auth_token": "')[2].partition('"')[0]


def meant(project: Project) -> list[Path]:
    return [path for path in files(project) if any(path.match(pattern) for pattern in MEANT)]


def strangers(project: Project) -> list[Path]:
    return [path for path in files(project) if path not in meant(project)]


def files(project: Project) -> list[Path]:
    return [path for path in project.home.rglob("*") if path.is_file() and not path.is_symlink()]


def everywhere_in_tmux(project: Project) -> bytes:
    said = [project.tmux("show-environment", "-g"), project.tmux("show-options", "-A", "-g")]
    for session in project.live():
        said.append(project.tmux("show-environment", "-t", f"={session}:"))
        said.append(project.tmux("list-panes", "-t", f"={session}:", "-F", "#{pane_start_command}"))
        said.append(project.screen(session))
    return "".join(said).encode()


def found(secrets: list[str], data: bytes) -> list[str]:
    return [secret for secret in secrets if secret.encode() in data]

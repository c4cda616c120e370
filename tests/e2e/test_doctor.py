"""doctor, on a real machine: what it finds, that what it says to type mends it, and that nothing makes it give up."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema
import pytest
from project import CLI, SCHEMAS, Project, runs
from waiting import wait_until

import reconciler
from reconciler.app.doctor.examine import examine
from reconciler.app.project.project import Project as Opened
from reconciler.app.project.project import find_project
from reconciler.ports.tmux import server as tmux_server

CLAUDE, HUMAN = "lab-creator-claude", "lab-creator-human"
SCHEMA = json.loads((SCHEMAS / "doctor.schema.json").read_text())
OF_OTHERS = "/tmp/reconciler-"  # noqa: S108 - not ours
LOGIN = "PATH={}; export PATH\n"  # a login shell that finds what the project finds


def made(folder: str) -> Project:
    """A project with two agents that run, on a machine on which all is well."""
    home = Path(folder)
    project = Project(home / "project", home, home / "t")
    project.root.mkdir()
    (home / ".profile").write_text(LOGIN.format(project.env["PATH"]))
    project.declare(claude={}, human={"type": "shell", "args": ["-c", "exec sleep 600"]})
    return project


@pytest.fixture(scope="module")
def lab() -> Iterator[Project]:
    """One project for all tests that leave it as they found it."""
    with TemporaryDirectory(prefix="rc-", dir="/tmp") as folder:
        project = made(folder)
        project.apply()
        yield project
        project.tmux("kill-server")
        wait_until(lambda: not [_end(pid) for pid in project.processes()])


def _end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def checked(project: Project, *words: str, code: int | None = None, **env: str) -> dict[str, Any]:
    """The document, which is what its schema says."""
    done = project.attempt("doctor", "--json", *words, **env)
    assert done.stderr == ""
    document: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    for each in ("checks", "mended"):
        document[each] = [found for found in document[each] if not _is_of_other_tests(found)]
    assert done.returncode == document["exit_code"]
    assert code is None or done.returncode == code, (bad(document), document["mended"])
    return document


def _is_of_other_tests(found: Mapping[str, Any]) -> bool:
    """Whether it is about nothing but folders that tests leave in /tmp which kill commands at the same time."""
    paths = [word for word in re.split(r"[\s,]+", f"{found['summary']} {found['detail']}") if word.startswith("/")]
    return bool(paths) and all(path.startswith(OF_OTHERS) for path in paths)


def bad(document: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """What has to be mended: level and summary, by the name of the check."""
    found = [each for each in document["checks"] if each["level"] not in {"ok", "note"}]
    return {each["check"]: (each["level"], each["summary"]) for each in found}


def told(document: Mapping[str, Any], check: str, words: str = "") -> dict[str, Any]:
    """The one result of a check with these words."""
    [found] = [each for each in document["checks"] if each["check"] == check and words in json.dumps(each)]
    return dict(found)


def typed(project: Project, fix: str) -> None:
    """Type what a result says, up to the first remark."""
    subprocess.run(["sh", "-c", fix.split(", and ", maxsplit=1)[0]], check=True, env=project.env, cwd=project.root)


@contextmanager
def attached(project: Project, session: str) -> Iterator[None]:
    """A client that shows the session, so that tmux does not end what it ends without one."""
    command = ["tmux", "-S", str(project.socket), "-C", "attach", "-t", f"={session}"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=subprocess.DEVNULL, env=project.env) as client:
        wait_until(lambda: project.tmux("list-clients", "-t", f"={session}"))
        yield
        assert client.stdin
        client.stdin.close()


def test_where_all_is_well_nothing_is_wrong_and_nothing_is_written(lab: Project):
    before = {path: content for path, content in lab.files().items() if "project/" in path}
    document = checked(lab, code=0)
    assert bad(document) == {}
    assert document["healthy"]
    assert document["mended"] == []
    assert {each["check"].split(".")[0] for each in document["checks"]} == {
        *("installation", "tmux", "folders", "project", "agents", "broker", "clock")
    }
    assert str(lab.socket) in told(document, "tmux.server")["summary"]
    assert "tested; state known" in told(document, "agents.version", "claude 2.1.")["summary"]
    assert checked(lab, "--fix", code=0)["mended"] == []
    assert {path: content for path, content in lab.files().items() if "project/" in path} == before


VERDICT = "✓ Everything is in order."  # unless another test has just killed a command


def test_the_text_is_grouped_and_ends_with_a_verdict(lab: Project):
    lines = lab.run("doctor").splitlines()
    titles = [line for line in lines[:-1] if line and not line.startswith(" ")]
    assert titles == ["installation", "tmux", "folders", "project", "agent CLIs", "broker", "clock"]
    assert lines[-1] in {VERDICT, "! 1 warning; nothing prevents the work. `reconciler doctor --fix` mends 1 of them."}
    assert "\x1b[32m  ✓ tmux" in lab.run("doctor", FORCE_COLOR="1")


OPTIONS = {
    "exit-unattached": ("-s", "on", "error"),
    "default-terminal": ("-g", "xterm", "warning"),
    "destroy-unattached": ("-g", "on", "note"),
    "history-limit": ("-g", "0", "note"),
    "escape-time": ("-s", "900", "note"),
    "set-clipboard": ("-s", "on", "note"),
    "allow-passthrough": ("-g", "on", "note"),
}


def test_an_option_that_does_harm_is_told_and_what_is_said_to_type_mends_it(lab: Project):
    known = [name for name in OPTIONS if name in lab.tmux("show-options", "-gA") + lab.tmux("show-options", "-s")]
    known += [name for name in OPTIONS if name in lab.tmux("show-options", "-gw")]
    with attached(lab, CLAUDE):
        for name in known:
            flag, value, _ = OPTIONS[name]
            lab.tmux("set-option", flag, name, value)
        document = checked(lab, code=1)
        for name in known:
            result = told(document, "tmux.options", f'"{name} is')
            assert result["level"] == OPTIONS[name][2]
            typed(lab, result["fix"])
    assert len(known) > 5
    assert told(checked(lab, code=0), "tmux.options")["summary"] == "no option of the server does harm"


def test_the_options_of_an_agent_s_own_session_are_looked_at(lab: Project):
    lab.tmux("new-session", "-d", "-s", "mine", "sleep 600")
    lab.tmux("set-option", "-w", "-t", "=mine:", "synchronize-panes", "on", ";", "split-window", "-d", "sleep 600")
    with attached(lab, HUMAN):
        lab.tmux("set-option", "-t", f"={HUMAN}:", "destroy-unattached", "on")
        lab.tmux("split-window", "-d", "-t", f"={HUMAN}:", "sleep 600")
        lab.tmux("set-option", "-w", "-t", f"={HUMAN}:", "synchronize-panes", "on")
        document = checked(lab, code=0)
        found = [each for each in document["checks"] if each["check"] == "tmux.panes"]
        assert ["last terminal" in each["summary"] for each in found] == [True, False, False]
        for each in found:
            typed(lab, each["fix"])
    lab.tmux("kill-session", "-t", "=mine")
    lab.tmux("kill-pane", "-t", f"={HUMAN}:.1")
    assert HUMAN in lab.live()
    assert "tmux.panes" not in bad(checked(lab))


def test_another_server_of_the_user_is_named(lab: Project):
    folder = lab.home / f"tmux-{os.getuid()}"
    beside = ["tmux", "-L", "beside", "-f", "/dev/null"]
    env = {**lab.env, "TMUX_TMPDIR": str(lab.home)}
    subprocess.run([*beside, "new-session", "-d", "-s", "x", "sleep 600"], check=True, env=env)
    try:
        document = checked(lab, TMUX_TMPDIR=str(lab.home))
        assert told(document, "tmux.other-servers")["summary"].endswith(f"{folder}/beside, has 1 session")
        lineage = lab.recorded()["lineage"]
        subprocess.run([*beside, "set-option", "-t", "x", "@reconciler_lineage", lineage], check=True, env=env)
        assert "tmux.other-servers" in bad(checked(lab, TMUX_TMPDIR=str(lab.home)))
    finally:
        subprocess.run([*beside, "kill-server"], check=True, env=env)


def ended_pid() -> int:
    """The pid of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def littered(project: Project) -> Path:
    """What killed commands leave: a session, an unfinished file, a lock; and files that others can read."""
    gone, lock = ended_pid(), json.loads(lock_of(project))
    project.tmux("new-session", "-d", "-s", f"_reconciler-{gone}-0123abcd", "sleep 600")
    left = project.root / ".mam" / "jobs" / ".record.1-1-00000000.0123abcd.tmp"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_text("")
    os.utime(left, (1, 1))
    (project.registry.parent / "lock").write_text(json.dumps({**lock, "pid": gone, "pid_started": 1}))
    project.registry.chmod(0o644)
    script = project.registry.parent / "another-tool"
    script.touch()
    script.chmod(0o755)
    return left


def lock_of(project: Project) -> str:
    """The content of the lock of a command that holds it."""
    code = (
        "import sys; from reconciler.app.project.project import find_project; from reconciler.state.lock import hold\n"
        "at = find_project(sys.argv[1], '')\n"
        "with hold(at.lock, 'apply'): print(open(at.lock.path).read())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(project.root)], check=True, capture_output=True, text=True, env=project.env
    )
    return done.stdout


LITTER = {"tmux.leftovers", "folders.leftovers", "folders.modes", "project.lock"}


def test_what_killed_commands_left_is_told_mended_once_and_then_gone(lab: Project):
    left, live = littered(lab), lab.live()
    document = checked(lab, code=0)
    assert bad(document).keys() == LITTER
    assert all(told(document, each)["mendable"] for each in LITTER)
    assert "`reconciler doctor --fix` mends 4 of them." in lab.run("doctor")
    assert left.exists()
    mended = checked(lab, "--fix", code=0)
    assert {each["cure"] for each in mended["mended"] if each["done"]} == {"sessions", "files", "modes", "lock"}
    assert bad(mended) == {}
    assert not left.exists()
    assert lab.registry.stat().st_mode & 0o777 == 0o600
    assert (lab.registry.parent / "another-tool").stat().st_mode & 0o777 == 0o755
    assert not (lab.registry.parent / "lock").exists()
    assert {name: pane for name, pane in live.items() if not name.startswith("_")} == lab.live()
    assert checked(lab, "--fix", code=0)["mended"] == []


def test_while_another_command_works_nothing_is_mended(lab: Project):
    held = json.loads(lock_of(lab))
    littered(lab)
    held = {**held, "pid": os.getpid(), "pid_started": _start(os.getpid())}
    (lab.registry.parent / "lock").write_text(json.dumps(held))
    document = checked(lab, "--fix", code=6)
    assert [each for each in document["mended"] if each["done"]] == []
    assert f"pid {os.getpid()}" in document["mended"][0]["detail"]
    assert "✗ not done:" in lab.run("doctor", "--fix", code=6)
    assert bad(document).keys() >= {"tmux.leftovers", "folders.modes"}
    (lab.registry.parent / "lock").unlink()
    checked(lab, "--fix", code=0)


def _start(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[19])


def test_a_removed_socket_is_made_again_and_what_remains_is_said_by_the_exit_code(lab: Project):
    before = lab.live()
    lab.socket.unlink()
    assert told(checked(lab, code=1), "tmux.server")["mendable"]
    broken = lab.root / "manifests" / "broken.yaml"
    broken.parent.mkdir()
    broken.write_text("version: 1\nworkspace: {}\n")
    try:
        document = checked(lab, "--fix", code=3)
        assert [(each["cure"], each["done"]) for each in document["mended"]] == [("reconnect", True)]
        assert "manifests/broken.yaml:2:1" in bad(document)["project.manifests"][1]
    finally:
        shutil.rmtree(broken.parent)
    assert lab.live() == before
    checked(lab, code=0)


def test_a_session_without_a_row_and_a_row_of_tomorrow_are_told(lab: Project):
    lab.tmux("new-session", "-d", "-s", "lab-creator-two", "sleep 600")
    lab.tmux("set-option", "-t", "=lab-creator-two:", "@reconciler_lineage", lab.recorded()["lineage"])
    lab.tmux("set-option", "-t", "=lab-creator-two:", "@reconciler_address", "agent.lab.two")
    registry = lab.registry.read_text()
    lab.registry.write_text(re.sub(r"(updated_at: \W*)20", r"\g<1>21", registry))
    os.utime(lab.registry, (5e9, 5e9))
    found = bad(checked(lab, code=0))
    assert found.keys() == {"project.sessions", "clock.registry", "clock.files"}
    lab.tmux("kill-session", "-t", "=lab-creator-two")
    lab.registry.write_text(registry)
    assert bad(checked(lab)) == {}


def test_a_cli_that_a_login_shell_finds_elsewhere_is_told(lab: Project):
    profile = lab.home / ".profile"
    before = profile.read_text()
    profile.write_text("echo hello; PATH=/usr/bin:/bin; export PATH\n")
    document = checked(lab, code=0)
    profile.write_text(before)
    assert "it lacks claude" in bad(document)["agents.path"][1]
    assert bad(checked(lab)) == {}


def test_a_shell_that_never_ends_is_not_waited_for(lab: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("reconciler.ports.login_shell._SECONDS", 0.2)
    profile = lab.home / ".profile"
    before = profile.read_text()
    profile.write_text("sleep 600\n")
    document = examine(opened(lab))
    profile.write_text(before)
    assert told(document, "agents.path", "did not end")["level"] == "unknown"


def opened(project: Project, **env: str) -> Opened:
    """The project, to be looked at by this process."""
    at = find_project(str(project.root), "")
    return Opened(at.root, at.registry_path, {**project.env, **env})


def test_a_tmux_server_that_does_not_answer_is_not_known(lab: Project, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tmux_server, "_SECONDS", 0.3)
    server = lab.row(CLAUDE)["server"]["pid"]
    os.kill(server, signal.SIGSTOP)
    try:
        document = examine(opened(lab), fix=True)
    finally:
        os.kill(server, signal.SIGCONT)
    assert told(document, "tmux.server")["level"] == "unknown"
    assert bad(document).keys() == {"tmux.server", "project.orphans"}
    assert document["exit_code"] == 1


def test_without_tmux_the_rest_is_still_checked(lab: Project):
    programs = lab.home / "few"
    programs.mkdir()
    (programs / "sh").symlink_to("/bin/sh")
    document = checked(lab, code=1, PATH=str(programs))
    found = bad(document)
    assert found["tmux.program"] == ("error", "tmux is not installed")
    assert found["agents.program"] == ("error", "claude is not on the PATH of 1 agent of this project")
    assert told(document, "broker.way")["level"] == "ok"


def test_hooks_of_another_installation_are_told(lab: Project):
    lab.run("job", "hooks", "install", "claude", "--scope", "user")
    settings = lab.home / ".claude" / "settings.json"
    assert str(settings) in told(checked(lab, code=0), "agents.hooks")["summary"]
    settings.write_text(settings.read_text().replace(sys.executable, "/gone/python"))
    document = checked(lab, code=0)
    typed(lab, told(document, "agents.hooks")["fix"].replace("reconciler", " ".join(CLI), 1))
    assert bad(document).keys() == {"agents.hooks"}
    assert bad(checked(lab)) == {}
    settings.write_text("{")
    assert bad(checked(lab, code=1))["agents.hooks"][0] == "unknown"
    settings.unlink()


# --- damage -----------------------------------------------------------------------------------------


@pytest.fixture
def alone() -> Iterator[Project]:
    """A project in which nothing runs, and nothing is declared yet."""
    with TemporaryDirectory(prefix="rc-", dir="/tmp") as folder:
        home = Path(folder)
        project = Project(home / "project", home, home / "t")
        project.root.mkdir()
        (home / ".profile").write_text(LOGIN.format(project.env["PATH"]))
        yield project


def test_in_an_empty_folder_there_is_nothing_wrong_and_nothing_appears(alone: Project):
    before = set(alone.files())
    document = checked(alone, code=0)
    assert bad(document) == {}
    assert checked(alone, "--fix", code=0)["mended"] == []
    assert list(alone.root.iterdir()) == []
    assert set(alone.files()) == before


def test_all_damage_is_told_at_once(alone: Project):
    alone.declare(human={"type": "shell", "args": 3})
    alone.registry.parent.mkdir()
    alone.registry.write_text("version: 1\nsessions: [\n")
    (alone.registry.parent / "lock").write_text("{")
    (alone.root / ".mam").mkdir()
    (alone.root / ".mam" / "jobs").symlink_to("/nowhere")
    (alone.registry.parent / "confirm.json").write_text("{")
    found = bad(checked(alone, code=1, XDG_RUNTIME_DIR="/nowhere", MQTT_BROKER="x y"))
    assert {
        *("project.manifests", "project.registry", "project.lock", "project.orphans"),
        *("folders.runtime", "folders.links", "broker.way"),
    } <= found.keys()
    assert found["project.registry"][0] == "error"
    assert found["project.orphans"][0] == "unknown"
    assert found["broker.way"][0] == "unknown"


def test_a_newer_registry_and_a_folder_instead_of_it_are_errors(alone: Project):
    alone.registry.parent.mkdir()
    alone.registry.write_text("version: 99\nlineage: x\nserial: 1\n")
    assert bad(checked(alone, code=1))["project.registry"][0] == "error"
    alone.registry.unlink()
    alone.registry.mkdir()
    assert bad(checked(alone, code=1))["project.registry"][0] == "error"


def test_a_copy_and_a_registry_of_an_older_tool_are_told(lab: Project, alone: Project):
    shutil.copytree(lab.root, alone.root / "copy")
    document = checked(alone, "-C", "copy", code=1)
    assert "registry take-over" in told(document, "project.placement")["fix"]
    alone.registry.parent.mkdir()
    alone.registry.write_text("sessions:\n  lab-creator-claude: {status: running}\n")
    alone.registry.chmod(0o600)
    older = told(checked(alone, code=0), "project.registry")
    assert (older["level"], older["fix"]) == ("warning", "`reconciler adopt --write` completes the file")


def as_nobody(project: Project) -> dict[str, Any]:
    """The document that another user gets, who has no home. Python and the package may be readable for us alone."""
    for module in walk_packages(reconciler.__path__, "reconciler."):
        import_module(module.name)
    examine(opened(project))
    project.home.chmod(0o755)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setresuid(*[pwd.getpwnam("nobody").pw_uid] * 3)
            with open(writing, "w") as file:
                json.dump(
                    examine(opened(project, HOME="/nonexistent", XDG_STATE_HOME=f"{project.root}/.hermes/x")), file
                )
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading) as file:
        document: dict[str, Any] = json.load(file)
    os.waitpid(child, 0)
    return document


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_another_user_learns_what_he_may_not_do(lab: Project):
    document = as_nobody(lab)
    found = {each["summary"]: each for each in document["checks"] if each["check"] == "folders.place"}
    assert document["exit_code"] == 1
    assert f"the project: you cannot write to {lab.root}, it belongs to root" in found
    assert "your home: /nonexistent does not exist" in found
    hidden = f"crash reports: {lab.root}/.hermes/x/reconciler cannot be looked at"
    assert found[hidden]["level"] == "unknown"
    assert bad(document)["project.registry"][0] == "error"
    assert "tmux.server" in bad(document)
    assert runs(lab.row(CLAUDE)["pane"]["pid"])


def test_a_broker_is_told_as_it_is(alone: Project):
    port = _free_port()
    alone.run("broker", "init", "--port", port)
    found = bad(checked(alone, code=1))
    assert found["broker.runs"][0] == "error"
    alone.run("broker", "run", "--background")
    try:
        document = checked(alone, code=0)
        assert "TLSv1.3" in told(document, "broker.answer")["summary"]
        assert bad(document) == {}
        (alone.root / ".hermes/broker/etc/mosquitto/passwd").chmod(0o644)
        assert "others may read it" in told(checked(alone), "broker.files", "mode")["summary"]
    finally:
        alone.run("broker", "stop")
    elsewhere = checked(alone, code=1, MQTT_BROKER="127.0.0.1", MQTT_PORT=port)
    assert told(elsewhere, "broker.answer")["level"] == "error"
    assert told(elsewhere, "broker.way")["level"] == "warning"


def _free_port() -> str:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as probe:
        return str(probe.getsockname()[1])

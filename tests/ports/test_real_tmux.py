"""What only a real server can show: quoting, environments, secrets, holder sessions, strange answers."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from waiting import wait_until

from reconciler.model.desired import Socket
from reconciler.model.errors import ReconcilerError, Refused
from reconciler.model.observed import ABSENT, Unknown
from reconciler.model.snapshot import Pane, TmuxTarget
from reconciler.ports.tmux import Failure, NewSession, RealTmux
from reconciler.ports.tmux.versions import NEWEST_TRIED, OLDEST, is_after
from reconciler.ports.world import TypingResult

NASTY = [
    "two words",
    "",
    "-leading",
    "--",
    "single ' and double \" quotes",
    "line one\nline two\r\n\ttabbed",
    "# hash",
    "#{pane_id}",
    "#(touch {folder}/ran)",
    "##{pane_id} ##(touch {folder}/ran) #[bold]",
    "$HOME ${HOME}",
    "~",
    "~root/x",
    "ends with ;",
    ";",
    "a ; kill-server ;",
    "{ braces }",
    "}",
    "%if 1",
    "%1 %H %%",
    "back\\slash \\n \\",
    "\\;",
    "üñï ✓ 漢字 🙂",
    "bell \x07 escape \x1b[0m unit \x1f delete \x7f",
    "`touch {folder}/ran`",
    "*",
    "x" * 20_000,
]

REPORT = """
import json, os, sys, time
open(sys.argv[1] + ".new", "w").write(json.dumps([sys.argv[2:], dict(os.environ), os.getcwd(), os.getpid()]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(1000)
"""


@pytest.fixture
def tmux(tmux_socket) -> RealTmux:
    return RealTmux(tmux_socket, os.environ)


@pytest.fixture
def shell(tmux_socket):
    """Runs tmux from outside; answers what it prints."""

    def run(*arguments: str) -> str:
        command = ["tmux", "-u", "-S", tmux_socket.path, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    return run


def reporting(tmp_path, *arguments, **fields) -> NewSession:
    argv = (sys.executable, "-I", "-c", REPORT, str(tmp_path / "report"), *arguments)
    return NewSession(**{"name": "agent", "cwd": str(tmp_path), "argv": argv, **fields})


def report_of(tmux, session) -> tuple[list[str], dict[str, str], str, int]:
    """What a reporting agent saw: its arguments, environment, folder and pid."""
    [pane] = tmux.start([session])
    assert isinstance(pane, Pane), pane
    report = Path(session.argv[4])
    wait_until(report.exists)
    arguments, environment, cwd, pid = json.loads(report.read_text())
    assert pid == pane.pid
    return arguments, environment, cwd, pid


def test_every_argument_arrives_as_it_is(tmux, tmp_path):
    nasty = [text.replace("{folder}", str(tmp_path)) for text in NASTY]

    arguments, *_ = report_of(tmux, reporting(tmp_path, *nasty))

    assert arguments == nasty
    assert not (tmp_path / "ran").exists()


def test_every_variable_arrives_as_it_is(tmux, tmp_path):
    nasty = {f"V{i}": text.replace("{folder}", str(tmp_path)) for i, text in enumerate(NASTY)}

    _, environment, *_ = report_of(tmux, reporting(tmp_path, env=nasty, secrets={f"S{k}": v for k, v in nasty.items()}))

    assert {name: environment[name] for name in nasty} == nasty
    assert {name: environment[f"S{name}"] for name in nasty} == nasty
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "name", ["a b", "#{pane_id}", "#(touch ran)", "##", "#", "a#[x", "##[x", "#####[x", "$HOME", "~", "%H", "x;", "ü"]
)
def test_a_folder_of_any_name_is_where_the_agent_starts(tmux, tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()

    _, _, cwd, _ = report_of(tmux, reporting(tmp_path, cwd=str(folder)))

    assert cwd == str(folder)


@pytest.mark.parametrize("text", [text for text in NASTY[:-1] if text.isprintable()])
def test_every_tag_is_read_back_as_it_was_written(tmux, tmp_path, text):
    [pane] = tmux.start([reporting(tmp_path, lineage=text, address=text, conversation=text)])

    [seen] = tmux.look().value.panes

    assert (seen.lineage, seen.address, seen.conversation) == (text, text, text)
    assert pane.pid == seen.pid


def test_a_session_name_is_never_run(tmux, tmp_path):
    list(tmux.start([reporting(tmp_path, name=f"x#(touch {tmp_path}/ran)")]))
    [keep] = tmux.start([reporting(tmp_path, name="keep")])
    with suppress(ReconcilerError):  # tmux 3.7 takes it as it is
        tmux.rename(keep.target, f"a.b#(touch {tmp_path}/ran)")

    assert not (tmp_path / "ran").exists()


def test_one_word_runs_without_a_shell_in_between(tmux, tmp_path):
    (tmp_path / "my agent;").write_text("#!/bin/sh\nexec sleep 1000\n")
    (tmp_path / "my agent;").chmod(0o755)

    [pane] = tmux.start([NewSession("a", str(tmp_path), (f"{tmp_path}/my agent;",))])

    wait_until(lambda: Path(f"/proc/{pane.pid}/comm").read_text() == "sleep\n")


def test_the_callers_secrets_and_tmux_do_not_reach_the_server(tmux_socket, tmp_path, shell):
    caller = {**os.environ, "API_TOKEN": "t0p", "TMUX": "other,1,0", "TMUX_PANE": "%77", "LC_TIME": "C"}
    tmux = RealTmux(tmux_socket, caller)

    _, environment, *_ = report_of(tmux, reporting(tmp_path, env={"OWN": "1"}))

    assert "t0p" not in shell("show-environment", "-g")
    assert "API_TOKEN" not in environment
    assert environment["TMUX"].startswith(tmux_socket.path)
    assert (environment["OWN"], environment["LC_TIME"], environment["HOME"]) == ("1", "C", caller["HOME"])


def test_an_agent_gets_the_callers_path_from_an_older_server_too(tmux_socket, tmp_path):
    list(RealTmux(tmux_socket, os.environ).start([NewSession("older", str(tmp_path), ("sleep", "1000"))]))
    path = f"{tmp_path}:{os.environ['PATH']}"
    tmux = RealTmux(tmux_socket, {**os.environ, "PATH": path})

    _, environment, *_ = report_of(tmux, reporting(tmp_path, name="mine"))
    (tmp_path / "report").unlink()
    _, declared, *_ = report_of(tmux, reporting(tmp_path, name="own", env={"PATH": "/bin:/usr/bin"}))

    assert environment["PATH"] == path
    assert declared["PATH"] == "/bin:/usr/bin"


def test_a_secret_reaches_the_agent_and_nothing_else(tmux_socket, tmp_path, shell):
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    tmux = RealTmux(tmux_socket, {**os.environ, "XDG_RUNTIME_DIR": str(runtime)})

    _, environment, _, pid = report_of(tmux, reporting(tmp_path, secrets={"TOKEN": "s3cr3t-value"}))

    assert environment["TOKEN"] == "s3cr3t-value"
    assert "s3cr3t" not in shell("show-environment", "-g") + shell("show-environment", "-t", "=agent:")
    assert "s3cr3t" not in shell("list-panes", "-a", "-F", "#{pane_start_command}")
    assert b"s3cr3t" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert list(runtime.iterdir()) == []
    assert "s3cr3t" not in repr(reporting(tmp_path, secrets={"TOKEN": "s3cr3t-value"}))


def test_the_secret_of_an_agent_that_never_ran_is_removed(tmux_socket, tmp_path):
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    tmux = RealTmux(tmux_socket, {**os.environ, "XDG_RUNTIME_DIR": str(runtime)})
    taken = reporting(tmp_path, secrets={"TOKEN": "s3cr3t-value"})

    answers = list(tmux.start([taken, taken]))

    assert isinstance(answers[1], Failure)
    assert list(runtime.iterdir()) == []


def test_a_program_that_cannot_run_says_so_on_its_screen(tmux, tmp_path):
    [pane] = tmux.start([NewSession("a", str(tmp_path), ("no-such-agent", "-x"), secrets={"TOKEN": "x"})])

    wait_until(lambda: tmux.look().value.panes[0].dead)
    assert "'no-such-agent': No such file or directory" in tmux.screen(pane.pane_id)


def test_an_agent_is_not_deaf_to_interrupts(tmux, tmp_path):
    [pane] = tmux.start([NewSession("a", str(tmp_path), ("sleep", "1000"))])

    [ignored] = re.findall(r"SigIgn:\s*([0-9a-f]+)", Path(f"/proc/{pane.pid}/status").read_text())
    assert int(ignored, 16) & (1 << (signal.SIGINT - 1) | 1 << (signal.SIGQUIT - 1)) == 0


def test_nobody_sees_the_holder_session_and_it_goes(tmux, tmp_path, shell):
    starting = tmux.start([reporting(tmp_path, name=name) for name in ("a", "b")])

    next(starting)
    assert any(name.startswith("_reconciler-") for name in shell("list-sessions", "-F", "#S").split())
    assert all(not pane.session.startswith("_") for pane in tmux.look().value.panes)

    starting.close()
    wait_until(lambda: "_reconciler-" not in shell("list-sessions", "-F", "#S"))


def test_a_start_leaves_no_trace_of_env_in_any_command_line(tmux, tmp_path):
    starting = tmux.start([reporting(tmp_path, env={"NAME": "visible-once"})])
    next(starting)

    lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]

    assert not any(b"visible-once" in line for line in lines)
    starting.close()


def test_all_panes_of_a_session_are_listed_and_only_ours_outlives_its_process(tmux, tmp_path, shell):
    list(tmux.start([reporting(tmp_path, lineage="L")]))

    shell("split-window", "-d", "-t", "=agent:", "sleep 1000")
    assert [pane.lineage for pane in tmux.look().value.panes] == ["L", "L"]

    shell("split-window", "-d", "-t", "=agent:", "true")
    wait_until(lambda: len(tmux.look().value.panes) == 2)


def test_a_locale_without_utf8_does_not_garble_what_is_seen(tmux_socket, tmp_path):
    tmux = RealTmux(tmux_socket, {**os.environ, "LC_ALL": "C", "LANG": "C"})
    folder = tmp_path / "ü ✓"
    folder.mkdir()
    list(tmux.start([reporting(tmp_path, cwd=str(folder))]))

    assert wait_until(lambda: tmux.look().value.panes[0].cwd) == str(folder)


def test_a_title_with_a_separator_spoils_nothing(tmux, tmp_path, shell):
    list(tmux.start([reporting(tmp_path)]))
    shell("select-pane", "-t", "=agent:", "-T", "a\\037b")

    assert tmux.look().value.panes[0].title.replace("\\\\", "\\") == "a\\037b"  # 3.7 keeps it with two strokes


def test_a_line_is_typed_as_it_is_even_in_copy_mode(tmux, tmp_path, shell):
    [pane] = tmux.start([NewSession("a", str(tmp_path), ("cat", "-"))])
    shell("copy-mode", "-t", pane.pane_id)

    assert tmux.type_line(pane.target, "-x #{pane_id} 'q' \"d\" $HOME ~ \\ ;\x1b\x03\n")

    expected = "-x #{pane_id} 'q' \"d\" $HOME ~ \\ ;"
    assert wait_until(lambda: tmux.screen(pane.pane_id).splitlines()[:2] == [expected, expected])
    assert tmux.screen(pane.pane_id, lines=1) == expected


def test_typing_does_not_care_for_the_tmux_that_we_run_in(tmux_socket, tmp_path, monkeypatch):
    monkeypatch.setenv("TMUX", "other,1,0")
    monkeypatch.setenv("TMUX_TMPDIR", os.path.dirname(tmux_socket.path))
    tmux = RealTmux(Socket(), os.environ)
    [pane] = tmux.start([NewSession("a", str(tmp_path), ("cat", "-"))])

    assert pane.session in [seen.session for seen in tmux.look().value.panes]
    assert tmux.type_line(pane.target, "hello")
    assert tmux.end([pane.target]) == ("",)
    assert wait_until(lambda: tmux.look() == ABSENT)


def test_a_stale_socket_is_no_server(tmux, tmux_socket):
    import socket

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(tmux_socket.path)

    assert tmux.look() == ABSENT


def fake_tmux(tmp_path, script: str) -> RealTmux:
    program = tmp_path / "tmux"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return RealTmux(Socket(name="x"), {**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin"})


OLD = "<$1><%1><5><0><><><1><0><4><1><3.1c><><><><a><sh></><title></run/t>"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'error connecting to /x (Permission denied)' >&2; exit 1", "Permission denied"),
        ("echo 'server exited unexpectedly' >&2; exit 1", "server exited unexpectedly"),
        ("echo 'protocol version mismatch (client 8, server 7)' >&2; exit 1", "protocol version"),
        ("exit 1", "tmux"),
        ("echo nonsense", "cannot be understood"),
        (f"printf '{OLD.replace('%', '%%')}\\n'", "3.1c"),
    ],
)
def test_what_cannot_be_told_is_unknown(tmp_path, script, reason):
    match fake_tmux(tmp_path, script).look():
        case Unknown(words):
            assert reason in words
        case other:
            pytest.fail(f"{other}")


@pytest.mark.parametrize(
    "words",
    ["no server running on /x", "error connecting to /x (No such file or directory)", "no current target"],
)
def test_no_server_and_no_session_are_absent(tmp_path, words):
    assert fake_tmux(tmp_path, f"echo '{words}' >&2; exit 1").look() == ABSENT


def test_a_session_under_another_name_than_asked_is_ended(tmp_path):
    blocks = "".join(
        f"%begin 1 {n} 1\n{row}%end 1 {n} 1\n" for n, row in enumerate(["<$7><%7><5><1><a_b>\n", *[""] * 5])
    )
    (tmp_path / "said").write_text("%session-changed $0 x\n" + blocks)
    script = f'case "$*" in *" -C "*) cat {tmp_path}/said;; *) cat >> {tmp_path}/told;; esac'

    [answer] = fake_tmux(tmp_path, script).start([NewSession("a b", str(tmp_path), ("sh", "-i"))])

    assert "a b" in answer.message
    assert "kill-session" in (tmp_path / "told").read_text()


def test_a_server_that_ends_while_it_is_asked_is_asked_again(tmp_path):
    script = f"""
    test -e {tmp_path}/asked && echo 'no server running on /x' >&2 && exit 1
    touch {tmp_path}/asked; echo 'server exited unexpectedly' >&2; exit 1"""

    assert fake_tmux(tmp_path, script).look() == ABSENT


@pytest.mark.parametrize(("version", "told"), [("3.5a", True), ("3.7c", False)])
def test_an_older_tmux_than_the_server_is_told_of_where_the_server_hangs_up(tmp_path, version, told):
    script = f"""
    case "$*" in *-V) echo 'tmux {version}'; exit;; esac
    echo 'server exited unexpectedly' >&2; exit 1"""

    match fake_tmux(tmp_path, script).look():
        case Unknown(reason, fix):
            assert reason == "tmux: server exited unexpectedly"
            assert ("may be tmux 3.6 or newer" in fix) == told
        case other:
            pytest.fail(f"{other}")


@pytest.mark.parametrize(
    ("client", "server", "fits"),
    [
        ("3.7c", "3.5a", False),
        ("3.6", "3.5", False),
        ("3.5a", "3.2", True),
        ("3.8", "3.6b", True),
        ("master", "3.8", True),
        ("next-3.6", "next-3.6", True),
    ],
)
def test_no_agent_starts_on_a_server_to_which_this_tmux_cannot_attach(tmp_path, client, server, fits):
    tmux = fake_tmux(tmp_path, f"case \"$*\" in *-V) echo 'tmux {client}';; *display-message*) echo '{server}';; esac")

    if fits:
        tmux.room(os.getpid())
        return
    with pytest.raises(Refused, match=f"version {server}, and tmux {client} cannot start agents") as refused:
        tmux.room(os.getpid())
    assert "tmux -u -L x kill-server" in refused.value.fix


INSTALL = "apt install tmux, dnf install tmux, pacman -S tmux, or brew install tmux"


def test_a_tmux_that_does_not_answer_leads_to_the_diagnosis(tmp_path, monkeypatch):
    monkeypatch.setattr("reconciler.ports.tmux.server._SECONDS", 0.1)
    found = fake_tmux(tmp_path, "sleep 60").look()
    assert isinstance(found, Unknown)
    assert "may be stopped or hang" in found.reason
    assert "reconciler doctor" in found.fix


def test_the_newest_version_that_was_tried_is_that_of_the_page():
    page = (Path(__file__).parents[2] / "docs" / "tmux.md").read_text()
    works = re.findall(r"^\| (\d+)\.(\d+)\w* \| .* \| works \|$", page, re.MULTILINE)
    tried = [(int(major), int(minor)) for major, minor in works]
    assert (min(tried), max(tried)) == (OLDEST, NEWEST_TRIED)


@pytest.mark.parametrize(
    ("version", "after"), [("3.8", False), ("3.8a", False), ("3.9", True), ("4.0", True), ("3.2", False)]
)
def test_a_version_is_newer_than_all_that_were_tried(version, after):
    assert is_after(version, NEWEST_TRIED) is after


def test_a_missing_tmux_is_unknown_and_every_door_says_how_to_install_it(tmp_path):
    tmux = RealTmux(Socket(name="x"), {"PATH": str(tmp_path)})

    assert tmux.look() == Unknown("tmux is not installed", INSTALL)
    [answer] = tmux.start([NewSession("a", str(tmp_path), ("sh", "-i"))])
    assert "apt install tmux" in answer.message
    [reason] = tmux.end([TmuxTarget("$1", "%1", 4711)])
    assert "not installed" in reason


def test_a_tmux_that_dies_half_way_fails_what_is_left(tmp_path):
    script = "echo '%begin 1 5 1'; echo '$1'; echo '%end 1 5 1'; echo 'lost server' >&2; exit 1"
    tmux = fake_tmux(tmp_path, script)

    answers = list(tmux.start([NewSession(name, str(tmp_path), ("sh", "-i")) for name in ("a", "b")]))

    assert all(isinstance(answer, Failure) for answer in answers)
    assert "lost server" in answers[1].message


def in_service(tmux_socket, tmp_path) -> RealTmux:
    program = tmp_path / "systemd-run"
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/scopes\nwhile [ "$1" != -- ]; do shift; done\nshift\nexec "$@"\n'
    )
    program.chmod(0o755)
    return RealTmux(tmux_socket, {**os.environ, "INVOCATION_ID": "1", "PATH": f"{tmp_path}:{os.environ['PATH']}"})


def test_a_server_started_in_a_service_gets_a_scope_of_its_own(tmux_socket, tmp_path):
    tmux = in_service(tmux_socket, tmp_path)

    for name in ("first", "second"):
        [answer] = tmux.start([reporting(tmp_path, name=name)])
        assert isinstance(answer, Pane)

    [line] = (tmp_path / "scopes").read_text().splitlines()
    assert line.startswith("--user --scope --quiet --collect -- ")
    assert "/tmux -u -S " in line


def test_the_server_survives_clients_that_come_and_go_while_sessions_are_started(tmux, tmp_path, shell):
    list(tmux.start([reporting(tmp_path, name="keep")]))
    server = tmux.look().value.server

    for i in range(15):
        starting = tmux.start([NewSession(f"s{i}", str(tmp_path), ("sleep", "1000"))])
        assert isinstance(next(starting), Pane)
        shell("list-sessions")
        starting.close()

    assert tmux.look().value.server == server
    assert len(tmux.look().value.panes) == 16


def test_a_declared_path_holds_every_time(tmux, tmp_path):
    for i in range(8):
        session = reporting(tmp_path, name=f"s{i}", env={"PATH": f"/bin:/usr/bin:/{i}"})
        assert report_of(tmux, session)[1]["PATH"] == session.env["PATH"]
        (tmp_path / "report").unlink()


def test_many_sessions_are_started_in_one_go(tmux, tmp_path):
    sessions = [NewSession(f"s{i}", str(tmp_path), ("sleep", "1000"), env={"LONG": "x" * 2000}) for i in range(60)]

    answers = list(tmux.start(sessions))

    assert [answer.session for answer in answers] == [session.name for session in sessions]
    assert {pane.pid for pane in answers} == {pane.pid for pane in tmux.look().value.panes}


# --- typing -----------------------------------------------------------------------------------

PASTED = [text.replace("\n", "").replace("\r", "") for text in NASTY if text and "\x1b" not in text]
READING = """
import os, sys, tty
tty.setraw(0)
os.write(1, b"\\x1b[?2004hready")
with open(sys.argv[1], "wb", buffering=0) as file:
    while data := os.read(0, 65536):
        file.write(data)
"""


@pytest.fixture
def reader(tmux, tmp_path):
    """A program in a pane that keeps every byte that reaches it: the pane, and the file."""
    file = tmp_path / "read"
    [pane] = tmux.start([NewSession("reader", str(tmp_path), (sys.executable, "-c", READING, str(file)))])
    wait_until(lambda: "ready" in tmux.screen(pane.pane_id))
    return pane, file


def test_a_paste_arrives_byte_for_byte_in_brackets_and_leaves_no_buffer(tmux, reader, shell):
    pane, file = reader

    for text in [*PASTED, "x" * 100_000]:
        assert tmux.paste(pane.target, text) is TypingResult.DONE

    wanted = b"".join(b"\x1b[200~%b\x1b[201~" % text.encode() for text in [*PASTED, "x" * 100_000])
    wait_until(lambda: file.stat().st_size >= len(wanted))
    assert file.read_bytes() == wanted
    assert shell("list-buffers") == ""


def test_copy_mode_ends_before_a_paste_and_before_a_key(tmux, reader, shell):
    pane, file = reader

    for typed, do in (
        (b"hello", lambda: tmux.paste(pane.target, "hello")),
        (b"\r", lambda: tmux.press(pane.target, ["Enter"])),
    ):
        shell("copy-mode", "-t", pane.pane_id)
        assert do() is TypingResult.DONE
        wait_until(lambda typed=typed: typed in file.read_bytes())
        assert shell("display-message", "-p", "-t", pane.pane_id, "#{pane_in_mode}") == "0\n"


def test_a_paste_into_a_dead_pane_does_not_end_the_server(tmux, tmp_path, shell):
    [pane] = tmux.start([NewSession("dead", str(tmp_path), ("true",))])
    wait_until(lambda: all(each.dead for each in tmux.look().value.panes))

    assert tmux.paste(pane.target, "hello") is TypingResult.GONE
    assert tmux.paste(TmuxTarget("$999", "%999", 999_999), "hello") is TypingResult.GONE
    assert shell("list-buffers") == ""


@pytest.mark.parametrize("text", ["Allow execution of [Shell]?", "1. Yes, and don't", "#{pane_id}, ok}", "a*b\\c"])
def test_nothing_is_typed_where_a_forbidden_text_stands_whatever_is_in_it(tmux, tmp_path, text):
    [pane] = tmux.start([NewSession("asking", str(tmp_path), (sys.executable, "-c", READING, "read", text))])
    [shown] = tmux.start([NewSession("shown", str(tmp_path), ("sh", "-c", 'printf "%s" "$0"; sleep 1000', text))])
    wait_until(lambda: tmux.screen(pane.pane_id) and text in tmux.screen(shown.pane_id))

    assert tmux.press(pane.target, ["Enter"], [[text]]) is TypingResult.DONE
    assert tmux.press(shown.target, ["Enter"], [["no such text"], [text.upper()]]) is TypingResult.HELD
    assert (
        tmux.press(shown.target, ["Enter"], [["no such text", text], [text, "nor this", "nor that"]])
        is TypingResult.DONE
    )


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EAGAIN, errno.ENOMEM])
def test_a_tmux_that_cannot_be_started_is_not_said_to_be_missing(tmux, monkeypatch, number):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "run", refuse)
        reason = tmux.look().reason

    assert os.strerror(number) in reason
    assert "installed" not in reason

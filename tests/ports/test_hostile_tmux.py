"""A tmux server that is full of what others have made: names, folders, titles, tags, dead panes, hooks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace
from waiting import wait_until

from reconciler.model.desired import Socket
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Present
from reconciler.model.snapshot import Pane, TmuxTarget
from reconciler.ports.processes import RealProcesses
from reconciler.ports.tmux import NewSession, RealTmux, server
from reconciler.ports.world import SessionTags, TypingResult

ROW = "<$0><%0><{pid}><0><><><1><0><1><1><3.3a><7><L><agent.lab.a><></p><lab-a><sleep></><title></run/t>"
EVIL = [
    "a\nb",
    "a\x1fb",
    "a\\037b",
    "a\\",
    "><",
    ">\n<",
    "\\><",
    "a\\\n",
    "$0\n$1",
    "#{pane_id} #(true) %H #[bold]",
    "},{,#},#,",
    "c1 \x85\x9b m, bidi \u202e, lines \u2028\u2029",
    "no utf-8 \udcff\udc85",
    "escape \x1b]0;PWNED\x07",
    "$NAME ${NAME} \\$NAME \\\\$_ \\\\\\${X} $1 \\$1 $",
    ">\n" + ROW.format(pid=1) + "\n<",
]


@pytest.fixture
def tmux(tmux_socket) -> RealTmux:
    return RealTmux(tmux_socket, os.environ)


@pytest.fixture
def shell(tmux_socket):
    """Runs tmux from outside; answers what it prints."""

    def run(*arguments: str, cwd: str | None = None) -> str:
        command = ["tmux", "-u", "-S", tmux_socket.path, *arguments]
        done = subprocess.run(command, check=True, capture_output=True, cwd=cwd)
        return done.stdout.decode(errors="surrogateescape")

    return run


def agent(tmux: RealTmux, tmp_path: Path, name: str = "lab-a", **fields: object) -> Pane:
    tags = {"lineage": "L", "address": f"agent.lab.{name}", **fields}
    [pane] = tmux.start([NewSession(name, str(tmp_path), ("sleep", "1000"), **tags)])
    assert isinstance(pane, Pane), pane
    return pane


def seen(tmux: RealTmux) -> dict[str, Pane]:
    look = tmux.look()
    assert isinstance(look, Present), look
    assert look.value.unread == ()
    return {pane.session: pane for pane in look.value.panes}


@pytest.mark.parametrize("name", EVIL)
def test_what_a_program_calls_itself_is_nothing_but_its_name(tmux, tmp_path, shell, name):
    own = agent(tmux, tmp_path)
    code = "import os, sys; os.execv('/bin/sleep', [sys.argv[1], '1000'])"
    shell("new-session", "-d", "-s", "evil", sys.executable, "-c", code, name)

    wait_until(lambda: seen(tmux)["evil"].command not in {"python3", Path(sys.executable).name, "tmux: server"})

    panes = seen(tmux)
    assert set(panes) == {"lab-a", "evil"}
    assert (panes["lab-a"].pid, panes["lab-a"].target) == (own.pid, own.target)
    assert (panes["evil"].lineage, panes["evil"].address) == ("", "")


@pytest.mark.parametrize("name", [name.replace("/", "|") for name in EVIL])
def test_a_folder_of_any_name_is_read_as_it_is(tmux, tmp_path, shell, name):
    own = agent(tmux, tmp_path)
    folder = tmp_path / name
    folder.mkdir()
    shell("new-session", "-d", "-s", "evil", "sleep 1000", cwd=str(folder))

    assert wait_until(lambda: seen(tmux)["evil"].cwd) == str(folder)
    assert seen(tmux)["lab-a"].target == own.target


@pytest.mark.parametrize("text", EVIL)
def test_a_tag_or_a_title_that_anybody_sets_is_nothing_but_that(tmux, tmp_path, shell, text):
    own = agent(tmux, tmp_path)
    shell("new-session", "-d", "-s", "evil", "sleep 1000")
    for option in ("@reconciler_lineage", "@reconciler_address", "@reconciler_session_id", "@reconciler_project"):
        shell("set-option", "-t", "=evil:", option, text)
    shell("select-pane", "-t", "=evil:", "-T", text.replace("#", "##"))

    evil = seen(tmux)["evil"]

    assert (evil.lineage, evil.address, evil.conversation, evil.project) == (text, text, text, text)
    assert seen(tmux)["lab-a"].target == own.target


def fake_tmux(tmp_path: Path, script: str) -> RealTmux:
    program = tmp_path / "tmux"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return RealTmux(Socket(name="x"), {**os.environ, "PATH": f"{tmp_path}:/usr/bin:/bin"})


GOOD = ROW.format(pid=5)


@pytest.mark.parametrize(
    ("bad", "sure"),
    [
        (GOOD.replace("$0", "$7").replace("<5>", "<>").replace("lab-a", "other"), ("other", "$7", "%0")),
        (GOOD.replace("$0", "$7").replace("<5>", "<x>"), ("lab-a", "$7", "%0")),
        (GOOD.replace("<%0>", "<>"), ("lab-a", "$0", "")),
        ("<$7><%7>", ("", "", "")),
        ("nonsense", ("", "", "")),
    ],
)
def test_a_row_that_cannot_be_read_makes_nobody_unknown_but_its_own_pane(tmp_path, bad, sure):
    (tmp_path / "said").write_text(f"{GOOD}\n<{bad.strip('<>')}>\n{GOOD.replace('%0', '%1')}\n")
    state = fake_tmux(tmp_path, f"cat {tmp_path}/said").look().value

    assert [pane.pane_id for pane in state.panes] == ["%0", "%1"]
    [unread] = state.unread
    assert (unread.session, unread.session_id, unread.pane_id) == sure
    assert unread.reason


def test_a_dead_pane_without_pid_and_folder_is_a_pane_without_process(tmp_path):
    dead = "<$1><%1><><1><><9><1><0><4><1><3.8><7><L><agent.lab.b><></p><lab-b><></><title></run/t>"
    (tmp_path / "said").write_text(f"{GOOD}\n{dead}\n")
    state = fake_tmux(tmp_path, f"cat {tmp_path}/said").look().value

    assert state.unread == ()
    assert [(pane.session, pane.dead, pane.pid) for pane in state.panes] == [("lab-a", False, 5), ("lab-b", True, 0)]
    assert state.panes[1].target == TmuxTarget("$1", "%1", 0, "L", "agent.lab.b")


@pytest.mark.parametrize("said", [r"a\033b\\n\nc\377\|", "a\x1bb\\\\n\nc\udcff\\|"])
def test_control_characters_may_come_as_such_or_as_escapes(tmp_path, said):
    (tmp_path / "said").write_bytes(f"{GOOD.replace('title', said)}\n".encode(errors="surrogateescape"))

    [pane] = fake_tmux(tmp_path, f"cat {tmp_path}/said").look().value.panes

    assert pane.title == "a\x1bb\\n\nc\udcff|"


DOLLARS = {
    "3.4": r"\\$NAME\ \\${NAME}\ \\\\$NAME\ \\\\\\$_\ \$1\ \\\$1\ \$",
    "3.8": r"\$NAME\ \$\{NAME\}\ \\\$NAME\ \\\\\$_\ \$1\ \\\$1\ \$",
}


@pytest.mark.parametrize("version", DOLLARS)
def test_a_dollar_may_come_with_a_backslash_too_many(tmp_path, version):
    (tmp_path / "said").write_text(f"{GOOD.replace('title', DOLLARS[version])}\n")

    [pane] = fake_tmux(tmp_path, f"cat {tmp_path}/said").look().value.panes

    assert pane.title == r"$NAME ${NAME} \$NAME \\$_ $1 \$1 $"


# --- tmux itself looks right before it acts -----------------------------------------------------


def others(own: Pane) -> dict[str, TmuxTarget]:
    """Targets that differ from a pane in one thing."""
    target = own.target
    return {
        "process": replace(target, pid=target.pid + 1),
        "pane": replace(target, pane_id="%77"),
        "session": replace(target, session_id="$77"),
        "lineage": replace(target, lineage="L2"),
        "address": replace(target, address="agent.lab"),
        "untagged": replace(target, lineage="", address=""),
        "dead": replace(target, pid=0),
    }


@pytest.mark.parametrize("difference", ["process", "pane", "session", "lineage", "address", "untagged", "dead"])
def test_nothing_is_done_to_what_differs_in_anything(tmux, tmp_path, difference):
    own, beside = agent(tmux, tmp_path), agent(tmux, tmp_path, "beside")
    other = others(own)[difference]

    [reason] = tmux.end([other])
    assert reason == ("" if difference == "session" else "the session has changed since the plan was made")
    for change in (lambda: tmux.rename(other, "new"), lambda: tmux.tag(other, SessionTags("x", "y", "z"))):
        with pytest.raises(ReconcilerError, match="has changed since the plan was made"):
            change()
    assert not tmux.type_line(other, "hello")
    assert tmux.paste(other, "hello") is tmux.press(other, ["Enter"]) is TypingResult.GONE

    assert {pane.target for pane in seen(tmux).values()} == {own.target, beside.target}
    assert tmux.screen(own.pane_id) == tmux.screen(beside.pane_id) == ""


def test_a_pane_with_another_process_by_now_is_left_alone(tmux, tmp_path, shell):
    own = agent(tmux, tmp_path)
    shell("respawn-pane", "-k", "-t", own.pane_id, "sleep 999")
    wait_until(lambda: seen(tmux)["lab-a"].pid != own.pid)

    assert tmux.end([own.target]) == ("the session has changed since the plan was made",)
    assert tmux.paste(own.target, "hello") is TypingResult.GONE
    assert "lab-a" in seen(tmux)


def test_a_process_that_has_ended_meanwhile_keeps_nothing_from_ending(tmux, tmp_path, shell):
    own = agent(tmux, tmp_path)
    agent(tmux, tmp_path, "beside")
    RealProcesses().terminate(own.pid)
    wait_until(lambda: shell("run-shell", "true") == "" and seen(tmux)["lab-a"].dead)

    assert tmux.end([own.target]) == ("",)
    assert set(seen(tmux)) == {"beside"}


@pytest.mark.parametrize("text", [text for text in EVIL if "\udcff" not in text])
def test_tags_of_any_text_are_compared_as_they_are(tmux, tmp_path, text):
    own, beside = agent(tmux, tmp_path), agent(tmux, tmp_path, "beside")
    tmux.tag(own.target, SessionTags(text, text, ""))
    tagged = seen(tmux)["lab-a"]

    assert tmux.end([replace(tagged.target, lineage=f"{text}x")]) == (
        "the session has changed since the plan was made",
    )
    tmux.rename(tagged.target, "renamed")
    assert tmux.end([tagged.target]) == ("",)
    assert seen(tmux) == {"beside": replace(beside, command="sleep", title=seen(tmux)["beside"].title)}


def test_of_a_guest_the_pane_ends_and_the_session_that_it_is_in_stays(tmux, tmp_path, shell):
    own = agent(tmux, tmp_path)
    shell("new-session", "-d", "-s", "mine", "sleep 1000")
    shell("join-pane", "-d", "-s", own.pane_id, "-t", "=mine:")
    [moved] = [pane for pane in tmux.look().value.panes if pane.pane_id == own.pane_id]

    assert tmux.end([own.target]) == ("",)  # its session is no more, and the pane is not in it
    assert len(tmux.look().value.panes) == 2
    assert tmux.end([replace(moved.target, guest=True)]) == ("",)
    assert [pane.session for pane in tmux.look().value.panes] == ["mine"]


def test_a_session_of_others_does_not_end_with_the_last_pane_that_is_left_in_it(tmux, tmp_path, shell):
    own = agent(tmux, tmp_path)
    shell("new-session", "-d", "-s", "mine", "sleep 1000")
    shell("swap-pane", "-d", "-s", own.pane_id, "-t", "=mine:")
    [moved] = [pane for pane in tmux.look().value.panes if pane.pane_id == own.pane_id]

    assert tmux.end([replace(moved.target, guest=True)]) == ("",)

    assert [pane.pane_id for pane in tmux.look().value.panes if pane.session == "mine"] == [own.pane_id]


# --- a server that is slow, and one that falls silent --------------------------------------------


def test_what_is_too_much_for_one_answer_is_ended_in_lots(tmux, tmux_socket, tmp_path, monkeypatch):
    panes = [agent(tmux, tmp_path, f"a{i}") for i in range(server._LOT + 5)]
    slow = _wrapped(tmux_socket, tmp_path, f'[ "$(echo "$text" | wc -l)" -gt {server._LOT} ] && exec sleep 1000')
    monkeypatch.setattr(server, "_SECONDS", 5)

    assert set(slow.end([pane.target for pane in panes])) == {""}
    assert wait_until(lambda: tmux.look() == ABSENT)


def test_after_a_silence_it_is_told_who_has_ended_and_who_has_not(tmux, tmux_socket, tmp_path, monkeypatch):
    panes = [agent(tmux, tmp_path, name) for name in ("gone", "silent", "after")]
    tmux.end([panes[0].target])
    monkeypatch.setattr(server, "_LOT", 2)
    monkeypatch.setattr(server, "_SECONDS", 2)
    silent = _wrapped(tmux_socket, tmp_path, 'case "$text" in *agent.lab.silent*) exec sleep 1000;; esac')

    reasons = silent.end([pane.target for pane in panes])

    assert reasons == ("", "its session is still there: tmux did not answer within 2 s", "")
    assert set(seen(tmux)) == {"silent"}


def test_where_tmux_never_answers_nothing_is_claimed(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "_LOT", 1)
    monkeypatch.setattr(server, "_SECONDS", 0.2)
    mute = fake_tmux(tmp_path, "exec sleep 1000")

    reasons = mute.end([TmuxTarget(f"${i}", f"%{i}", 4711) for i in range(3)])

    assert len(reasons) == 3
    assert all("did not answer" in reason for reason in reasons)


def _wrapped(tmux_socket: Socket, tmp_path: Path, before: str) -> RealTmux:
    """The same server through a tmux that runs `before` when it is told something; `$text` is what."""
    program, real = tmp_path / "tmux", shutil.which("tmux")
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *source-file*) text="$(cat)"; {before}; printf "%s\\n" "$text" | '
        f'exec {real} "$@";; *) exec {real} "$@";; esac\n'
    )
    program.chmod(0o755)
    return RealTmux(tmux_socket, {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})


# --- hooks of the user ----------------------------------------------------------------------------


@pytest.fixture
def hooked(tmux, tmp_path, shell):
    """A server whose hook runs a command after each new session."""

    def hook(command: str) -> None:
        agent(tmux, tmp_path, "first")
        shell("set-hook", "-g", "after-new-session", command)

    return hook


@pytest.mark.parametrize("opening", ["split-window", "split-window -b", "new-window"])
def test_the_pane_that_was_made_is_kept_and_none_that_a_hook_opens(hooked, tmux, tmp_path, shell, opening):
    hooked(f"{opening} 'sleep 1000'")

    own = agent(tmux, tmp_path)

    [beside] = [pane for pane in tmux.look().value.panes if pane.session == "lab-a" and pane.pane_id != own.pane_id]
    options = {each: shell("show-options", "-p", "-t", each).strip() for each in (own.pane_id, beside.pane_id)}
    assert options == {own.pane_id: "remain-on-exit on", beside.pane_id: ""}


def test_a_session_that_a_hook_renames_gets_its_tags_all_the_same(hooked, tmux, tmp_path):
    hooked("rename-session 'renamed-#{session_id}'")

    own = agent(tmux, tmp_path)

    [pane] = [pane for pane in tmux.look().value.panes if pane.pane_id == own.pane_id]
    assert pane.session != "lab-a"
    assert (pane.lineage, pane.address, pane.pid) == ("L", "agent.lab.lab-a", own.pid)

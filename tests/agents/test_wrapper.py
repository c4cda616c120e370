"""What is known of the words before a command."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from reconciler.agents.bubblewrap import InSandbox, sandbox
from reconciler.agents.catalogue import catalogue
from reconciler.agents.profile import Profile
from reconciler.agents.subject import AgentEnvironment
from reconciler.agents.wrapper import assigned, hidden, is_cli, is_parent

TYPES = catalogue(())
SUBJECT = AgentEnvironment("/home/u/lab", "/home/u", {"HOME": "/home/u"})
NOTHING: tuple[str, ...] = ()


def _wrapped(wrap: str, cli: str = "claude") -> Profile:
    profile = TYPES[cli]
    return replace(profile, launch=replace(profile.launch, wrap=tuple(wrap.split())))


@pytest.mark.parametrize(
    ("wrap", "line", "expected"),
    [
        ("nice -n 5", "nice -n 5 claude --session-id x", False),
        ("nice -n 5", "claude --session-id x", True),
        ("nice -n 5", "/usr/bin/node /usr/bin/claude --session-id x", True),
        ("setsid -w", "setsid -w claude hi", False),
        ("setsid -w", "python3 -I /x/bin/claude hi", True),
        ("./box", "/bin/sh ./box claude hi", False),
        ("box run", "box run claude", False),
        ("bwrap --bind / / --", "bwrap --bind / / -- claude hi", False),
        ("bwrap --bind / / --", "sleep 1000", False),
        ("bwrap --bind / / --", "bash", False),
        ("timeout 10h", "timeout 10h claude", False),
        ("timeout 10h", "node /x/node_modules/@anthropic-ai/claude-code/cli.js", True),
        ("timeout 10h", "vim claude.md", False),
        ("timeout 10h", "sh /usr/local/bin/claude", True),
    ],
)
def test_a_wrapper_is_not_taken_for_its_cli(wrap: str, line: str, expected: bool) -> None:
    assert is_cli(line.split(), _wrapped(wrap)) is expected


@pytest.mark.parametrize(
    ("wrap", "line", "expected"),
    [
        ("nice", "nice claude", True),
        ("./box", "/bin/sh ./box claude", True),
        ("./box", "sleep 9", True),
        ("mybox", "mybox claude", False),  # it may have handed the command to another process
        ("docker exec b", "docker exec b claude", False),
        ("./box", "docker exec b claude", False),
    ],
)
def test_only_a_known_parent_shows_that_its_cli_is_gone(wrap: str, line: str, expected: bool) -> None:
    assert is_parent(line.split(), _wrapped(wrap)) is expected


@pytest.mark.parametrize(
    ("wrap", "cli", "expected"),
    [
        ("nice -n 5", "claude", None),
        ("mybox --", "claude", None),
        ("env HOME=/other", "claude", None),
        ("unshare --pid --fork --mount-proc", "claude", None),
        ("unshare -pf --mount-proc", "codex", None),
        ("unshare -pf --mount-proc", "qwen", ("unshare", False, False, ["notes only its pid"])),
        ("docker exec -it box", "claude", ("docker", True, True, ["the processes of claude", "the files of claude"])),
        ("nice docker exec -it box", "claude", ("docker", True, True, ["the processes", "the files"])),
        ("ssh -t host", "codex", ("ssh", True, True, ["the processes of codex", "only if codex names it at its exit"])),
        ("sudo -u ann", "claude", ("sudo", True, True, ["the processes", "the files"])),
        ("firejail --private", "claude", ("firejail", False, True, ["the files of claude"])),
        ("firejail --private-tmp", "claude", None),
        ("mise exec --", "claude", ("mise", False, False, [])),
        ("bwrap --bind / / --unshare-pid --", "claude", None),
        (
            "bwrap --ro-bind / / --bind /home/u/lab /home/u/lab --",
            "claude",
            ("bwrap", False, False, ["cannot write to /home/u/.claude"]),
        ),
        (
            "bwrap --bind / / --tmpfs /home/u --bind /home/u/lab /home/u/lab --",
            "claude",
            ("bwrap", False, True, ["/home/u/.claude of the sandbox is not the one", "the files of claude"]),
        ),
        (
            "bwrap --bind / / --tmpfs /home/u --bind /home/u/.claude /home/u/.claude --",
            "claude",
            ("bwrap", False, False, ["the folder /home/u/lab is not in the sandbox"]),
        ),
    ],
)
def test_what_a_wrapper_hides_is_known(wrap: str, cli: str, expected: tuple[str, bool, bool, list[str]] | None) -> None:
    found = hidden(_wrapped(wrap, cli), SUBJECT, NOTHING)
    if expected is None:
        assert found is None
        return
    assert found is not None
    by, processes, store, said = expected
    assert (found.by, found.processes, found.store) == (by, processes, store)
    assert len(found.said) == len(said)
    assert all(part in line for part, line in zip(said, found.said, strict=True))


def test_a_home_in_the_manifest_says_where_the_hidden_files_are() -> None:
    found = hidden(_wrapped("docker exec -it box"), SUBJECT, ("HOME",))
    assert found is not None
    assert (found.processes, found.store) == (True, False)


def test_variables_that_a_wrapper_sets_are_known() -> None:
    words = "nice env -i A=1 HOME=/x bwrap --setenv B 2 --"
    assert assigned(words.split()) == {"A": "1", "HOME": "/x", "B": "2"}
    assert assigned(["docker", "exec", "-e", "A=1", "box"]) == {}


@pytest.mark.parametrize(
    ("words", "path", "expected"),
    [
        ("--bind / /", "/home/u", InSandbox.SAME),
        ("--ro-bind / /", "/home/u", InSandbox.READ_ONLY),
        ("--ro-bind / / --bind /home/u/ /home/u/", "/home/u/x", InSandbox.SAME),
        ("--bind / / --tmpfs /home", "/home/u", InSandbox.OTHER),
        ("--bind / / --tmpfs /hom", "/home/u", InSandbox.SAME),
        ("--bind /srv/box /home/u", "/home/u", InSandbox.OTHER),
        ("--setenv HOME / --bind / /", "/x", InSandbox.SAME),
        ("--args 3", "/x", InSandbox.UNKNOWN),
        ("-- --bind / /", "/x", InSandbox.OTHER),
    ],
)
def test_the_last_mount_over_a_path_counts(words: str, path: str, expected: InSandbox) -> None:
    assert sandbox(words.split()).at(path) is expected

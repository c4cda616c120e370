"""Wrappers: the words before the command of a CLI, and what they hide of it.

What is known of each program comes from its manual. Of a program that is not listed here nothing is known: what it
hides shows only while it runs.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from reconciler.model.hidden import Hidden

from .bubblewrap import InSandbox, Sandbox, sandbox
from .profile import Profile
from .program_names import name_of
from .shell_names import SHELLS
from .subject import AgentEnvironment

# The CLI runs in a container or on another machine: it is no child of the wrapper, and has other files.
_ELSEWHERE = frozenset({
    "container", "distrobox", "docker", "et", "flatpak-spawn", "incus", "kubectl", "lima", "limactl", "lxc",
    "machinectl", "mosh", "nerdctl", "oc", "podman", "ssh", "toolbox", "vagrant", "wsl", "wsl.exe",
})  # fmt: skip
# The CLI is a child of the wrapper, and has another root folder or another user.
_OTHER_ROOT = frozenset({
    "apptainer", "chroot", "doas", "nsjail", "proot", "runuser", "schroot", "singularity", "su", "sudo",
    "systemd-nspawn",
})  # fmt: skip
# The CLI gets another terminal, in which its processes are not looked for.
_OWN_TERMINAL = frozenset({
    "doas", "expect", "runuser", "schroot", "script", "su", "sudo", "systemd-nspawn", "unbuffer",
})  # fmt: skip
# The CLI is a child of the wrapper, or takes its place, in the same terminal.
_PARENTS = frozenset({
    "asdf", "bwrap", "caffeinate", "chroot", "chrt", "direnv", "env", "ionice", "mise", "nice", "nohup", "poetry",
    "prlimit", "proot", "setarch", "setsid", "stdbuf", "strace", "taskset", "time", "timeout", "unshare", "uv",
})  # fmt: skip
_IDLERS = frozenset({"cat", "less", "more", "sleep", "tail"})  # what a script waits with after its command has ended
# The wrapper sets PATH, or is asked for the program.
_SEARCH = frozenset({"asdf", "devbox", "direnv", "flox", "mise", "nix", "nix-shell", "pixi", "poetry", "rtx", "uv"})
_SANDBOXES = frozenset({"bwrap", "firejail", "unshare"})
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)


def is_wrapper(words: Sequence[str], wrap: Sequence[str], command: Sequence[str]) -> bool:
    """Whether a command line is that of a wrapper: the last of its words stands directly before the command."""
    if not wrap:
        return False
    shown, wanted = _without_folders(words), _without_folders((wrap[-1], *command))
    return any(shown[at : at + len(wanted)] == wanted for at in range(len(shown)))


def _without_folders(words: Iterable[str]) -> list[str]:
    return [os.path.basename(word) or word for word in words]


def is_cli(words: Sequence[str], profile: Profile) -> bool:
    """Whether a command line is that of the CLI itself, and not of a wrapper before it.

    It runs the CLI's program, or a script of that name or from its package, by an interpreter.
    """
    launch = profile.launch
    if is_wrapper(words, launch.wrap, launch.command):
        return False
    own, packages = name_of(launch.command), {each.rpartition("/")[2] for each in profile.usage.packages}
    first, *rest = [word for word in words if not word.startswith("-")] or [""]
    if os.path.basename(first).lstrip("-") in SHELLS:
        return any(os.path.basename(word) == own for word in rest[:1])
    return any({own, *packages} & set(word.split("/")) for word in (first, *rest[:1]))


def is_parent(words: Sequence[str], profile: Profile) -> bool:
    """Whether a process would be seen as the parent of the CLI while that runs: a wrapper or a shell behind one.

    Of any other program it is not known what it does with its command.
    """
    program = os.path.basename(words[0]).lstrip("-")
    wraps = is_wrapper(words, profile.launch.wrap, profile.launch.command)
    return program in SHELLS or program in _IDLERS or (wraps and program in _PARENTS)


def assigned(wrap: Sequence[str]) -> Mapping[str, str]:
    """The variables that a wrapper sets for its command: `env NAME=VALUE`, and `bwrap --setenv NAME VALUE`."""
    found: dict[str, str] = {}
    for at, word in enumerate(wrap):
        match os.path.basename(word):
            case "env":
                found |= _assignments(wrap[at + 1 :])
            case "bwrap":
                found |= sandbox(wrap[at + 1 :]).env
    return found


def _assignments(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    for word in words:
        match = _ASSIGNMENT.fullmatch(word)
        if not match and not word.startswith("-"):
            return
        yield from [(match[1], match[2])] if match else []


class _Behind(Struct, frozen=True):
    """One agent and the words of its wrapper from one known program on; `told` are the variables of the manifest."""

    program: str
    words: tuple[str, ...]
    profile: Profile
    subject: AgentEnvironment
    told: Collection[str]

    @property
    def roots(self) -> tuple[str, ...]:
        return self.profile.storage.roots(self.subject)

    @property
    def says_where(self) -> bool:
        """Whether the manifest itself says where the CLI's files are, as seen from here."""
        return bool({"HOME", *self.profile.storage.variables} & set(self.told))


def hidden(profile: Profile, subject: AgentEnvironment, told: Collection[str]) -> Hidden | None:
    """What the wrapper hides; None when it hides nothing that we know of.

    `told` are the variables in the agent's `env`: with HOME, or a variable of the CLI, the user says where its files
    are.
    """
    wrap, found = profile.launch.wrap, None
    for at, word in enumerate(wrap):
        each = _Behind(os.path.basename(word), wrap[at + 1 :], profile, subject, told)
        found = _joined(found, _hidden(each))
    return found


def _joined(one: Hidden | None, other: Hidden | None) -> Hidden | None:
    if one is None or other is None:
        return one or other
    return Hidden(
        by=one.by,
        processes=one.processes or other.processes,
        store=one.store or other.store,
        search=one.search or other.search,
        said=tuple(dict.fromkeys((*one.said, *other.said))),
    )


def _hidden(behind: _Behind) -> Hidden | None:
    name = behind.program
    if name in _ELSEWHERE:
        said = (_unseen(behind), *_unknown_store(behind))
        return Hidden(by=name, processes=True, store=not behind.says_where, search=True, said=said)
    own_terminal = name in _OWN_TERMINAL
    unseen = (_unseen(behind),) if own_terminal else ()
    if name in _OTHER_ROOT:
        said = (*unseen, *_unknown_store(behind))
        return Hidden(by=name, processes=own_terminal, store=not behind.says_where, search=True, said=said)
    if own_terminal:
        return Hidden(by=name, processes=True, said=unseen)
    if name in _SEARCH:
        return Hidden(by=name, search=True)
    return _sandboxed(behind) if name in _SANDBOXES else None


def _unseen(behind: _Behind) -> str:
    cli = behind.profile.name
    lost = "a change of its conversation, and a second process in it, are not noticed"
    return f"the processes of {cli} are out of sight: {lost}, and its state is read from title and screen"


def _unknown_store(behind: _Behind) -> Iterator[str]:
    profile, cli = behind.profile, behind.profile.name
    if behind.says_where or not profile.keeps_conversations:
        return
    if not profile.launch.chooses_id:
        yield f"the files of {cli} are out of sight: its conversation is known only if {cli} names it at its exit"
        return
    yield f"the files of {cli} are out of sight: a start resumes the conversation that reconciler chose for it, unseen"


def _sandboxed(behind: _Behind) -> Hidden | None:
    name, box = behind.program, sandbox(behind.words) if behind.program == "bwrap" else None
    said = [*_lost_notes(behind, box), *(_in_bubblewrap(behind, box) if box else ())]
    away = _is_away(behind, box)
    store = away and not behind.says_where and behind.profile.keeps_conversations
    if store:
        said += _unknown_store(behind)
    search = box is not None and box.at("/usr") in {InSandbox.OTHER, InSandbox.UNKNOWN}
    return Hidden(by=name, store=store, search=search, said=tuple(said)) if said or store or search else None


def _lost_notes(behind: _Behind, box: Sandbox | None) -> Iterator[str]:
    """A note with only a pid proves nothing in another pid namespace: several namespaces have the same pid."""
    binding, words = behind.profile.binding, behind.words
    options = {word.partition("=")[0] for word in words[: words.index("--") if "--" in words else len(words)]}
    letters = "".join(word[1:] for word in options if re.fullmatch(r"-[A-Za-z]+", word))
    own_pids = box.has_own_pids if box else behind.program == "firejail" or "--pid" in options or "p" in letters
    if own_pids and binding.leaves_notes and not binding.dates_notes:
        cli = behind.profile.name
        yield (
            f"{cli} notes only its pid, which is another one in the sandbox: its conversation counts as the recorded "
            "one, and a change of it is not noticed"
        )


def _in_bubblewrap(behind: _Behind, box: Sandbox) -> Iterator[str]:
    cli, cwd = behind.profile.name, behind.subject.cwd
    if cwd and box.at(cwd) is InSandbox.OTHER:
        yield f"the folder {cwd} is not in the sandbox: add `--bind {cwd} {cwd}`"
    for root in behind.roots:
        if box.at(root) is InSandbox.READ_ONLY:
            yield f"{cli} cannot write to {root} in the sandbox, so it cannot store conversations: use --bind for it"
        if box.at(root) is InSandbox.OTHER:
            yield f"{root} of the sandbox is not the one of this machine: to keep conversations, `--bind {root} {root}`"


def _is_away(behind: _Behind, box: Sandbox | None) -> bool:
    """Whether the CLI has other files in the sandbox."""
    if box:
        return bool(behind.roots) and all(box.at(root) is InSandbox.OTHER for root in behind.roots)
    return any(word.startswith(("--private", "--root", "--chroot", "-R")) for word in _own_options(behind))


def _own_options(behind: _Behind) -> Iterator[str]:
    for word in behind.words:
        if word == "--":
            return
        if word.startswith("-") and not word.startswith(("--private-", "--rootless")):
            yield word

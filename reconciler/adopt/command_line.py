"""Find out which agent a command starts, and with which manifest values.

A CLI's profile says what its options mean. Options that choose a conversation do not become `args`, because reconciler
chooses the conversation at each start.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from reconciler.agents.profile import Profile
from reconciler.agents.shell_names import SHELLS
from reconciler.model.adoption import LeftAlone

from .secret_values import hides_secret
from .shell_text import ShellWord

OWN_CLI = "if it is an agent CLI, declare it under `agent_types`"
_EDITORS = frozenset({
    "code", "cursor", "ed", "emacs", "emacsclient", "helix", "hx", "joe", "kak", "micro", "nano", "nvim", "subl", "vi",
    "view", "vim", "vimdiff",
})  # fmt: skip
_WORD_BEFORE = frozenset({"command", "exec", "nohup", "time"})
_RUNNERS = (
    ("npx",), ("bunx",), ("pnpx",), ("bun", "x"), ("npm", "exec"), ("npm", "x"), ("pnpm", "dlx"), ("yarn", "dlx"),
)  # fmt: skip
_WITH_VALUE = frozenset({"--cache", "--call", "--package", "--registry", "-c"})  # options of npx and the like
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_VERSION = re.compile(r"(?<=.)@[^/@]*$")


class AgentStart(Struct, frozen=True):
    """An agent that a command starts; `left` are the parts that a manifest cannot express, without a place."""

    type: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = {}
    folder: str = ""
    conversation: str = ""
    known_by: str = ""
    prompt: str = ""
    left: tuple[LeftAlone, ...] = ()


class NotAnAgent(Struct, frozen=True):
    """Why a command does not start an agent, and what the user can do; `bare` if it only starts a shell."""

    why: str
    fix: str = OWN_CLI
    bare: bool = False


def assignments(words: Sequence[ShellWord]) -> tuple[dict[str, ShellWord], Sequence[ShellWord]]:
    """The variables set before a command, and the words after them."""
    found: dict[str, ShellWord] = {}
    for index, word in enumerate(words):
        pair = _ASSIGNMENT.fullmatch(word.text)
        if pair is None:
            return found, words[index:]
        found[pair[1]] = ShellWord(pair[2], word.open)
    return found, ()


def started_by(words: Sequence[ShellWord], profiles: Mapping[str, Profile]) -> AgentStart | NotAnAgent:
    """The agent that a command starts, or why it is not one."""
    command = _Unwrapped(list(words))
    command.unwrap()
    if command.refused:
        return NotAnAgent(command.refused)
    if not command.words:
        return NotAnAgent("it starts no program")
    profile = _profile_of(command, profiles)
    if profile is None:
        return _not_an_agent([word.text for word in command.words], profiles)
    ends = _ends_by_itself(profile, [word.text for word in command.words])
    if ends:
        return NotAnAgent(f"`{ends}` makes it run once and exit, or does not start an agent", fix="")
    return _start(profile, command)


# --- words before the program -----------------------------------------------------------------


@dataclass(slots=True)
class _Unwrapped:
    """The words of a command without launchers such as `env` and `npx`; `package` is what npx or the like runs."""

    words: list[ShellWord]
    env: dict[str, ShellWord] = field(default_factory=dict)
    package: str = ""
    left: list[LeftAlone] = field(default_factory=list)
    refused: str = ""

    def unwrap(self) -> None:
        while not self.refused and self.words and not self.package:
            before = len(self.words)
            found, rest = assignments(self.words)
            self.env |= found
            self.words = list(rest)
            self.skip_launcher()
            if len(self.words) == before:
                return

    def skip_launcher(self) -> None:
        """Remove one launcher from the front."""
        first = self.words[0].text if self.words else ""
        if first in _WORD_BEFORE:
            self.words = self.words[1:]
            if self.words and self.words[0].text.startswith("-"):
                self.refused = f"reconciler does not know `{first} {self.words[0].text}`"
        elif os.path.basename(first) == "env":
            self.words = self.words[1:]
            self.skip_env_options()
        else:
            self.skip_runner()

    def skip_env_options(self) -> None:
        while self.words and self.words[0].text.startswith("-"):
            option = self.words.pop(0).text
            if option == "--":
                return
            unset = re.fullmatch(r"(?:-u|--unset=?)(.*)", option)
            if unset is None:
                self.refused = f"reconciler does not know `env {option}`"
                return
            name = unset[1] or (self.words.pop(0).text if self.words else "")
            why = "a manifest can set variables, but not unset them"
            fix = f"`{name}: ''` in `env` sets it to an empty value"
            self.left.append(LeftAlone(f"`env -u {name}`", why, fix))

    def skip_runner(self) -> None:
        """Remove npx or a similar runner, with its own options."""
        texts = [word.text for word in self.words[:2]]
        known = next((each for each in _RUNNERS if tuple(texts[: len(each)]) == each), ())
        rest = self.words[len(known) :]
        while known and rest and rest[0].text.startswith("-"):
            option = rest.pop(0).text
            if option in _WITH_VALUE and rest:
                rest.pop(0)
        if not known or not rest:
            return
        self.package = _VERSION.sub("", rest[0].text)
        self.words = rest
        why = f"reconciler starts the program directly, not through `{' '.join(known)}`"
        self.left.append(LeftAlone(f"`{rest[0].text}`", why, "install it so that it is on PATH"))


def _profile_of(command: _Unwrapped, profiles: Mapping[str, Profile]) -> Profile | None:
    """The profile of the program, or of the package that npx or the like runs."""
    texts = [word.text for word in command.words]
    program = os.path.basename(texts[0])
    for profile in profiles.values():
        if command.package and command.package in profile.usage.packages:
            return profile
        first, *more = profile.launch.command or ("",)
        if os.path.basename(first) == program and texts[1 : 1 + len(more)] == more and (more or program not in SHELLS):
            command.words = command.words[:1] + command.words[1 + len(more) :]
            return profile
    return None


def _not_an_agent(texts: list[str], profiles: Mapping[str, Profile]) -> NotAnAgent:
    program = os.path.basename(texts[0])
    if program in SHELLS and all(text.startswith("-") for text in texts[1:]):
        return NotAnAgent("it is only a shell", fix="", bare=True)
    if program in _EDITORS:
        return NotAnAgent("it is an editor, not an agent", fix="")
    inside = next((text for text in texts[1:] if os.path.basename(text) in profiles), "")
    if inside:
        return NotAnAgent(f"`{program}` starts `{inside}`, but reconciler starts a CLI directly")
    return NotAnAgent("it is not an agent CLI that reconciler knows")


# --- words after the program ------------------------------------------------------------------


def _ends_by_itself(profile: Profile, texts: list[str]) -> str:
    """The word that makes the CLI run once and exit; empty if it stays open."""
    usage = profile.usage
    words = texts[1:]
    if words and words[0] in usage.commands:
        return f"{profile.name} {words[0]}"
    behind = words.index("--") if "--" in words else len(words)
    return next((word for word in words[:behind] if word.partition("=")[0] in usage.once), "")


def _start(profile: Profile, command: _Unwrapped) -> AgentStart:
    reading = _ArgumentReader(profile, command.words[1:])
    reading.read()
    env = {name: word.text for name, word in command.env.items() if not word.open}
    left = [*command.left, *reading.left]
    left += [_open_variable(name, word) for name, word in command.env.items() if word.open]
    known_by = f"`{reading.known_by}` in its command" if reading.conversation else ""
    return AgentStart(
        profile.name,
        tuple(reading.args),
        env,
        reading.folder,
        reading.conversation,
        known_by,
        reading.prompt,
        tuple(left),
    )


def _open_variable(name: str, word: ShellWord) -> LeftAlone:
    source = re.fullmatch(r"\$\{?(\w+)\}?", word.text)
    fix = f"`{name}: {{from_env: {source[1]}}}` in `env`" if source else f"set `{name}` in `env`"
    return LeftAlone(f"the variable {name}", f"only a shell can expand {', '.join(word.open)}", fix)


@dataclass(slots=True)
class _ArgumentReader:
    """Sorts the words after a program; `at` is the index of the current word."""

    profile: Profile
    words: Sequence[ShellWord]
    args: list[str] = field(default_factory=list)
    left: list[LeftAlone] = field(default_factory=list)
    conversation: str = ""
    known_by: str = ""
    folder: str = ""
    prompt: str = ""
    forks: bool = False
    at: int = 0

    def read(self) -> None:
        while self.at < len(self.words):
            word = self.words[self.at]
            if word.open:
                self.leave_open(word)
            elif not self.take(word.text):
                self.keep(word.text)
            self.at += 1
        if self.forks and self.conversation:
            self.conversation = self.known_by = ""

    def value(self, word: str) -> str:
        """The value of an option: the text after `=`, or the next word."""
        _, mark, value = word.partition("=")
        if mark:
            return value
        following = self.words[self.at + 1] if self.at + 1 < len(self.words) else None
        if following is None or following.open or following.text.startswith("-"):
            return ""
        self.at += 1
        return following.text

    def take(self, word: str) -> bool:
        """Handle a word about the conversation, the folder or the prompt. Returns False for any other word."""
        usage, launch, option = self.profile.usage, self.profile.launch, word.partition("=")[0]
        if word in launch.args_always:
            return True
        if option in usage.resume:
            self.take_conversation(word)
        elif word in usage.newest:
            self.leave(word, "it continues the newest conversation of the folder, which may belong to another agent")
        elif word in usage.fork:
            self.forks = True
            self.leave(word, "it starts a new conversation each time")
        elif option in usage.folder and (folder := self.value(word)):
            self.folder = folder
        elif option in usage.prompt and (prompt := self.value(word)):
            self.prompt = prompt
        else:
            return False
        return True

    def take_conversation(self, word: str) -> None:
        value = self.value(word)
        if re.fullmatch(self.profile.usage.id, value):
            self.conversation = value
            self.known_by = f"{word} {value}" if "=" not in word else word
        elif value:
            self.leave(f"{word} {value}".strip(), "the value is not a conversation id")
        elif not self.is_next(self.profile.usage.newest):
            self.leave(word, "it asks which conversation to continue")

    def is_next(self, words: tuple[str, ...]) -> bool:
        return self.at + 1 < len(self.words) and self.words[self.at + 1].text in words

    def leave(self, word: str, why: str) -> None:
        fix = "to continue one conversation, set its id as `resume:` in the agent's block"
        self.left.append(LeftAlone(f"`{word}`", why, fix))

    def leave_open(self, word: ShellWord) -> None:
        """Drop a word that only a shell can expand, and the option before it if the word is that option's value."""
        what = word.text
        if self.args and self.args[-1].startswith("-") and self.args[-1] not in self.profile.usage.switches:
            what = f"{self.args.pop()} {what}"
        fix = "add it to `args`; a manifest can use `${NAME}`"
        self.left.append(LeftAlone(f"the argument `{what}`", f"only a shell can expand {', '.join(word.open)}", fix))

    def keep(self, word: str) -> None:
        """Keep a word as an argument, or as the prompt if it has spaces and no option takes it as a value."""
        before = self.args[-1] if self.args else ""
        takes_value = before.startswith("-") and before not in self.profile.usage.switches and "=" not in before
        if hides_secret(before.lstrip("-") if takes_value else "", word.partition("=")[2] or word):
            option = self.args.pop() if takes_value else word.partition("=")[0] if "=" in word else "an argument"
            why = "its value looks like a secret, which must not be in a manifest"
            self.left.append(LeftAlone(f"the argument `{option}`", why, "pass it as a variable: `env` with `from_env`"))
        elif re.search(r"\s", word.strip()) and not word.startswith("-") and not takes_value and not self.prompt:
            self.prompt = word
        else:
            self.args.append(word)

"""Drive the real CLIs into one state after the other, and keep what their panes show as fixtures of tests/agents.

    make capture-screens ARGS="qwen claude-2.1.330"

Whether a CLI works is what the model's stub sees: a request that is open. Nothing here asks our own rules, so that
what is captured can contradict them.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template
from threading import Event

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "agents")]

from captured import Screen, written  # noqa: E402
from clis import CAPTURED, KEY, Cli  # noqa: E402 - beside this program, which no test runner starts
from install import installed  # noqa: E402
from stub import ASK, FAIL, HOLD, SLEEP, TEAM, TOUCH, TRICKLE, Stub, stub  # noqa: E402

FIXTURES = Path(__file__).parents[1] / "agents" / "screens"
WIDE, NARROW = (120, 40), (80, 24)
START_SECONDS, STATE_SECONDS = 90.0, 20.0
STILL = 1.0  # seconds without a change but a spinner's
HALF = "a half-typed prompt"


@dataclass
class Stage:
    """One CLI in one pane, and the stub that it talks to."""

    cli: Cli
    stub: Stub
    home: Path
    command: Sequence[str]

    @property
    def socket(self) -> str:
        """Of a tmux server of its own."""
        return str(self.home / "tmux")

    # --- what a user does ---

    def tmux(self, *words: str) -> str:
        """One call of tmux."""
        command = ["tmux", "-u", "-S", self.socket, "-f", "/dev/null", *words]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=30).stdout

    def press(self, *keys: str) -> None:
        """Press keys by their names."""
        self.tmux("send-keys", "-t", "it", *keys)

    def type(self, text: str) -> None:
        """Type a text, and wait for it to show."""
        self.tmux("send-keys", "-t", "it", "-l", text)
        self.wait(lambda: text[-8:] in self.screen())
        pause(0.5)

    def empty(self) -> None:
        """Empty the input box."""
        self.press("C-u")
        pause(0.5)
        if HALF in self.screen():
            self.press(*["BSpace"] * len(HALF))
        pause(0.5)

    def say(self, text: str, until: Callable[[], bool]) -> bool:
        """Submit a prompt; an Enter that is swallowed is pressed again."""
        self.type(text)
        for _ in range(5):
            self.press("Enter")
            if self.wait(until, STATE_SECONDS / 4):
                return True
        return self.wait(until)

    def size(self, columns: int, rows: int) -> None:
        """Give the window another size."""
        self.tmux("resize-window", "-t", "it", "-x", str(columns), "-y", str(rows))
        pause(STILL)

    # --- what is seen ---

    def screen(self) -> str:
        """What the pane shows."""
        return self.tmux("capture-pane", "-p", "-t", "it")

    def is_held(self) -> bool:
        """Whether a request is open that gets no answer."""
        return self.stub.held > 0

    def is_at_rest(self) -> bool:
        """Whether no request is open for a while."""
        return self.wait(lambda: not self.is_held(), 10) and not self.wait(self.is_held, 2)

    def wait(self, until: Callable[[], bool], seconds: float = STATE_SECONDS) -> bool:
        """Whether it came true in time."""
        deadline = time.monotonic() + seconds
        while not until():
            if time.monotonic() > deadline:
                return False
            pause(0.1)
        return True

    def keep(self, state: str, what: str, sizes: Sequence[tuple[int, int]] = (WIDE,)) -> None:
        """Keep what the pane shows, in each of the sizes."""
        if self.tmux("display-message", "-p", "-t", "it", "#{pane_dead}").strip() == "1":
            return
        for columns, rows in sizes:
            if (columns, rows) != WIDE:
                self.size(columns, rows)
            store(self.shot(state, what, (columns, rows)))
        if sizes[-1] != WIDE:
            self.size(*WIDE)

    def now(self) -> str:
        """The state as the stub sees it; `typed` where a prompt came back into the input box."""
        if self.is_held():
            return "busy"
        return "typed" if stands(self.screen()) else "idle"

    def shot(self, state: str, what: str, size: tuple[int, int]) -> Screen:
        """What the pane shows, as a fixture."""
        title = self.tmux("display-message", "-p", "-t", "it", "#{pane_title}").removesuffix("\n")
        return Screen(
            cli=self.cli.name,
            version=self.cli.version,
            captured=time.strftime("%Y-%m-%d", time.gmtime()),
            state=state,
            what=what.replace("_", " "),
            size=f"{size[0]}x{size[1]}",
            title=title.strip(),
            lines=tuple(line.rstrip() for line in nameless(self.screen()).rstrip().splitlines()),
        )


def nameless(screen: str) -> str:
    """The screen without the home folder of who captures it, and as wide as before."""
    home = str(Path.home())
    return screen.replace(f"{home}/", f"{'~' * len(home)}/")


def store(screen: Screen) -> None:
    """Keep it where the tests look."""
    end = "" if screen.size == f"{WIDE[0]}x{WIDE[1]}" else f"_{screen.size}"
    name = f"{screen.state}-{screen.what.replace(' ', '_')}{end}.{screen.version}.txt"
    folder = FIXTURES / screen.cli
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(written(screen), "utf-8")
    sys.stdout.write(f"  {name}\n")
    sys.stdout.flush()


def stands(screen: str) -> bool:
    """Whether one of our texts is in an input box, which is at the end of a screen."""
    marked = re.findall(r"^[\s│]*[>\u276f\u203a](?:\s+(.*))?$", screen, re.MULTILINE)
    framed = re.findall(r"^─+(?: .* ─+)?\n(.*)(?=\n─+$)", screen, re.MULTILINE)
    return any(texts[-1].startswith((HALF, HOLD)) for texts in (marked, framed) if texts)


def pause(seconds: float) -> None:
    """Let the CLI go on."""
    Event().wait(seconds)


# --- the states, one after the other ----------------------------------------------------------


def idle(stage: Stage) -> None:
    """Right after the start, after a turn, and with a text that nobody has submitted."""
    stage.keep("idle", "start", (WIDE, NARROW))
    stage.type(HALF)
    stage.keep("typed", "half", (WIDE, NARROW))
    stage.empty()
    before = stage.screen()
    stage.say("Remember the word larch.", lambda: "canned" in stage.screen())
    if stage.screen() != before and stage.wait(lambda: "canned" in stage.screen()):
        pause(3)
        stage.keep("idle", "after_a_turn", (WIDE, NARROW))


def working(stage: Stage) -> None:
    """While the model thinks; with a text in the box, with a prompt in line, after Esc and after Ctrl-C."""
    if not stage.say(HOLD, stage.is_held):
        return
    pause(3)
    stage.keep("busy", "working", (WIDE, NARROW))
    stage.type(HALF)
    stage.keep("busy", "typed", (WIDE, NARROW))
    stage.press("Enter")
    pause(STILL)
    if stage.is_held():
        stage.keep("busy", "queued", (WIDE, NARROW))
    interrupt(stage, "queued_")
    if not stage.say(HOLD, stage.is_held):
        return
    pause(3)
    interrupt(stage, "")
    if stage.say(HOLD, stage.is_held):
        pause(3)
        stage.press("C-c")
        pause(STILL)
        stage.keep(stage.now(), "after_a_ctrl-c")
        rest(stage)


def interrupt(stage: Stage, prefix: str) -> None:
    """Esc, once and again."""
    stage.press("Escape")
    pause(STILL)
    stage.keep(stage.now(), f"{prefix}after_one_esc", (WIDE, NARROW))
    if stage.is_held():
        stage.press("Escape")
        pause(2)
        stage.keep(stage.now(), f"{prefix}after_two_escs")
    rest(stage)


def rest(stage: Stage) -> None:
    """Bring it back to its empty prompt."""
    for _ in range(4):
        if stage.is_at_rest():
            break
        stage.press("Escape")
        pause(0.3)
        stage.press("Escape")
    pause(STILL)
    stage.empty()


def trickling(stage: Stage) -> None:
    """While the answer comes in."""
    if stage.say(TRICKLE, stage.is_held):
        pause(3)
        stage.keep("busy", "answering", (WIDE, NARROW))
        rest(stage)


def asking(stage: Stage) -> None:
    """At a permission prompt, and while the command runs that was permitted."""
    if not stage.cli.asks:
        running_freely(stage)
        return
    if not stage.say(TOUCH, lambda: bool(re.search(stage.cli.asks, stage.screen()))):
        return
    pause(STILL)
    stage.keep("waiting", "permission", (WIDE, NARROW))
    if stage.cli.always:
        stage.press(*stage.cli.always)
        pause(STILL)
        stage.keep("waiting", "always", (WIDE, NARROW))
        stage.press("Escape")
        pause(STILL)
    stage.press(stage.cli.denies[0])
    for key in stage.cli.denies[1:]:
        pause(STILL)
        stage.keep("waiting", "denial", (WIDE, NARROW))
        stage.press(key)
    pause(3)
    stage.keep(stage.now(), "after_a_denial")
    rest(stage)
    if not stage.say(SLEEP, lambda: bool(re.search(stage.cli.asks, stage.screen()))):
        return
    pause(STILL)
    stage.press(stage.cli.permits)
    pause(3)
    stage.keep("busy", "running_a_command", (WIDE, NARROW))
    stage.press("Escape")
    pause(STILL)
    stage.press("Escape")
    pause(2)
    rest(stage)


def running_freely(stage: Stage) -> None:
    """While a command runs that needs no permission, of the model and of the CLI itself."""
    for prompt, name in ((SLEEP, "running_a_command"), (stage.cli.runs, "running_its_own_command")):
        if prompt and stage.say(prompt, lambda: "sleep 600" in stage.screen()):
            pause(3)
            stage.keep("busy", name, (WIDE, NARROW))
            stage.press("Escape")
            pause(2)
            rest(stage)


def questioned(stage: Stage) -> None:
    """At a question of the model's."""
    if stage.say(ASK, lambda: "Which tree?" in stage.screen() and "Alder" in stage.screen()):
        pause(STILL)
        stage.keep("waiting", "question", (WIDE, NARROW))
        stage.press("Escape")
        pause(2)
        rest(stage)


def helped(stage: Stage) -> None:
    """While a subagent works."""
    if stage.say(TEAM, lambda: stage.is_held() or bool(re.search(stage.cli.asks, stage.screen()))):
        if not stage.is_held():
            stage.press(stage.cli.permits)
            stage.wait(stage.is_held)
        pause(3)
        if stage.is_held():
            stage.keep("busy", "subagent", (WIDE, NARROW))
        rest(stage)


def failing(stage: Stage) -> None:
    """While it tries again because the model is overloaded."""
    if not stage.say(FAIL, lambda: stage.stub.failed > 2):
        return
    for size in (WIDE, NARROW):
        stage.size(*size)
        failed = stage.stub.failed
        screen = stage.shot("busy", "retrying", size)
        if stage.wait(lambda failed=failed: stage.stub.failed > failed, 40):  # so it was on its way to that
            store(screen)


def reopened(stage: Stage) -> None:
    """A conversation that is resumed beside itself, and then from another folder."""
    if not stage.cli.reopened or not stage.say("Remember the word larch.", lambda: "canned" in stage.screen()):
        return
    pause(3)
    [place] = stage.cli.stored(stage.home)
    conversation = re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", place)[-1]
    again = (*stage.command, *stage.cli.resumes, conversation)
    for number, (name, shows) in enumerate(stage.cli.reopened.items()):
        folder = (stage.home / "lab", stage.home)[number]
        if not shows:
            continue
        stage.tmux("new-window", "-t", "it", "-c", str(folder), *again)
        if stage.wait(lambda shows=shows: bool(re.search(shows, stage.screen()))):
            pause(STILL)
            stage.keep("dialog", name, (WIDE, NARROW))
        stage.tmux("kill-window", "-t", "it")
        if not number:  # only from now on nobody has it
            stage.press("C-c")
            pause(3)


PARTS = (reopened, idle, working, trickling, asking, questioned, helped, failing)


# --- starting ---------------------------------------------------------------------------------


@contextmanager
def running(cli: Cli, model: Stub, settings: Mapping[str, str]) -> Iterator[Stage]:
    """The CLI in a pane of a server of its own, in a home of its own that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="lab-", dir="/tmp") as folder:
        home, lab = Path(folder), Path(folder) / "lab"
        lab.mkdir()
        for path, text in settings.items():
            file = home / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(_filled(text, model, lab))
        env = {name: _filled(value if isinstance(value, str) else KEY, model, lab) for name, value in cli.env.items()}
        programs = installed(cli.package, cli.version, cli.beside)
        env |= {"HOME": str(home), "LANG": "C.UTF-8", "PATH": f"{programs}:{os.environ['PATH']}"}
        words = [f"{name}={value}" for name, value in env.items()]
        stage = Stage(cli, model, home, ("env", "-i", "TERM=screen", *words, cli.name, *cli.args))
        size = ("-x", str(WIDE[0]), "-y", str(WIDE[1]))
        stage.tmux("new-session", "-d", "-s", "it", *size, "-c", str(lab), *stage.command)
        stage.tmux("set-option", "-g", "remain-on-exit", "on")
        try:
            yield stage
        finally:
            _end(stage, home)


def _filled(text: str, model: Stub, lab: Path) -> str:
    return Template(text).substitute(url=model.url, folder=lab, key_end=KEY[-20:])


def _end(stage: Stage, home: Path) -> None:
    """End its server and every process that has this home."""
    stage.tmux("kill-server")
    for _ in range(50):
        left = list(_at_home(home))
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not left:
            return
        pause(0.1)


def _at_home(home: Path) -> Iterator[int]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                if f"HOME={home}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    yield int(folder.name)


def capture(cli: Cli, parts: Sequence[Callable[[Stage], None]] = PARTS) -> None:
    """Every state of one CLI, each part from a start of its own: what one leaves behind is not in another."""
    sys.stdout.write(f"{cli}\n")
    for name, start in cli.starts.items():
        asked = replace(cli, args=start.args, env={**cli.env, **start.env})
        with stub() as model, running(asked, model, start.settings) as stage:
            if stage.wait(lambda shows=start.shows: bool(re.search(shows, stage.screen())), START_SECONDS):
                pause(STILL)
                stage.keep("dialog", name, (WIDE, NARROW))
            else:
                sys.stdout.write(f"  no {name} dialog:\n{stage.screen().rstrip()}\n")
    for part in parts:
        with stub() as model, running(cli, model, cli.settings) as stage:
            if not stage.wait(lambda: bool(re.search(cli.ready, stage.screen())), START_SECONDS):
                sys.stdout.write(f"  not ready for {part.__name__}:\n{stage.screen().rstrip()}\n")
                continue
            pause(3)
            part(stage)


def main(words: Sequence[str]) -> None:
    """Capture the CLIs that are named, with their version or without; `CLI/part` is one part alone."""
    wanted = [word.partition("/") for word in words] or [("", "", "")]
    for cli in CAPTURED:
        for name, _, part in wanted:
            if not name or name in {cli.name, str(cli)}:
                parts = [each for each in PARTS if not part or each.__name__ == part]
                capture(cli if not part or part == "starts" else replace(cli, starts={}), parts)


if __name__ == "__main__":
    main(sys.argv[1:])

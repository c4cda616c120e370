"""Draw `plan.svg` from a real plan: `python docs/make_picture.py`.

A small lab is started in a temporary folder with stand-in agents, some of it is lost as in a crash, and the
manifest changes. The plan that follows is printed in colour and drawn. Paths and ids are replaced by fixed ones,
so that the same plan always gives the same picture.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

HERE = Path(__file__).resolve().parent
PICTURE = HERE / "plan.svg"
STAND_INS = HERE.parent / "tests" / "standin" / "bin"
WIDTH = 92
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{8}(?=\.\.\.)")
FONT_FACES = re.compile(r"@font-face \{\{.*?\}\}", re.DOTALL)  # they name a host
FONTS = 'ui-monospace, "SFMono-Regular", Menlo, "DejaVu Sans Mono", Consolas'
# background, foreground, eight colours from black to white, the same eight bright: GitHub's dark theme
COLOURS = """
0d1117 c9d1d9
484f58 ff7b72 3fb950 d29922 58a6ff bc8cff 39c5cf b1bac4
6e7681 ffa198 56d364 e3b341 79c0ff d2a8ff 56d4dd ffffff
"""

BEFORE = """\
version: 1
workspaces:
  landing-page:
    path: landing-page
    agents:
      claude: {prompt: "Read AGENTS.md, then wait."}
      review: {type: claude, role: reviewer, args: [--model, sonnet], prompt: "Read AGENTS.md, then wait."}
  api:
    path: api
    agents:
      claude: {prompt: "Read AGENTS.md, then wait."}
      tests: {type: claude, role: tester, prompt: "Read AGENTS.md, then wait."}
"""
AFTER = (
    BEFORE.replace("sonnet", "opus")
    + """\
  docs:
    path: docs
    agents:
      claude: {}
"""
)
LOST = ("landing-page-creator-claude", "api-tester-tests")


def main() -> None:
    """Run the lab and write the picture."""
    PICTURE.write_text(drawn(plan_after_a_crash()), encoding="utf-8")
    print(PICTURE)


def plan_after_a_crash() -> str:
    """A real plan in colour, the same every time."""
    with tempfile.TemporaryDirectory(prefix="lab-") as folder:
        lab = Path(os.path.realpath(folder))
        environment = surroundings(lab)
        try:
            return stable(crashed(lab, environment), lab)
        finally:
            tmux(environment, "kill-server")


def surroundings(lab: Path) -> dict[str, str]:
    """An environment whose home folder and tmux server belong to the lab alone."""
    path = os.pathsep.join([str(STAND_INS), os.environ["PATH"]])
    return {"HOME": str(lab), "PATH": path, "TMUX_TMPDIR": str(lab), "TMUX_SERVER_NAME": "picture"}


def crashed(lab: Path, environment: Mapping[str, str]) -> str:
    """The plan that is shown when two sessions were lost and the manifest has changed."""
    manifest = lab / "reconciler.yaml"
    manifest.write_text(BEFORE, encoding="utf-8")
    reconciler(lab, environment, "apply", "--auto-approve")
    wait_for_transcripts(lab, count=4)
    manifest.write_text(AFTER, encoding="utf-8")
    for session in LOST:
        tmux(environment, "kill-session", "-t", f"={session}")
    return reconciler(lab, {**environment, "FORCE_COLOR": "1"}, "plan")


def wait_for_transcripts(lab: Path, count: int) -> None:
    """Until so many agents have taken their first prompt."""
    deadline = time.monotonic() + 10
    while sum('"type":"user"' in file.read_text() for file in lab.glob(".claude/projects/*/*.jsonl")) < count:
        if time.monotonic() > deadline:
            sys.exit("the stand-ins do not answer")
        time.sleep(0.05)


def reconciler(lab: Path, environment: Mapping[str, str], *words: str) -> str:
    """What the command prints."""
    command = [sys.executable, "-m", "reconciler", "-C", str(lab), *words]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def tmux(environment: Mapping[str, str], *words: str) -> None:
    """Tell the lab's own tmux server something."""
    subprocess.run(["tmux", "-L", "picture", *words], env=environment, check=False)


def stable(text: str, lab: Path) -> str:
    """The text with the paths and ids of no particular run."""
    ids: dict[str, str] = {}
    for found in UUID.findall(text):
        ids.setdefault(found[:8], f"{0xB3A71C52 + 0x16E5D3B9 * len(ids) & 0xFFFFFFFF:08x}")
    fixed = UUID.sub(lambda found: ids[found[0][:8]] + found[0][8:], text)
    return fixed.replace(str(lab), "~/lab")


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue from six hexadecimal digits."""
    red, green, blue = bytes.fromhex(colour)
    return red, green, blue


def drawn(text: str, command: str = "reconciler plan", title: str = "after a crash", width: int = WIDTH) -> str:
    """The text as an SVG picture of a terminal in which the command was typed."""
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(f"\x1b[1m$ {command}\x1b[0m\n{text}"))
    background, foreground, *rest = map(rgb, COLOURS.split())
    theme = TerminalTheme(background, foreground, rest[:8], rest[8:])
    template = FONT_FACES.sub("", CONSOLE_SVG_FORMAT).replace("Fira Code", FONTS)
    picture = console.export_svg(title=title, theme=theme, code_format=template, unique_id="plan")
    return picture.replace("<text ", '<text xml:space="preserve" ')  # else some viewers drop the indentation


if __name__ == "__main__":
    main()

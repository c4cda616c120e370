"""Draw `board.svg` from a real board: `python docs/make_board_picture.py`.

The lab of `make board` is started in a temporary folder with stand-in agents, the board is opened on it in a tmux
pane, and one question is opened. What tmux then shows is drawn.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import make_picture
from make_picture import HERE, reconciler, stable, surroundings

PICTURE = HERE / "board.svg"
MANIFEST = HERE.parent / "manifests" / "board" / "reconciler.yaml"
WIDTH, HEIGHT = 112, 28


def main() -> None:
    """Run the lab and write the picture."""
    with tempfile.TemporaryDirectory(prefix="lab-") as folder:
        lab = Path(os.path.realpath(folder))
        environment = {**surroundings(lab), "LANG": "C.UTF-8"}
        try:
            screen = shown(lab, environment)
            PICTURE.write_text(make_picture.drawn(screen, "reconciler board", "two agents ask", WIDTH), encoding="utf-8")
        finally:
            make_picture.tmux(environment, "kill-server")
            tmux(environment, "kill-server")
    print(PICTURE)


def start_lab(lab: Path, environment: Mapping[str, str]) -> None:
    """Start the agents of `make board`, in three folders with a change each."""
    (lab / "reconciler.yaml").write_text(MANIFEST.read_text(encoding="utf-8"), encoding="utf-8")
    for name in ("website", "api-server", "docs"):
        git(lab / name, "init", "-q", "-b", "main", str(lab / name))
        git(lab / name, "commit", "-q", "--allow-empty", "-m", "begin")
        (lab / name / "page.md").write_text("a page\n", encoding="utf-8")
    reconciler(lab, environment, "apply", "--auto-approve")


def shown(lab: Path, environment: Mapping[str, str]) -> str:
    """The board in colour, with a question open."""
    start_lab(lab, environment)
    command = shlex.join([sys.executable, "-m", "reconciler", "-C", str(lab), "board"])
    size = ("-x", str(WIDTH), "-y", str(HEIGHT))
    tmux(environment, "-f", "/dev/null", "new-session", "-d", *size, command, ";", "set-option", "status", "off")
    screen_with(environment, "2 need you", "canned reply", "1 stopped", "main", "TODAY", "1.5k")
    tmux(environment, "send-keys", "Down", "y")
    lines = screen_with(environment, "y approves").splitlines()
    return stable(re.sub(r"\bv\d+\.\d+\.\d+\b", "v1.0.0", "\n".join(in_columns(line, lab) for line in lines)), lab)


def in_columns(line: str, lab: Path) -> str:
    """The line with its columns in place although `stable` makes the path of the lab shorter."""
    shorter = len(str(lab)) - len("~/lab")
    return line.replace("…", "…" + " " * shorter, 1) if str(lab) in line else line


def screen_with(environment: Mapping[str, str], *texts: str) -> str:
    """What the pane shows, as soon as it has all of the texts."""
    deadline = time.monotonic() + 60
    while True:
        screen = tmux(environment, "capture-pane", "-e", "-p")
        if all(text in screen for text in texts):
            return screen
        if time.monotonic() > deadline:
            sys.exit(f"not on the screen: {texts}\n{screen}")
        time.sleep(0.2)


def tmux(environment: Mapping[str, str], *words: str) -> str:
    """Tell the tmux server of the terminal something, which is not the one of the agents."""
    command = ["tmux", "-u", "-L", "terminal", *words]
    return subprocess.run(command, env=environment, check=False, capture_output=True, text=True).stdout


def git(folder: Path, *words: str) -> None:
    """Run git for somebody who is nobody."""
    folder.mkdir(exist_ok=True)
    who = ["-c", "user.name=demo", "-c", "user.email=demo@example.org"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True)


if __name__ == "__main__":
    main()

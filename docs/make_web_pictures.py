"""Make `web-phone.png` and `web-desktop.png` from a real run: `python docs/make_web_pictures.py`.

The lab of `make board` is started in a temporary folder with stand-in agents, and Chromium opens the page on it. It
needs the extras `web` and `test`, and Chromium.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import make_picture
from make_board_picture import start_lab
from make_picture import HERE, surroundings
from playwright.sync_api import Browser, sync_playwright

SIZES = {"phone": (390, 844, 2), "desktop": (1180, 640, 1)}
QUESTIONS = ("Do you want to proceed", "canned reply", "1 stopped", "main *1", "1.5k tokens today")


def main() -> None:
    """Run the lab, open the page in both sizes, and write the pictures."""
    with tempfile.TemporaryDirectory(prefix="lab-", dir="/tmp") as folder:
        lab = Path(os.path.realpath(folder), "lab")
        lab.mkdir()
        environment = {**surroundings(lab), "LANG": "C.UTF-8"}
        try:
            start_lab(lab, environment)
            with served(lab, environment) as link, sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                take(browser, link)
                browser.close()
        finally:
            make_picture.tmux(environment, "kill-server")


@contextmanager
def served(lab: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """The server's one-time link."""
    words = ["web", "--bind", "127.0.0.1:0", "--allow", "answer,send,stop,resume,apply"]
    command = [sys.executable, "-m", "reconciler", "-C", str(lab), *words]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout
        yield next(found[0] for line in server.stdout if (found := re.search(r"http://\S+", line)))
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


def take(browser: Browser, link: str) -> None:
    """Open the board with the link, and take a picture in each size."""
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(link)
    for text in QUESTIONS:
        page.get_by_text(text).first.wait_for(timeout=60_000)
    state = context.storage_state()
    for name, (width, height, scale) in SIZES.items():
        sized = browser.new_context(
            color_scheme="dark",
            viewport={"width": width, "height": height},
            device_scale_factor=scale,
            storage_state=state,
        )
        page = sized.new_page()
        page.goto(link.partition("/open")[0] + "/")
        page.get_by_text("live", exact=True).wait_for()
        page.screenshot(path=HERE / f"web-{name}.png")
        print(HERE / f"web-{name}.png")


if __name__ == "__main__":
    main()

"""An installation without extras: what is missing is one line, with the command that adds it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from project import SECONDS, Project

ROOT = Path(__file__).parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
FOR_DEVELOPERS = {"test", "check", "bench", "dist", "site"}
OF_USERS = EXTRAS.keys() - FOR_DEVELOPERS - {"all"}


def _needed(found: Distribution, done: set[str]) -> Iterator[Distribution]:
    """A distribution and all that it needs, without any extra of `reconciler`."""
    if found.name in done:
        return
    done.add(found.name)
    yield found
    for line in found.requires or ():
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate({"extra": ""}):
            yield from _needed(distribution(wanted.name), done)
        for extra in wanted.extras:
            assert not extra, f"{found.name} needs {line}"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with exactly the packages of an installation without extras."""
    folder = tmp_path_factory.mktemp("plain")
    for name in ("reconciler", "schemas", "broker", "skills"):  # as in a checkout
        (folder / name).symlink_to(ROOT / name)
    for each in list(_needed(distribution("agent-reconciler"), set()))[1:]:
        files = each.files or []
        for top in {file.parts[0] for file in files if file.parts[0] not in {"..", "__pycache__"}}:
            if not (folder / top).exists() and not top.endswith(".pth"):
                (folder / top).symlink_to(each.locate_file(top))
    return folder


def _plain(project: Project, packages: Path, *words: str) -> subprocess.CompletedProcess[str]:
    # no site-packages: only what the folder has
    start = "import sys; from reconciler.__main__ import main; sys.argv[0] = 'reconciler'; main()"
    return subprocess.run(
        [sys.executable, "-S", "-c", start, *words], check=False, cwd=project.root, stdin=subprocess.DEVNULL,
        env={**project.env, "PYTHONPATH": str(packages)}, capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["board"], "board"),
        (["web"], "web"),
        (["mcp"], "mcp"),
        (["usage", "--cost"], "prices"),
        (["fleet", "status", "-i", "hosts.yml"], "fleet"),
        (["fleet", "plan", "-i", "hosts.yml"], "fleet"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_is_missing_is_one_line_with_the_command_that_adds_it(
    project: Project, packages: Path, words: list[str], extra: str
):
    project.declare(one={"type": "shell"})
    (project.root / "hosts.yml").write_text("all: {hosts: {one: }}\n")
    done = _plain(project, packages, *words)
    is_far = extra == "fleet"  # what reaches the hosts
    assert (done.returncode, done.stdout) == (4 if is_far else 1, "")
    [line] = done.stderr.splitlines()
    assert line.endswith(f" is not installed: pip install 'agent-reconciler[{extra}]'")


def test_all_else_works_without_extras(project: Project, packages: Path):
    project.declare(one={"type": "shell"})
    for words in (
        ["plan"],
        ["apply", "--auto-approve"],
        [],
        ["status", "--all", "--json"],
        ["board", "--json"],
        ["usage"],
        ["doctor"],
        ["mcp", "--help"],
        ["board", "--help"],
    ):
        done = _plain(project, packages, *words)
        assert done.returncode in {0, 2}, (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr


def test_the_extra_all_has_every_extra_of_a_user():
    [line] = EXTRAS["all"]
    assert set(Requirement(line).extras) == OF_USERS


def test_every_extra_that_is_named_exists():
    """In messages, in help and on the pages."""
    texts = [*(ROOT / "reconciler").rglob("*.py"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    found: set[str] = set()
    for path in texts:
        text = path.read_text("utf-8")
        found |= {name for group in re.findall(r"agent-reconciler\[([a-z,]+)\]", text) for name in group.split(",")}
        found |= set(re.findall(r"missing_extra\([^()]*, \"([a-z]+)\"\)", text))
    assert found <= EXTRAS.keys()
    assert OF_USERS - {"web"} <= found, "a page, or a message, names each"


def test_the_readme_installs_all_of_them():
    assert re.search(r"install '?\.\[all\]'?", (ROOT / "README.md").read_text("utf-8"))


def test_the_plain_installation_lacks_what_the_extras_bring(packages: Path):
    there = {name.lower() for name in os.listdir(packages)}
    assert not there & {"textual", "mcp", "mcp_types", "genai_prices", "starlette", "uvicorn"}
    assert {"typer", "msgspec", "rich"} <= there

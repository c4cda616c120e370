"""Each hook of .pre-commit-hooks.yaml, run as pre-commit runs it: its words, and then the files that it is for."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
HOOKS = {hook["id"]: hook for hook in YAML(typ="safe", pure=True).load(ROOT / ".pre-commit-hooks.yaml")}
GOOD = {
    "reconciler.yaml": "version: 1\nworkspaces:\n  w: {path: x, agents: {claude: {depends_on: [agent.v.claude]}}}\n",
    "manifests/v.yaml": "version: 1\nworkspaces:\n  v: {path: y, agents: {claude: {}}}\n",
    ".hermes/agent-sessions.yaml": "version: 1\nlineage: x\nserial: 1\nworkspaces: {}\nsessions: {}\n",
    "README.yaml": "a: b: c\n",
}
BAD = {
    "reconciler-fmt": ("reconciler.yaml", "workspaces: {a: b: c}\n", "reconciler.yaml:1:18"),
    "reconciler-fmt-check": ("manifests/v.yaml", "workspaces: {}\nversion: 1\n", "+version: 1"),
    "reconciler-validate": ("reconciler.yaml", "version: 1\nworkspaces: {}\nagnets: {}\n", "reconciler.yaml:3:1"),
    "reconciler-schema": ("manifests/v.yaml", "version: 1\n\nworkspaces: []\n", "manifests/v.yaml:3:1"),
    "reconciler-registry": (".hermes/agent-sessions.yaml", "version: 1\nserial: many\n", "agent-sessions.yaml:2:1"),
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name, text in GOOD.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def ran(hook: dict[str, object], repository: Path, path: str) -> subprocess.CompletedProcess[str]:
    files = [name for name in GOOD if re.search(str(hook["files"]), name)]
    assert files, "pre-commit would not run it"
    words = [*shlex.split(str(hook["entry"])), *(files if hook.get("pass_filenames", True) else ())]
    env = {"PATH": path, "HOME": str(repository)}
    return subprocess.run(words, cwd=repository, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def path_without_tmux(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH on which there is reconciler and nothing else."""
    folder = tmp_path_factory.mktemp("bin")
    program = shutil.which("reconciler", path=sysconfig.get_path("scripts"))
    assert program
    (folder / "reconciler").symlink_to(program)
    return str(folder)


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_passes_what_is_in_order_and_fails_what_is_not(
    name: str, repository: Path, path_without_tmux: str
) -> None:
    assert ran(HOOKS[name], repository, path_without_tmux).returncode == 0
    file, text, told = BAD[name]
    (repository / file).write_text(text)

    failed = ran(HOOKS[name], repository, path_without_tmux)

    assert failed.returncode == 1
    assert told in failed.stdout + failed.stderr


def test_the_page_on_ci_lists_every_hook() -> None:
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(reconciler-[a-z-]+)` \|", page, re.MULTILINE)) == set(HOOKS)


def test_the_hooks_in_the_documentation_are_those_of_the_file():
    page = (ROOT / "docs" / "ci.md").read_text()
    [config] = [
        found for found in re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL) if "repos:" in found
    ]
    [repository] = YAML(typ="safe", pure=True).load(config)["repos"]
    for hook in repository["hooks"]:
        [requirement] = hook.pop("additional_dependencies")
        assert requirement.startswith("agent-reconciler==")
        assert hook.items() <= HOOKS[hook["id"]].items()

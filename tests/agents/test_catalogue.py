from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reconciler.agents.catalogue import BUILT_IN, catalogue
from reconciler.agents.launch import SESSION_ID, prompted
from reconciler.model.desired import AgentType

AGENTS = Path(sys.modules["reconciler.agents.catalogue"].__file__ or "").parent
PROFILES = catalogue([])


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_type_is_found_under_its_own_name(name: str) -> None:
    assert PROFILES[name].name == name


@pytest.mark.parametrize("name", BUILT_IN)
def test_whatever_a_type_is_started_with_names_the_conversation_once(name: str) -> None:
    for template in filter(None, (PROFILES[name].launch.new, PROFILES[name].launch.resume)):
        assert sum(SESSION_ID in part for part in template) == 1


def test_every_file_that_holds_a_profile_is_in_the_catalogue() -> None:
    holding = {path.stem for path in AGENTS.glob("*.py") if "\nPROFILE = " in path.read_text("utf-8")}
    assert {name.replace("-", "_") for name in BUILT_IN} == holding


def test_a_declared_type_is_found_beside_the_built_in_ones() -> None:
    profiles = catalogue([AgentType("mine", ("mine",))])
    assert profiles["mine"].launch.command == ("mine",)
    assert profiles.keys() == {*BUILT_IN, "mine"}
    assert len(profiles) == len(BUILT_IN) + 1


def test_a_type_that_nobody_knows_is_not_found() -> None:
    assert PROFILES.get("no-such-agent") is None


# --- what is imported ---------------------------------------------------------------------------

_TELL = """
import json, sys
from reconciler.__main__ import main
try:
    main()
except SystemExit:
    pass
from reconciler.agents.catalogue import installed
loaded = sorted(name for name in sys.modules if name.startswith("reconciler.agents."))
print(json.dumps({"loaded": loaded, "looked": installed.cache_info().currsize}))
"""
MANIFEST = "version: 1\ntmux: {{socket_path: {0}/none}}\nworkspaces: {{w: {{path: w, agents: {{{1}: {{}}}}}}}}\n"


def _planned(project: Path, agent: str, packages: str = "") -> subprocess.CompletedProcess[str]:
    (project / "reconciler.yaml").write_text(MANIFEST.format(project, agent))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join((str(AGENTS.parents[1]), packages))}
    words = [sys.executable, "-c", _TELL, "-C", str(project), "plan"]
    return subprocess.run(words, capture_output=True, text=True, check=False, env=env)


def _told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("agent", ["claude", "codex"])
def test_a_plan_loads_only_the_types_that_the_manifest_uses(tmp_path: Path, agent: str) -> None:
    loaded = {name.removeprefix("reconciler.agents.") for name in _told(_planned(tmp_path, agent))["loaded"]}
    assert loaded & {name.replace("-", "_") for name in BUILT_IN} == {agent}


def test_a_plan_of_built_in_types_looks_through_no_packages(tmp_path: Path) -> None:
    assert _told(_planned(tmp_path, "claude"))["looked"] == 0
    assert _told(_planned(tmp_path, "theirs"))["looked"] == 1


# --- types of installed packages ------------------------------------------------------------------


def _install(folder: Path, code: str) -> str:
    """A package `their-agent` as pip leaves it."""
    (folder / "their_agent.py").write_text(code)
    info = folder / "their_agent-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-agent\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[reconciler.agents]\ntheirs = their_agent:PROFILE\n")
    return str(folder)


def _project(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("project", "packages"):
        (tmp_path / name).mkdir()
    return tmp_path / "project", tmp_path / "packages"


_IMPORTS = "from reconciler.agents.launch import Launch\nfrom reconciler.agents.profile import Profile\n"


def test_a_type_of_an_installed_package_can_be_named_in_a_manifest(tmp_path: Path) -> None:
    project, packages = _project(tmp_path)
    code = f"{_IMPORTS}PROFILE = Profile(name='theirs', launch=Launch(command=('sh',)))\n"
    done = _planned(project, "theirs", _install(packages, code))
    assert "agent.w.theirs will be created" in done.stdout


_MISNAMED = f"{_IMPORTS}PROFILE = Profile(name='other', launch=Launch(command=('sh',)))\n"


@pytest.mark.parametrize("code", ["import no_such_module", "PROFILE = 'theirs'", "", "raise SystemError", _MISNAMED])
def test_a_broken_package_is_named_in_the_error(tmp_path: Path, code: str) -> None:
    project, packages = _project(tmp_path)
    done = _planned(project, "theirs", _install(packages, code))
    assert "agent type theirs of the package their-agent" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_type_that_no_package_knows_is_a_mistake_in_the_manifest(tmp_path: Path) -> None:
    done = _planned(tmp_path, "theirs")
    assert "theirs" in done.stderr
    assert "mistake" in done.stderr


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("claude", ("Begin.",)),
        ("codex", ("Begin.",)),
        ("gemini", ("-i", "Begin.")),  # a bare word may run once and leave
        ("qwen", ("-i", "Begin.")),
        ("cline", ("Begin.",)),
        ("pi", (" Begin.",)),  # an option begins with a dash, and a file with @
        ("copilot", ("-i", "Begin.")),
        ("agy", ("-i", "Begin.")),
        ("kilo", ("--prompt", "Begin.")),
        ("opencode", ("--prompt", "Begin.")),  # a bare word is a folder
    ],
)
def test_a_first_prompt_is_handed_over_as_each_cli_takes_it(agent: str, words: tuple[str, ...]) -> None:
    assert prompted(catalogue([])[agent].launch, "Begin.") == words

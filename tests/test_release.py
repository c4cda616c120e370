"""What a release is made of: the workflows, the templates for issues, and the labs that come with the wheel."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from reconciler.app.project.labs import Lab, lab_program
from reconciler.model.observed import Unknown
from reconciler.observe.visibility import unseen_processes
from reconciler.ports.processes_unsupported import UnsupportedProcesses

ROOT = Path(__file__).parents[1]
GITHUB = ROOT / ".github"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def _load(path: Path) -> dict:
    return YAML(typ="safe", pure=True).load(path)


@pytest.mark.parametrize("name", ["test.yml", "release.yml"])
def test_each_workflow_is_one_that_github_takes(name: str):
    file = GITHUB / "workflows" / name
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(file)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    for job in _load(file)["jobs"].values():
        scripts = [step["run"] for step in job["steps"] if "run" in step]
        assert [script for script in scripts if "${{" in script] == []


def test_the_workflow_tries_each_python_that_the_package_names():
    matrix = _load(GITHUB / "workflows" / "test.yml")["jobs"]["test"]["strategy"]["matrix"]
    named = [found[1] for each in PROJECT["project"]["classifiers"] if (found := re.search(r":: (3\.\d+)$", each))]
    assert matrix["python"] == named


def test_a_report_of_a_fault_asks_for_the_output_of_doctor():
    fields = {each["id"]: each for each in _load(GITHUB / "ISSUE_TEMPLATE" / "bug.yml")["body"]}
    assert fields["doctor"]["attributes"]["label"] == "reconciler doctor --json"
    assert fields["doctor"]["validations"]["required"]


@pytest.mark.parametrize("lab", list(Lab))
def test_each_lab_is_found_and_goes_into_the_wheel(lab: Lab):
    program = Path(lab_program(lab))
    assert os.access(program, os.X_OK)
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert f"manifests/{lab}" in wheel["only-include"]
    assert (program.parent / "../../tests/standin/bin").is_dir()


@pytest.mark.parametrize("missing", ["bash", "git", "tmux"])
def test_the_demo_names_the_program_that_it_needs(missing: str, tmp_path: Path):
    for name in {"bash", "git", "tmux"} - {missing}:
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    words = [sys.executable, "-m", "reconciler", "demo"]
    done = subprocess.run(words, check=False, capture_output=True, text=True, env={"PATH": str(tmp_path)}, cwd=ROOT)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: the demo needs {missing}, which is not in PATH\n  -> install {missing}\n"


def test_each_defence_names_a_test_that_exists():
    page = (ROOT / "SECURITY.md").read_text()
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_[a-z0-9_]+)`", page)
    assert len(named) > 15
    assert [name for name in named if f"def {name}(" not in tests] == []
    assert [path for path in re.findall(r"`(tests/[a-z0-9_/.]+)`", page) if not (ROOT / path).exists()] == []


def test_the_page_about_platforms_names_each_thing_that_the_ports_call_unknown_elsewhere():
    page = (ROOT / "docs" / "platforms.md").read_text()
    assert isinstance(UnsupportedProcesses("no /proc").locks(), Unknown)
    for words in ("holds the lock of a file", "files the tmux server has open", "listens on the broker's port"):
        assert words in page
    assert f"`{unseen_processes(Blind())[0].summary}`" in page


class Blind:
    """A system that shows no process."""

    def unsupported(self) -> str:
        return "no /proc"


def test_the_man_page_has_the_help_texts_of_today():
    script = ROOT / "docs" / "make_man.py"
    spec = importlib.util.spec_from_file_location("make_man", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / "reconciler.1").read_text() == module.man_page(), "make man"


def test_the_site_leads_to_each_page():
    site = tomllib.loads((ROOT / "docs" / "zensical.toml").read_text())["project"]
    listed = [
        page
        for section in site["nav"]
        for each in section.values()
        for page in ([each] if isinstance(each, str) else each)
    ]
    pages = [str(path.relative_to(ROOT)) for path in [*ROOT.glob("docs/*.md"), *ROOT.glob("*.md")]]
    assert sorted({*pages, "tests/README.md", "docs/adr/README.md"}) == sorted(listed)

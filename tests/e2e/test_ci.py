"""The workflow of docs/ci.md, step by step, as a runner does it: with a drift of every class, and with none."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from conftest import mosquittos
from project import CLI, Project
from ruamel.yaml import YAML
from waiting import wait_until

from reconciler import __version__

ROOT = Path(__file__).parents[2]
ACTION = YAML(typ="safe").load(ROOT / "action.yml")
FENCES = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs" / "ci.md").read_text(), re.MULTILINE | re.DOTALL)
WORKFLOW, GITLAB, _PRE_COMMIT = (YAML(typ="safe").load(text) for text in FENCES)
LETTERS = "ABDEFGHJKL"


class Runner:
    """Runs steps in the folder of a project, with the variables and files that GitHub gives them."""

    def __init__(self, project: Project, **variables: str) -> None:
        self.project = project
        self.temp = project.home / "runner"
        self.temp.mkdir()
        self.summary, self.output = self.temp / "summary.md", self.temp / "output"
        self.contexts = {"runner.temp": str(self.temp), **variables}
        self.printed = ""
        program = self.temp / "reconciler" / "bin" / "reconciler"
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\nexec {" ".join(CLI)} "$@"\n')
        program.chmod(0o755)

    @property
    def env(self) -> dict[str, str]:
        path = f"{Path(sys.executable).parent}:{self.project.env['PATH']}"
        github = {
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_WORKSPACE": str(self.project.root),
            "RUNNER_TEMP": str(self.temp),
        }
        return {**self.project.env, **github, "PATH": path, "PYTHONPATH": str(ROOT)}

    def job(self, steps: list[dict[str, Any]]) -> list[int]:
        """The exit code of each step that is ours; those of others are left out."""
        codes: list[int] = []
        for step in steps:
            if step.get("uses") == "./.github/actions/reconciler":
                codes.append(self.action(step.get("with", {})))
                self.contexts |= {f"steps.{step.get('id')}.outputs.{key}": told for key, told in self.told().items()}
            elif "run" in step and (step.get("if") != "failure()" or codes[-1:] != [0]):
                codes.append(self.step(step, self.contexts))
        return codes

    def action(self, given: dict[str, str]) -> int:
        """The last exit code of the action's steps, until one fails."""
        inputs = {name: each["default"] for name, each in ACTION["inputs"].items()}
        assert given.keys() <= inputs.keys()
        words = {key: self.filled(value, self.contexts) for key, value in {**inputs, **given}.items()}
        contexts = {f"inputs.{key}": value for key, value in words.items()}
        codes = (self.step(step, contexts) for step in ACTION["runs"]["steps"])
        return next((code for code in codes if code), 0)

    def step(self, step: dict[str, Any], contexts: dict[str, str]) -> int:
        script = self.temp / "step.sh"
        script.write_text(step["run"])
        env = {key: self.filled(value, contexts) for key, value in step.get("env", {}).items()}
        command = ["sh", "-e", str(script)]
        done = subprocess.run(
            command, check=False, cwd=self.project.root, env={**self.env, **env}, capture_output=True, text=True
        )
        self.printed += done.stdout + done.stderr
        return done.returncode

    def told(self) -> dict[str, str]:
        """The outputs of the action."""
        return dict(line.split("=", 1) for line in self.output.read_text().splitlines()[-2:])

    @staticmethod
    def filled(text: str, contexts: dict[str, str]) -> str:
        return re.sub(r"\$\{\{ ([^}]+) \}\}", lambda found: contexts[found[1]], text)


# --- drift of every class -----------------------------------------------------------------------


def _agents(names: str) -> dict[str, Any]:
    return {name: {"type": "claude", "prompt": "hello"} for name in names}


def _declare(project: Project, port: int, **broker: Any) -> None:
    agents = {**_agents("adefghi"), "c": {"type": "claude"}}
    project.write({"lab": {"path": "lab", "agents": agents}}, broker={"listeners": [{"port": port}], **broker})


@pytest.fixture
def drifted(project: Project, port: int) -> Project:
    """A project in order, in which somebody has then changed something of every class, and an agent was talked to."""
    _declare(project, port)
    project.apply()
    wait_until(lambda: len([said for said in project.transcripts().values() if said]) == 7)
    project.run("refresh")
    panes = project.live()
    _change_sessions(project)
    transcripts = project.home / ".claude" / "projects"
    [gone] = transcripts.glob(f"*/{panes['lab-creator-d'].conversation}.jsonl")
    gone.unlink()
    project.type("lab-creator-c", "hello")
    project.type("lab-creator-h", "/clear")
    _change_by_hand(project, panes["lab-creator-i"].session)
    os.kill(mosquittos(project)[0], signal.SIGKILL)
    _declare(project, port, names=["mqtt.internal"])
    wait_until(lambda: _classes(project) >= set(LETTERS))
    wait_until(lambda: {each["class"] for each in project.json("drift")["learned"]} == set("CI"))
    return project


def _change_sessions(project: Project) -> None:
    """A, B, E, F and G."""
    project.lose("lab-creator-a")
    project.tmux("new-session", "-d", "-s", "lab-creator-codex", "cat")
    project.type("lab-creator-e", "/exit")
    project.tmux("respawn-pane", "-k", "-t", "=lab-creator-f:", "cat")
    project.tmux("rename-session", "-t", "=lab-creator-g", "mine")


def _change_by_hand(project: Project, session: str) -> None:
    """I in the registry, and J in a file of the broker."""
    text = project.registry.read_text()
    at = text.index(f"\n  {session}:\n")
    project.registry.write_text(text[:at] + text[at:].replace("resumable: true", "resumable: false", 1))
    with (project.root / ".hermes" / "broker" / "etc" / "mosquitto" / "acl").open("a") as file:
        file.write("# by hand\n")


def _classes(project: Project) -> set[str]:
    return {each["class"] for each in project.json("drift")["drifts"]}


def test_the_documented_workflow_tells_drift_of_every_class(drifted: Project):
    runner = Runner(drifted, **{"vars.AGENTS_PROJECT": str(drifted.root)})
    assert runner.job(WORKFLOW["jobs"]["drift"]["steps"]) == [2, 0], runner.printed
    assert runner.told() == {"exit-code": "2", "in-sync": "false"}
    assert "The registry and the live world differ" in runner.printed
    for letter in LETTERS:
        assert f"title=drift/{letter}" in runner.printed
        assert f"<summary>{letter}: " in runner.summary.read_text()
    suite = ET.parse(runner.temp / "drift.xml").getroot().find("testsuite[@name='drift']")  # noqa: S314 - our own
    failing = {case.attrib["classname"] for case in suite.findall("testcase[failure]")}
    assert failing == {f"drift.{letter}" for letter in LETTERS}
    [run] = json.loads((runner.temp / "drift.sarif").read_text())["runs"]
    assert {result["ruleId"] for result in run["results"]} == {f"drift/{letter}" for letter in LETTERS}
    uris = {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]}
    assert uris == {"reconciler.yaml", ".hermes/agent-sessions.yaml"}


# --- without drift, and by files alone ----------------------------------------------------------


def test_the_documented_workflow_passes_and_then_tells_what_a_pull_request_changes(project: Project):
    project.declare(claude={})
    project.apply()
    project.reboot()
    runner = Runner(project)
    steps = WORKFLOW["jobs"]["manifests"]["steps"]
    assert runner.job(steps) == [0], runner.printed
    assert runner.told() == {"exit-code": "0", "in-sync": "true"}
    assert runner.summary.read_text().startswith("## In sync")
    project.declare(claude={"args": ["--verbose"]})
    assert runner.job(steps) == [2]
    assert runner.told() == {"exit-code": "2", "in-sync": "false"}
    assert "::notice file=reconciler.yaml,line=" in runner.printed
    assert '+ args = ["--verbose"]' in runner.printed or '~ args = [] -> ["--verbose"]' in runner.printed


def test_an_action_tells_a_manifest_that_is_broken(project: Project):
    (project.root / "reconciler.yaml").write_text("version: 1\nworkspaces: {lab: {pth: x}}\n")
    runner = Runner(project)
    assert runner.action({"junit": "drift.xml"}) == 1
    assert "::error file=reconciler.yaml,line=2,title=diagnostic/error::" in runner.printed
    assert ET.parse(project.root / "drift.xml").getroot().attrib["errors"] == "2"  # noqa: S314 - our own
    assert runner.told() == {"exit-code": "1", "in-sync": "false"}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"command": "plan"}, 2),
        ({"command": "apply"}, 64),
        ({"args": "$(touch hacked) ; touch hacked"}, 64),
        ({"directory": '"; touch hacked; "'}, 64),
        ({"command": "drift; touch hacked"}, 64),
    ],
)
def test_an_input_is_never_code(project: Project, given: dict[str, str], code: int):
    project.declare(claude={})
    runner = Runner(project)
    assert runner.action(given) == code, runner.printed
    assert not (project.root / "hacked").exists()


def test_the_documented_gitlab_job_leaves_its_artifacts(project: Project):
    project.declare(claude={})
    project.apply()
    job = GITLAB["drift"]
    runner = Runner(project)
    script = "\n".join(job["script"]).replace("reconciler ", f"{runner.temp}/reconciler/bin/reconciler ")
    assert runner.step({"run": script}, {}) == 0, runner.printed
    reports = [*job["artifacts"]["paths"], job["artifacts"]["reports"]["junit"]]
    assert [name for name in reports if not (project.root / name).exists()] == []


# --- the files themselves -----------------------------------------------------------------------


def test_no_script_of_the_action_or_the_workflow_holds_an_expression():
    steps = [*ACTION["runs"]["steps"], *(step for job in WORKFLOW["jobs"].values() for step in job["steps"])]
    scripts = [step["run"] for step in steps if "run" in step]
    assert len(scripts) == 3
    assert [script for script in scripts if "${{" in script or not script.startswith("set -eu")] == []


def test_the_documentation_lists_exactly_the_inputs_of_the_action():
    page = (ROOT / "docs" / "ci.md").read_text()
    table = page.partition("| input |")[2].partition("\n\n")[0]
    listed = re.findall(r"`([a-z-]+)`", "".join(row.split("|")[1] for row in table.splitlines()[2:]))
    assert listed == list(ACTION["inputs"])


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ("github-actions", (ROOT / "action.yml").read_text()),
        ("github-workflows", FENCES[0]),
        ("gitlab-ci", FENCES[1]),
    ],
    ids=["action", "workflow", "gitlab"],
)
def test_the_file_is_one_that_the_ci_server_takes(schema: str, text: str, tmp_path: Path):
    (tmp_path / "file.yml").write_text(text)
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = subprocess.run([*command, str(tmp_path / "file.yml")], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_each_place_that_names_a_version_names_this_one():
    page = (ROOT / "docs" / "ci.md").read_text()
    pinned = re.findall(r"agent-reconciler==([0-9.]+)", page) + re.findall(r"\| `version` .*`([0-9.]+)` \|", page)
    assert len(pinned) == 4
    assert {*pinned, ACTION["inputs"]["version"]["default"]} == {__version__}


def test_the_action_installs_the_wanted_version_and_once(tmp_path: Path):
    [install, _] = ACTION["runs"]["steps"]
    fake = tmp_path / "bin" / "python3"
    fake.parent.mkdir()
    fake.write_text(
        '#!/bin/sh\necho "$0 $@" >>"$RUNNER_TEMP/calls"\n'
        'case "$2" in venv) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;; '
        'pip) touch "${0%/*}/reconciler" && chmod 755 "${0%/*}/reconciler" ;; esac\n'
    )
    fake.chmod(0o755)
    env = {"PATH": f"{fake.parent}:/usr/bin:/bin", "RUNNER_TEMP": str(tmp_path), "VERSION": "1.2 ; x"}
    for _ in range(2):
        subprocess.run(["sh", "-e", "-c", install["run"]], check=True, env=env)
    venv, pip = (tmp_path / "calls").read_text().splitlines()
    assert venv == f"{fake} -m venv {tmp_path}/reconciler"
    words = "-m pip install --quiet --disable-pip-version-check agent-reconciler==1.2 ; x"
    assert pip == f"{tmp_path}/reconciler/bin/python {words}"

"""Documents say whose they are, and a plan of one host or folder is applied nowhere else."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from project import CLI, Project, arguments
from waiting import wait_until

from reconciler import __version__
from reconciler.render.document import content_digest

AGENT = "lab-creator-claude"


def first_line(project: Project) -> dict[str, Any]:
    return json.loads(project.attempt("apply", "--auto-approve", "--json").stdout.splitlines()[0])


def from_folder(project: Project, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CLI, *words], check=False, cwd=folder, env=project.env, capture_output=True, text=True)


def test_every_document_says_whose_it_is_and_which_program_made_it(project: Project):
    project.declare(claude={})
    before = project.json("plan")
    assert before["at"]["lineage"] == ""
    first = first_line(project)
    documents = [project.json("plan"), project.json("drift"), project.json("status")]
    for document in (first, *documents):
        assert document["tool_version"] == __version__
        at = document["at"]
        assert (at["host"], at["home"], at["project"]) == (os.uname().nodename, str(project.home), str(project.root))
        assert at["user"]
        assert at["machine"] == before["at"]["machine"]
    assert {each["at"]["lineage"] for each in documents} == {project.recorded()["lineage"]}


@pytest.mark.skipif(not Path("/etc/machine-id").exists(), reason="this machine has no machine id")
def test_the_machine_is_a_digest_and_never_the_id_itself(project: Project):
    project.declare(claude={})
    machine = project.json("plan")["at"]["machine"]
    assert re.fullmatch(r"[0-9a-f]{64}", machine)
    assert Path("/etc/machine-id").read_text().strip() not in machine
    project.apply()
    assert machine.startswith(project.recorded()["origin"]["machine"])


def test_files_are_relative_to_the_project_wherever_the_command_runs(project: Project):
    (project.root / "manifests").mkdir()
    project.declare(claude={})
    (project.root / "reconciler.yaml").rename(project.root / "manifests" / "lab.yaml")
    root = str(project.root)
    folders = (project.root, project.root / "manifests", project.home)
    plans = [json.loads(from_folder(project, each, "-C", root, "plan", "--json").stdout) for each in folders]
    assert plans[0]["resource_changes"][0]["file"] == "manifests/lab.yaml"
    assert plans[1] == plans[0]
    assert plans[2] == plans[0], "the digest does not depend on the current folder, either"
    assert all(each["digest"] == content_digest(each) for each in plans)


def test_a_mistake_is_named_as_the_user_finds_it_and_published_as_the_project_has_it(project: Project):
    (project.root / "reconciler.yaml").write_text("version: 1\nworkspace: {}\n")
    root = str(project.root)
    assert "project/reconciler.yaml:2" in from_folder(project, project.home, "-C", root, "plan").stderr
    for command in ("plan", "drift", "validate"):
        said = json.loads(from_folder(project, project.home, "-C", root, command, "--json").stdout)
        assert said["diagnostics"][0]["file"] == "reconciler.yaml", command
    annotations = from_folder(project, project.home, "-C", root, "plan", "--format", "github").stdout
    assert "file=project/reconciler.yaml" in annotations, "GitHub looks from the folder of the checkout"


# --- one plan, approved by its digest ---------------------------------------------------------


def test_an_apply_that_expects_a_digest_carries_out_that_plan_alone(project: Project):
    project.declare(claude={})
    digest = project.plan()["digest"]
    project.run("apply", "--auto-approve", "--expect", f"sha256:{digest}")
    assert list(project.live()) == [AGENT]
    before = project.live(), project.registry.read_bytes()
    said = project.run("apply", "--auto-approve", "--expect", f"sha256:{digest}", code=5)
    assert "this is not the expected plan" in said
    assert f"expected: sha256:{digest}" in said
    assert (project.live(), project.registry.read_bytes()) == before


def test_an_expected_plan_is_made_under_the_lock(project: Project):
    """Another apply that ends while this one waits makes the digest a stale one."""
    project.declare(claude={})
    digest = project.plan()["digest"]
    with project.start("apply", "--auto-approve") as other:
        wait_until(project.live)  # so it holds the lock, or has ended
        project.run("apply", "--auto-approve", "--expect", digest, "--lock-timeout", "60s", code=5)
    assert other.returncode == 0
    assert list(project.live()) == [AGENT]


def test_the_expected_digest_of_a_plan_to_destroy_destroys(project: Project):
    project.declare(claude={})
    project.apply()
    digest = project.json("plan", "--destroy")["digest"]
    assert project.json("plan")["digest"] != digest
    project.run("destroy", "--auto-approve", "--expect", project.json("plan")["digest"], code=5)
    assert list(project.live()) == [AGENT]
    project.run("destroy", "--auto-approve", "--expect", digest)
    assert project.live() == {}


@pytest.mark.parametrize("digest", ["sha256:12", "abc", "sha256:" + "g" * 64])
def test_what_is_no_digest_is_a_mistake_in_the_command_line(project: Project, digest: str):
    project.declare(claude={})
    assert "is not a digest" in project.run("apply", "--auto-approve", "--expect", digest, code=64)
    assert project.live() == {}


def test_a_saved_plan_takes_no_expected_digest(project: Project):
    project.declare(claude={})
    project.run("plan", "--out", "saved.plan")
    project.run("apply", "saved.plan", "--expect", "0" * 64, code=64)


@pytest.mark.parametrize("code", [0, 5])
def test_the_json_lines_of_an_expected_apply_end_with_what_was_done(project: Project, code: int):
    project.declare(claude={})
    digest = project.plan()["digest"] if code == 0 else "0" * 64
    done = project.attempt("apply", "--auto-approve", "--json", "--expect", digest)
    last = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, last["type"], last["exit_code"]) == (code, "summary", code)
    assert last["changed"] is (code == 0)
    again = project.attempt("apply", "--auto-approve", "--json") if code == 0 else done
    assert json.loads(again.stdout.splitlines()[-1])["changed"] is False


# --- plans and registries of others -----------------------------------------------------------


def test_a_first_plan_of_one_folder_is_stale_in_another(project: Project):
    """Neither has a registry, and their manifests are the same."""
    project.declare(claude={})
    other = replace(project, root=project.home / "other")
    shutil.copytree(project.root, other.root)
    project.run("plan", "--out", "saved.plan")
    shutil.copy(project.root / "saved.plan", other.root)
    said = other.run("apply", "saved.plan", code=5)
    assert "Error: the plan is for another project folder" in said
    assert str(project.root) in said
    assert project.live() == {}


@pytest.mark.parametrize("key", ["machine", "host"])
def test_a_first_plan_of_another_machine_is_stale_here(project: Project, key: str):
    project.declare(claude={})
    project.run("plan", "--out", "saved.plan")
    path = project.root / "saved.plan"
    document = json.loads(path.read_text())
    document["at"][key] = "elsewhere"
    document["digest"] = content_digest(document)
    path.write_text(json.dumps(document))
    assert "Error: the plan is for another machine" in project.run("apply", "saved.plan", code=5)
    assert project.live() == {}


def _as_of_another_machine(project: Project) -> None:
    recorded = project.recorded()["origin"]
    assert recorded["machine"], "this machine has no machine id"
    text = project.registry.read_text().replace(recorded["machine"], "0" * 32)
    project.registry.write_text(text.replace(f"host: {recorded['host']}", "host: elsewhere"))


@pytest.mark.skipif(not Path("/etc/machine-id").exists(), reason="this machine has no machine id")
def test_a_registry_of_another_machine_is_refused_until_it_is_adopted_here(project: Project):
    project.declare(claude={}, other={"type": "shell"})
    project.apply()
    lineage, conversation = project.recorded()["lineage"], project.identities("lab")["claude"]["session_id"]
    project.lose("lab-creator-other")
    _as_of_another_machine(project)
    for words in (("plan",), ("status",), ("drift",), ("apply", "--auto-approve"), ("stop", AGENT)):
        said = project.run(*words, code=7)
        assert "this registry was copied from another machine" in said, words
        assert "reconciler adopt-registry --here" in said, words
    project.run("adopt-registry", code=64)
    said = project.run("adopt-registry", "--here", "--auto-approve")
    assert "lab-creator-other counts as stopped." in said
    assert f"{AGENT} counts" not in said
    assert project.recorded()["lineage"] != lineage
    assert project.row("lab-creator-other")["status"] == "stopped"
    assert project.row(AGENT)["status"] == "running"
    assert project.live()[AGENT].lineage == project.recorded()["lineage"], "it is still ours"
    assert project.identities("lab")["claude"]["session_id"] == conversation
    before = project.live()[AGENT].pid
    assert set(project.actions()) == {"agent.lab.other"}, "the next apply starts it here"
    project.apply()
    assert project.live()[AGENT].pid == before
    assert project.actions() == {}


def test_a_copy_on_the_same_machine_is_not_adopted(project: Project):
    project.declare(claude={})
    project.apply()
    copy = replace(project, root=project.home / "copy")
    shutil.copytree(project.root, copy.root, symlinks=True)
    before = copy.registry.read_bytes()
    assert "this project folder is a copy" in copy.run("adopt-registry", "--here", "--auto-approve", code=7)
    assert copy.registry.read_bytes() == before


# --- a program that is not found --------------------------------------------------------------


def test_a_live_agent_is_not_replaced_by_a_program_that_its_path_lacks_unless_forced(project: Project):
    project.declare(claude={})
    project.apply()
    before = project.live()[AGENT].pid
    project.declare(claude={"args": ["--verbose"], "env": {"PATH": "/nonexistent"}})
    said = project.run("apply", "--auto-approve", code=7)
    assert "claude is not on the agent's PATH" in said
    assert "--force" in said
    assert project.live()[AGENT].pid == before
    assert "--verbose" not in arguments(before)
    assert project.actions("--force") == {"agent.lab.claude": "delete/create"}

"""fleet push: manifests reach the hosts whole, checked, and without touching what is theirs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from machines import Rig
from typed import SESSION, around, chosen, document, outcomes, said

MANIFEST = 'version: 1\nworkspaces: {w: {path: "${PLACE:-w}", agents: {s: {type: shell}}}}\n'
MORE = "version: 1\nworkspaces: {more: {path: more, agents: {t: {type: shell}}}}\n"
TWO = chosen("one", "two")


def own(rig: Rig, **files: str) -> None:
    """Write the project of the controller."""
    rig.controller.write("lab/reconciler.yaml", files.pop("manifest", MANIFEST))
    for name, text in files.items():
        rig.controller.write(f"lab/{name.replace('__', '/')}.yaml", text)


def push(rig: Rig, *words: str, code: int = 0, hosts: tuple[str, ...] = TWO):
    return document(rig.type("fleet", "push", "lab", *hosts, *words, "--json"), code, "fleet-work")


def files(lab: Path) -> list[str]:
    return sorted(str(each.relative_to(lab)) for each in lab.rglob("*") if each.is_file())


def test_a_push_keeps_registries_jobs_and_the_work_of_agents(rig: Rig):
    own(rig, manifests__more=MORE)
    one = rig.hosts["one"]
    for path in (".hermes/x", ".mam/x", "delegate_job_logs/x", ".git/x", "saved.plan", "w/work"):
        rig.controller.write(f"lab/{path}", "of the controller")
    told = push(rig)
    assert outcomes(told) == {"one": "ok", "two": "ok"}
    assert {tuple(each["written"]) for each in told["hosts"]} == {("manifests/more.yaml", "reconciler.yaml")}
    assert files(one.home / "lab") == ["manifests/more.yaml", "reconciler.yaml"]
    assert rig.type("fleet", "apply", *TWO, "--auto-approve").returncode == 0
    registry = (one.home / "lab/.hermes/agent-sessions.yaml").read_bytes()
    for path in (
        ".mam/jobs/j",
        "delegate_job_logs/j/log",
        ".git/HEAD",
        "saved.plan",
        "w/work",
        "more/work",
        "stray.md",
    ):
        one.write(f"lab/{path}", "of the host")
    kept = one.home / "lab"
    folder = kept.stat().st_ino
    rig.controller.write("lab/manifests/more.yaml", MORE + "# later\n")
    assert [each["written"] for each in push(rig)["hosts"]] == [["manifests/more.yaml"]] * 2
    assert (kept / "stray.md").exists(), "nothing is deleted without --delete"
    (rig.controller.home / "lab/manifests/more.yaml").unlink()
    gone = push(rig, "--delete")
    assert {each["host"]: each["deleted"] for each in gone["hosts"]} == {
        "one": ["manifests/more.yaml", "stray.md"],
        "two": ["manifests/more.yaml"],
    }
    assert (kept / ".hermes/agent-sessions.yaml").read_bytes() == registry
    for path in (".mam/jobs/j", "delegate_job_logs/j/log", ".git/HEAD", "saved.plan", "w/work"):
        assert (kept / path).read_text() == "of the host", path
    assert (kept / "more/work").exists(), "the registry knows it as the folder of agents"
    assert kept.stat().st_ino == folder, "agents may work in it"
    assert SESSION in one.sessions()
    assert push(rig, "--delete")["hosts"][0]["changed"] is False
    assert [each.name for each in one.home.iterdir() if ".push-" in each.name] == [], "nothing stays beside it"


def test_manifests_with_a_mistake_replace_nothing_here_and_on_the_host(rig: Rig):
    own(rig)
    push(rig)
    own(rig, manifest=MANIFEST.replace("shell", "shel"))
    done = rig.type("fleet", "push", "lab", *TWO)
    assert done.returncode == 1
    assert "reconciler.yaml:2" in done.stderr
    # right here, and wrong together with what the host alone has
    own(rig, manifests__more=MORE)
    rig.hosts["two"].write("lab/manifests/two.yaml", MORE.replace("more:", "'no such name!':"))
    told = push(rig, code=3)
    assert outcomes(told) == {"one": "ok", "two": "failed"}
    assert "manifests/two.yaml:2" in said(told)["two"]
    assert files(rig.hosts["two"].home / "lab") == ["manifests/two.yaml", "reconciler.yaml"]


def test_each_host_gets_its_own_values_and_none_is_a_secret(rig: Rig):
    pytest.importorskip("ansible")
    own(rig, manifest=MANIFEST.replace(":-w", ""))
    listed = {name: {"reconciler_vars": {"PLACE": f"at {name}: \"x\" 'y' ${{HOME}}"}} for name in ("one", "two")}
    inventory = {"all": {"vars": {"reconciler_project": "~/lab"}, "hosts": listed}}
    rig.controller.write("lab/fleet.yml", json.dumps(inventory))
    done = rig.type("-C", "lab", "fleet", "push")
    assert done.stdout.splitlines() == ["one: 2 files written", "two: 2 files written"], done.stderr
    text = (rig.hosts["two"].home / "lab/reconciler.env.yaml").read_text()
    assert text.splitlines()[1:] == ['PLACE: "at two: \\"x\\" \'y\' ${HOME}"']
    planned = document(rig.type("-C", "lab", "fleet", "plan", "--json"), 0)
    paths = [each["document"]["resource_changes"][0]["changes"][0]["after"] for each in planned["hosts"]]
    assert paths == [f"/home/agents/lab/at {name}: \"x\" 'y' ${{HOME}}" for name in ("one", "two")]
    listed["two"]["reconciler_vars"] = {"REVIEW_TOKEN": "s3cr3t-sentinel"}
    rig.controller.write("lab/fleet.yml", json.dumps(inventory))
    done = rig.type("-C", "lab", "fleet", "push")
    assert done.returncode == 7
    assert "reconciler_vars of two: REVIEW_TOKEN is named like a secret" in done.stderr
    assert "s3cr3t" not in done.stdout + done.stderr
    listed["two"]["reconciler_vars"] = {"PLACE": 7}
    rig.controller.write("lab/fleet.yml", json.dumps(inventory))
    done = rig.type("-C", "lab", "fleet", "push")
    assert (done.returncode, "PLACE is not a string" in done.stderr) == (64, True)


def test_a_host_that_is_away_or_has_no_program_is_named_and_the_others_are_done(rig: Rig):
    own(rig)
    rig.link("two", "down")
    (rig.hosts["three"].home / ".local/bin/reconciler").unlink()
    told = push(rig, code=3, hosts=chosen("one", "two", "three"))
    assert outcomes(told) == {"one": "ok", "two": "unreachable", "three": "failed"}
    assert said(told)["three"] == "there is no reconciler on the host"
    assert files(rig.hosts["one"].home / "lab") == ["reconciler.yaml"]
    assert not list(rig.hosts["three"].home.glob(".lab.push-*"))


def test_a_push_waits_for_no_lock_and_says_who_holds_it(rig: Rig):
    own(rig)
    push(rig)
    around(rig.hosts["two"], 'case " $* " in *" receive "*) echo "Error: held" >&2; exit 6;; esac')
    assert outcomes(push(rig, code=6)) == {"one": "ok", "two": "locked"}


def test_manifests_come_from_git_where_the_inventory_says_so(rig: Rig):
    pytest.importorskip("ansible")
    one = rig.hosts["one"]
    make = f"""cd ~ && git init -q -b main repo && cd repo && git config user.email a@b && git config user.name a
printf '%s' '{MANIFEST}' > reconciler.yaml && mkdir manifests && printf '%s' '{MORE}' > manifests/more.yaml
git add -A && git commit -qm one && git rm -q manifests/more.yaml && git commit -qm two"""
    done = one.run("sh", "-c", make)
    assert done.returncode == 0, done.stderr
    ref = one.run("git", "-C", "repo", "rev-parse", "HEAD~1").stdout.strip()
    host = {"reconciler_git": {"url": "/home/agents/repo", "ref": ref}, "reconciler_vars": {"PLACE": "there"}}
    inventory = {"all": {"vars": {"reconciler_project": "~/lab"}, "hosts": {"one": host}}}
    rig.controller.write("fleet.yml", json.dumps(inventory))
    told = push(rig, hosts=("-i", "fleet.yml"))
    assert [each["written"] for each in told["hosts"]] == [
        ["manifests/more.yaml", "reconciler.env.yaml", "reconciler.yaml"]
    ]
    host["reconciler_git"]["ref"] = "main"
    rig.controller.write("fleet.yml", json.dumps(inventory))
    assert push(rig, "--delete", hosts=("-i", "fleet.yml"))["hosts"][0]["deleted"] == ["manifests/more.yaml"]
    host["reconciler_git"]["ref"] = "no-such-branch"
    rig.controller.write("fleet.yml", json.dumps(inventory))
    assert "no-such-branch" in said(push(rig, hosts=("-i", "fleet.yml"), code=1))["one"]
    assert files(one.home / "lab") == ["reconciler.env.yaml", "reconciler.yaml"]

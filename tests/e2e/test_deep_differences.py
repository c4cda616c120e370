"""Where something differs inside of a list, a manifest or a file of a broker, that is told, and nothing around it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
from project import SCHEMAS, Project

ONE = "lab-creator-one"
ADDRESS = "agent.lab.one"
WORDS = [f"--word-{number}" for number in range(300)]


def valid(name: str, document: object) -> None:
    jsonschema.validate(document, json.loads((SCHEMAS / f"{name}.schema.json").read_text()))


def agent(*args: str, **more: object) -> dict[str, object]:
    """A shell that reads one line, and so ends at once when it is told to quit."""
    return {"type": "shell", "args": list(args), **more}


def test_a_plan_and_its_explanation_name_the_item_that_differs(project: Project):
    project.declare(one=agent("-c", "read one", *WORDS))
    project.apply()
    project.declare(one=agent("-c", "read two", *WORDS, "--new"))
    plan = project.plan()
    valid("plan", plan)
    (change,) = (each for resource in plan["resource_changes"] for each in resource["changes"])
    assert (change["path"], change["op"], len(change["before"]), len(change["after"])) == ("args", "replace", 302, 303)
    told = [(item["path"], item["op"], item["before"], item["after"]) for item in change["items"]]
    assert told == [("args[1]", "replace", "read one", "read two"), ("args[302]", "add", None, "--new")]

    lines = ['~ args[1]   = "read one" -> "read two"', '+ args[302] = "--new"']
    for said in (project.run("plan"), project.run("plan", "--full"), project.run("drift", "--intent", code=2)):
        assert [line.strip() for line in said.splitlines() if " args" in line] == lines
        assert "--word-7" not in said
    explained = project.run("explain", ONE)
    assert [line.strip() for line in explained.splitlines() if " args[" in line] == lines
    document = project.json("explain", ONE, code=0)
    valid("explanation", document)
    assert document["change"]["changes"] == [change]


def test_a_plan_that_was_saved_before_items_were_published_is_applied(project: Project):
    project.declare(one=agent("-c", "read one"))
    project.apply()
    project.declare(one=agent("-c", "read two"))
    project.run("plan", "--out", "saved")
    saved = project.root / "saved"
    plan = json.loads(saved.read_text())
    for resource in plan["resource_changes"]:
        for change in resource["changes"]:
            change.pop("items", None)
    saved.write_text(json.dumps({**plan, "digest": _digest(plan)}))
    assert "read two" in project.run("show", "saved")
    assert "Apply complete!" in project.run("apply", "saved")


def _digest(plan: dict[str, object]) -> str:
    from reconciler.render.document import content_digest

    return content_digest(plan)


def test_only_a_plan_that_shows_items_loads_what_compares_them(project: Project):
    project.declare(one=agent("-c", "read one", env={"MODE": "a"}))
    project.apply()
    assert "deepdiff" not in _loaded(project, "plan")
    assert "deepdiff" not in _loaded(project, "status")
    project.declare(one=agent("-c", "read one", env={"MODE": "b"}))
    assert "deepdiff" not in _loaded(project, "plan")
    project.declare(one=agent("-c", "read two"))
    assert "deepdiff" in _loaded(project, "plan")


def _loaded(project: Project, command: str) -> set[str]:
    code = f"import sys; from reconciler.cli.run import run; run([{command!r}]); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project.root, env=project.env, capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_generations_are_compared_by_what_was_declared(project: Project):
    token = {"API_TOKEN": "sesame-one"}
    project.declare(one=agent("-c", "read one", env=token), two=agent(state="stopped"))
    project.apply()
    project.declare(one=agent("-l", "-c", "read two", env={"API_TOKEN": "sesame-two"}), three=agent(state="stopped"))
    project.apply("--max-destroy", "1")
    manifest = project.root / "reconciler.yaml"
    manifest.write_text(f"# for people\n{json.dumps(json.loads(manifest.read_text()), indent=4)}\n")
    project.apply()

    document = project.json("history", "diff", "1", "2", code=0)
    valid("generation-diff", document)
    told = {block["address"]: block for block in document["blocks"]}
    assert {address: block["change"] for address, block in told.items()} == {
        ADDRESS: "update",
        "agent.lab.three": "create",
        "agent.lab.two": "delete",
    }
    changes = [(each["path"], each["op"], each["sensitive"]) for each in told[ADDRESS]["changes"]]
    assert changes == [("args[0]", "add", False), ("args[2]", "replace", False), ("env.API_TOKEN", "replace", True)]
    said = project.run("history", "diff", "1", "2")
    for line in (
        f"+ {ADDRESS} args[0]: -l",
        f'~ {ADDRESS} args[2]: "read one" -> "read two"',
        f"~ {ADDRESS} env.API_TOKEN: (sensitive value)",
        "+ agent.lab.three in reconciler.yaml",
        "- agent.lab.two, which was in reconciler.yaml",
    ):
        assert f"  {line}\n" in said
    assert "sesame" not in said + json.dumps(document) + project.run("history", "diff", "1", "2", "--text")

    assert "# reconciler.yaml: same meaning, other layout" in project.run("history", "diff", "2", "3")
    layout = project.json("history", "diff", "2", "3", code=0)
    assert (layout["blocks"], layout["manifests"][0]["same_meaning"]) == ([], True)
    lines = project.run("history", "diff", "2", "3", "--text").splitlines()
    assert "+# for people" in lines


def test_a_block_that_moved_to_another_file_is_compared_with_itself(project: Project):
    folder = project.root / "manifests"
    folder.mkdir()
    head = {"version": 1, "tmux": {"socket_path": str(project.socket)}}
    home, agents = {"path": "lab"}, {"one": agent("-c", "read one")}
    _write(folder / "a.yaml", {**head, "workspaces": {"lab": {**home, "agents": agents}}})
    project.apply()
    _write(folder / "a.yaml", head)
    agents["one"] = agent("-c", "read two")
    _write(folder / "b.yaml", {"version": 1, "workspaces": {"lab": {**home, "agents": agents}}})
    project.apply()
    said = project.run("history", "diff", "1", "2")
    assert f"~ {ADDRESS} moved from manifests/a.yaml to manifests/b.yaml" in said
    assert f'~ {ADDRESS} args[1]: "read one" -> "read two"' in said
    assert "~ workspace.lab moved from manifests/a.yaml to manifests/b.yaml" in said
    assert "# + manifests/b.yaml" in said


def _write(path: Path, document: object) -> None:
    path.write_text(json.dumps(document))


def test_what_was_edited_in_a_file_of_the_broker_is_told(project: Project, port: int):
    project.write({}, broker={"listeners": [{"port": port}]})
    project.apply()
    live = project.root / ".hermes/broker/etc/mosquitto"
    acl, conf = live / "acl", live / "mosquitto.conf"
    entries = (live / "passwd").read_text()
    written = {path: path.read_text() for path in (acl, conf)}
    acl.write_text(f"{written[acl]}\nuser hermes\ntopic write lab/#\n")
    conf.write_text(f"# by hand\n{written[conf]}".replace(f"listener {port}", "listener 1883"))

    document = json.loads(project.attempt("drift", "--json").stdout)
    valid("drift", document)
    drifts = {each["path"]: each for each in document["drifts"] if each["class"] == "J"}
    told = {
        path: [(each["path"], each["op"], each["before"], each["after"]) for each in drift["changes"]]
        for path, drift in drifts.items()
    }
    assert told == {
        "etc/mosquitto/acl": [("acl.hermes", "add", None, "write lab/#")],
        "etc/mosquitto/mosquitto.conf": [("listener", "replace", str(port), "1883")],
    }
    rights = "etc/mosquitto/acl was changed by hand: user hermes: topic write lab/# added."
    ports = f"etc/mosquitto/mosquitto.conf was changed by hand: listener {port} -> 1883."
    for words, code in ((("drift",), 2), (("explain", "broker.main"), 0), (("drift", "--offline"), 2)):
        said = project.run(*words, code=code)
        assert f"J  broker.main: {rights}" in said
        assert f"J  broker.main: {ports}" in said
    status = project.json("broker", "status")
    valid("broker-status", status)
    assert {edit["path"]: edit["words"] for edit in status["hand_edits"]}["etc/mosquitto/acl"] == (
        "user hermes: topic write lab/# added"
    )
    assert "Changed by hand: etc/mosquitto/acl: user hermes: topic write lab/# added" in project.run("broker", "status")
    everything = project.run("drift", "--json", code=2) + json.dumps(status)
    assert [line for line in entries.splitlines() if line.partition(":")[2] in everything] == []

    conf.write_text(f"# by hand\n{written[conf]}")
    acl.write_text(written[acl])
    said = project.run("drift", code=2)
    assert "etc/mosquitto/mosquitto.conf was changed by hand: same meaning, other layout." in said
    (drift,) = project.json("drift")["drifts"]
    assert drift["changes"] == []
    project.apply()
    assert conf.read_text() == written[conf]
    assert "No drift" in project.run("drift")

"""What agents used, from what their CLIs stored; and budgets, which the monitor watches and which hold prompts back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from project import Project
from waiting import wait_until

from reconciler.state.schemas import load_schema

CLIS = ["claude", "codex", "gemini", "opencode", "kilo", "qwen", "copilot", "pi", "cline"]
ONE = {"input": 1200, "cache_read": 300, "cache_write": 0, "output": 45, "total": 1545}
EVIL = "x\x1b]0;PWNED\x07\x1b[2J\u202e\r::error::y"


def used(project: Project, *words: str) -> dict[str, Any]:
    document = project.json("usage", *words, code=0)
    Draft7Validator(load_schema("usage")).validate(document)
    return document


def answered(project: Project, count: int = 1) -> dict[str, Any]:
    wait_until(lambda: used(project)["total"]["answers"] == count)
    return used(project)


def test_what_every_cli_stored_is_added_up_for_its_agent(project: Project):
    project.declare(**{cli: {"prompt": "first"} for cli in CLIS})
    project.apply()
    document = answered(project, len(CLIS))
    assert {each["agent"] for each in document["groups"]} == {f"agent.lab.{cli}" for cli in CLIS}
    assert [each["tokens"] for each in document["groups"]] == [ONE] * len(CLIS)
    assert (document["total"]["cost"], document["prices"], document["other_tokens"]) == (None, None, 0)
    assert [each["workspace"] for each in document["groups"]] == ["lab"] * len(CLIS)

    project.type("lab-creator-claude", "second")
    answered(project, len(CLIS) + 1)
    by_type = {each["type"]: each["tokens"]["total"] for each in used(project, "--by", "type")["groups"]}
    assert by_type == dict.fromkeys(CLIS, 1545) | {"claude": 3090}

    priced = used(project, "--cost", "--by", "model", "--by", "type")
    assert {each["type"]: each["cost"]["usd"] for each in priced["groups"] if each["cost"]["usd"]} == {
        "kilo": 0.25,
        "opencode": 0.25,
        "pi": 0.004365,
    }
    assert priced["prices"]["unpriced_models"] == ["stand-in"]
    text = project.run("usage", "--cost")
    assert re.search(r"^agent\.lab\.opencode +1,200 +0 +300 +45 +1,545 +0\.25$", text, re.MULTILINE)
    assert re.search(r"^agent\.lab\.claude +2,400 +0 +600 +90 +3,090 +-$", text, re.MULTILINE)
    assert re.search(r"^total +12,000 +0 +3,000 +450 +15,450 +0\.5\d*\+$", text, re.MULTILINE)
    assert "No price is known of: stand-in" in text

    assert used(project, "--since", "2020-01-01", "--until", "2020-12-31")["groups"] == []
    assert "No answers are stored for this period." in project.run("usage", "--until", "1d")
    assert "did you mean `agent`?" in project.run("usage", "--by", "agnet", code=64)
    index = project.home / ".cache" / "reconciler" / "usage" / "tokens.msgpack"
    assert index.stat().st_mode & 0o777 == 0o600
    index.write_bytes(index.read_bytes()[:-9])
    assert used(project)["total"]["answers"] == len(CLIS) + 1


def passed(project: Project) -> dict[str, Any]:
    """What one pass of the monitor reports."""
    return json.loads(project.attempt("monitor", "--once", "--emit-diff").stdout)


def transcript(project: Project) -> Path:
    (file,) = (project.home / ".claude" / "projects").glob("*/*.jsonl")
    return file


def line(number: int, **changed: Any) -> str:
    usage = {"input_tokens": 100, "output_tokens": 10, **changed.pop("usage", {})}
    message = {"id": f"made-{number}", "model": "m", "usage": usage, **changed}
    return json.dumps({"type": "assistant", "timestamp": "2026-11-01T12:00:00Z", "message": message}) + "\n"


def test_conversations_of_before_and_of_others_and_hostile_texts(project: Project):
    project.declare(claude={"prompt": "first"})
    project.apply()
    answered(project)
    with transcript(project).open("a") as file:
        file.write(line(1, model=EVIL) + line(2, usage={"input_tokens": -5}) + line(1, model=EVIL)[:40])
    foreign = transcript(project).with_name("00000000-0000-4000-8000-000000000000.jsonl")
    foreign.write_text(line(3) + line(1, usage={"output_tokens": 11}))
    project.type("lab-creator-claude", "/clear")
    project.type("lab-creator-claude", "second")
    project.run("refresh")
    wait_until(lambda: used(project, "--since", "all")["total"]["answers"] == 2)
    document = used(project, "--since", "all", "--by", "model", "--by", "day")
    assert document["other_tokens"] == 110 + 111
    assert "1 line cannot be understood and is left out" in document["notes"][0]
    text = project.run("usage", "--since", "all", "--by", "model")
    assert "221 more tokens are in conversations that belong to none of these agents." in text

    foreign.unlink()
    text = project.attempt("usage", "--since", "all", "--by", "model").stdout
    assert r"x\x1b]0;PWNED" in text
    assert not {"\x1b", "\x07", "\r", "\u202e"} & set(text)


@pytest.mark.parametrize("where", ["agent", "workspace", "project"])
def test_a_budget_that_is_used_up_holds_prompts_and_is_told_once(project: Project, where: str):
    budget = {"tokens_per_day": 1545, "on_exceed": "hold"}
    project.declare(claude={"prompt": "first"})
    project.apply()
    answered(project)
    written = {"path": "lab", "agents": {"claude": {"prompt": "first"}}}
    if where == "agent":
        written["agents"] = {"claude": {"prompt": "first", "budget": budget}}
    settings = {"budget": budget} if where == "project" else {}
    project.write({"lab": {**written, **({"budget": budget} if where == "workspace" else {})}}, **settings)
    assert "No changes." in project.run("plan", "--detailed-exitcode", code=0)

    refused = project.run("send", "claude", "more", code=7)
    called = {"agent": "agent.lab.claude", "workspace": "workspace.lab", "project": "the project"}[where]
    assert f"the budget of {called} for today is used up (1,545 tokens)" in refused
    assert "--over-budget" in refused
    assert "is used up" in project.run("job", "submit", "--agent", "claude", "--prompt", "more", "--detach", code=7)
    assert "reconciler.yaml" in refused

    project.run("refresh")
    told = passed(project)
    assert [(each["class"], each["address"]) for each in told["drifts"]] == [
        ("M", called if where != "project" else None)
    ]
    assert told["in_sync"]
    assert passed(project)["drifts"] == []
    project.run("drift", code=0)

    project.run("send", "claude", "more", "--over-budget", code=0)
    answered(project, 2)
    assert passed(project)["drifts"] == []


def test_a_budget_that_only_tells_holds_nothing_back(project: Project):
    project.declare(claude={"prompt": "first", "budget": {"tokens_per_day": 1, "usd_per_day": 0.01}})
    project.apply()
    answered(project)
    project.run("send", "claude", "more", code=0)
    text = project.run("explain", "claude")
    assert "1 tokens_per_day, 0.01 usd_per_day, notify" in text


def test_all_projects_are_added_up_and_one_that_is_gone_is_a_note(project: Project):
    project.declare(claude={"prompt": "first"})
    project.apply()
    other = Project(project.home / "other", project.home, project.socket)
    other.root.mkdir()
    other.write({"attic": {"path": "attic", "agents": {"claude": {"prompt": "first"}}}})
    other.apply()
    wait_until(lambda: used(project, "--all")["total"]["answers"] == 2)

    document = used(project, "--all")
    owners = {(each["project"], each["agent"]) for each in document["groups"]}
    assert owners == {(str(project.root), "agent.lab.claude"), (str(other.root), "agent.attic.claude")}
    text = project.run("usage", "--all", "--by", "workspace")
    assert re.search(rf"^{other.root} +attic +1,200 ", text, re.MULTILINE)

    other.root.rename(project.home / "away")
    text = project.run("usage", "--all", code=1)
    assert f"Note: {other.root} is left out: its folder is not there" in text
    assert re.search(r"^total +1,200 ", text, re.MULTILINE)
    assert "--all" in project.run("usage", "--all", "-C", ".", code=64)
    (project.home / "away").rename(other.root)

"""Files that others damaged, or never meant for us: one kind of error a reader, never another exception."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from reconciler.agents import jsonl
from reconciler.app.plan.saved_plans import request_of, saved_plan
from reconciler.model.errors import ReconcilerError
from reconciler.model.generation import Author, Confirmation, Generation, ManifestFile
from reconciler.model.hook_note import parsed_note
from reconciler.model.plan import Mode, Plan
from reconciler.model.read_json import read_json
from reconciler.model.shaped import shaped
from reconciler.render.document import content_digest, plan_document
from reconciler.render.text import plan_text
from reconciler.state import history
from reconciler.state.generations import _understood
from reconciler.state.parse import parsed
from reconciler.text import json as json_text

DEEP = "[" * 100_000
DEEP_BUT_READ = "[" * 500 + "]" * 500  # what the parser takes, and a function that calls itself does not
SEED, ROUNDS = 20261129, 150
NASTY: list[Any] = [None, 0, -1, 1.5, True, "", [], {}, [{}], "x", "\0", "\ud800", 10**30, {"a": {}}, "2020"]
OPTIONS = {"mode": "normal", "manifests": [], "targets": [], "exclude": [], "replace": [], "force": False}
PLAN: dict[str, Any] = json.loads(json.dumps(plan_document(Plan(Mode.NORMAL, "", 0, ""), OPTIONS)))
CHANGE = {
    "address": "agent.lab.claude",
    "kind": "agent",
    "session": "lab-creator-claude",
    "actions": ["create"],
    "reason": "declared",
    "note": "",
    "changes": [
        {"path": "cwd", "op": "add", "before": None, "after": "/lab", "sensitive": False},
        {"path": "type", "op": "add", "before": None, "after": "claude", "sensitive": False},
    ],
    "steps": [{"do": "start_session", "target": "lab-creator-claude"}],
    "conversation": {"mode": "new", "id": None},
    "file": "reconciler.yaml",
    "line": 1,
    "after": [],
}


def _sealed(plan: Any) -> Any:
    """The plan as if it had been made like that: with the digest of what it says."""
    return {**plan, "digest": content_digest(plan)} if isinstance(plan, dict) and "digest" in plan else plan


FULL = _sealed({**PLAN, "resource_changes": [CHANGE], "summary": {**PLAN["summary"], "add": 1}})


@pytest.mark.parametrize("text", [DEEP, DEEP_BUT_READ, '{"a":' * 5000, "NaN", "1e999", "-Infinity", "", "{"])
def test_what_is_not_json_that_can_be_walked_through_is_one_kind_of_error(text: str) -> None:
    for each in (text, text.encode()):
        with pytest.raises(ValueError, match=r"."):
            read_json(each)
    assert jsonl.parsed(text.encode()) == {}
    assert list(jsonl.objects(text.encode() + b'\n{"a": 1}')) == [{"a": 1}]
    assert parsed_note(text.encode()) is None
    with pytest.raises(ValueError, match=r"."):
        json_text.check(text)
    if text:
        with pytest.raises(ValueError, match=r"."):
            jsonl.document(text.encode())


def test_ordinary_json_is_read() -> None:
    document = {"a": [1, 2.5, {"b": None}] * 60, "c": "[{" * 200}
    assert read_json(json.dumps(document)) == document


@pytest.mark.parametrize("line", [DEEP, DEEP_BUT_READ, "[]", '{"at": []}', "null"])
def test_a_hostile_line_of_the_history_hides_no_other(tmp_path: Path, line: str) -> None:
    path = tmp_path / "history.jsonl"
    entry = history.HistoryEntry("2026-01-01T00:00:00Z", "agent.a.b", "s", "create")
    history.append(str(path), [entry])
    with path.open("a") as file:
        file.write(line + "\n" + json.dumps({"at": 1, "address": "agent.a.b", "session": "s", "what": []}) + "\n")
    history.append(str(path), [entry])
    assert list(history.read(str(path), "agent.a.b")) == [entry, entry]


def test_a_folder_in_the_place_of_the_history_is_told(tmp_path: Path) -> None:
    with pytest.raises(ReconcilerError, match="the history cannot be read"):
        list(history.read(str(tmp_path), "agent.a.b"))


@pytest.mark.parametrize(
    "text",
    [
        "%YAML 9.9\n---\nsessions: {}\n",
        "a: &a [x, x]\nb: &b [*a, *a]\n"
        + "".join(f"k{n}: &k{n} [*{'b' if n == 0 else f'k{n - 1}'}]\n" for n in range(200)),
        "a: " + "[" * 5000,
        "? {a: b}\n: c\n",
        "!!python/object:os.system x\n",
        "a: !!binary x\n",
        "%TAG ! x\n---\n!y a",
        "a: 2001-99-99\n",
    ],
    ids=["version", "anchors", "deep", "key", "tag", "binary", "directive", "date"],
)
def test_odd_yaml_of_the_registry_is_read_or_told(text: str) -> None:
    with suppress(ReconcilerError):
        assert isinstance(parsed(text), dict)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda plan: plan["options"].update(mode="sideways"), "`options.mode` does not fit"),
        (lambda plan: plan.update(format_version="x"), "is not a saved plan"),
        (lambda plan: plan.update(format_version=["1", "0"]), "is not a saved plan"),
        (lambda plan: plan.pop("summary"), "`its keys` does not fit"),
        (lambda plan: plan.update(resource_changes=[{}]), "`resource_changes.0` does not fit"),
        (lambda plan: plan.update(diagnostics=None), "`diagnostics` does not fit"),
        (lambda plan: plan["options"].update(manifests=["\0"]), "`options`: embedded null byte"),
        (lambda plan: plan["options"].update(targets=["x y"]), "`options`: "),
        (lambda plan: plan["resource_changes"][0].update(actions=[]), "contradict each other"),
        (lambda plan: plan["resource_changes"][0]["changes"].pop(1), "contradict each other"),
    ],
)
def test_a_damaged_plan_is_refused_with_the_place(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    path = tmp_path / "saved"
    path.write_text(json.dumps(FULL))
    assert saved_plan([str(path)]) == FULL
    plan = json.loads(json.dumps(FULL))
    change(plan)
    path.write_text(json.dumps(_sealed(plan)))
    with pytest.raises(ReconcilerError) as raised:
        saved_plan([str(path)])
    assert said in raised.value.summary
    assert raised.value.fix


@pytest.mark.parametrize("text", [DEEP, DEEP_BUT_READ, "[]", "null", "\xff"])
def test_another_file_is_not_a_saved_plan(tmp_path: Path, text: str) -> None:
    path = tmp_path / "saved"
    path.write_text(text)
    with pytest.raises(ReconcilerError, match="is not a saved plan"):
        saved_plan([str(path)])


# --- mutations, the same ones in every run ---------------------------------------------------------


def test_no_mutation_of_a_plan_leads_to_another_error(tmp_path: Path) -> None:
    path = tmp_path / "saved"

    def use(text: str) -> None:
        path.write_text(json.dumps(_sealed(json.loads(text))))
        plan = saved_plan([str(path)])
        assert plan
        list(plan_text(plan, full=True))
        request_of(plan)

    _survives(FULL, use)


def test_no_mutation_of_a_generation_leads_to_another_error() -> None:
    made = Generation(
        1,
        "2026-01-01T00:00:00Z",
        "apply",
        Author("u@h", "/lab"),
        "0",
        (ManifestFile("reconciler.yaml", "a" * 64, 0o644),),
        FULL,
        before={},
    )
    document = {name: getattr(made, name) for name in made.__slots__}
    document |= {
        "author": {"who": "u@h", "cwd": "/lab"},
        "manifests": [{"path": "reconciler.yaml", "digest": "a" * 64, "mode": 420}],
        "result": {
            "finished": "2026-01-01T00:00:00Z",
            "exit_code": 0,
            "summary": {"added": 1},
            "remaining": ["x"],
            "events": [{}],
            "agents": {"agent.a.b": {"session": "s", "status": "running"}},
            "brokers": {"broker.a": {"x": "y"}},
        },
    }
    _survives(document, lambda text: _understood("generation", text.encode()))


def test_no_mutation_of_a_confirmation_leads_to_another_error() -> None:
    _survives(
        {"id": "x", "generation": 1, "back_to": 0, "within": 1.5}, lambda text: shaped(Confirmation, read_json(text))
    )


def _survives(document: dict[str, Any], use: Callable[[str], object]) -> None:
    use(json.dumps(document))
    chance = random.Random(SEED)  # noqa: S311 - the same mutations every time
    refused = 0
    for _ in range(ROUNDS):
        try:
            use(json.dumps(_mutated(document, chance)))
        except (ReconcilerError, ValueError):
            refused += 1
    assert refused > ROUNDS / 4, "the mutations damage something"


def _mutated(document: dict[str, Any], chance: random.Random) -> Any:
    changed = json.loads(json.dumps(document))
    for _ in range(chance.choice((1, 1, 2, 4))):
        box, key = chance.choice(list(_places(changed)) or [({"": 0}, "")])
        if chance.random() < 0.3:
            del box[key]
        else:
            box[key] = json.loads(json.dumps(chance.choice(NASTY)))
    return changed


def _places(value: Any) -> Any:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])

"""A type that a manifest declares can say what a built-in one says, in the same words."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
import yaml
from msgspec.structs import asdict, fields, replace
from typing_extensions import get_type_hints, is_typeddict

from reconciler.agents.catalogue import BUILT_IN, catalogue
from reconciler.agents.declared import declared_profile, form_of, profile_of
from reconciler.agents.form import TypeForm
from reconciler.agents.path_form import OF_FOLDER
from reconciler.agents.profile import Profile
from reconciler.agents.screen import rules
from reconciler.agents.storage import StoredHead
from reconciler.agents.subject import AgentEnvironment
from reconciler.agents.text_form import LONGEST_TITLE, line_pattern, takes_long
from reconciler.agents.token_store import Damaged, token_store
from reconciler.agents.usage import Usage
from reconciler.manifest import templates
from reconciler.manifest.document import ManifestContext, Source
from reconciler.manifest.load import load
from reconciler.manifest.type_shape import AgentTypeDoc
from reconciler.model.activity import Activity, LiveAgent
from reconciler.model.observed import Present, Unknown
from reconciler.model.tokens import TokenReaderState, TokenRow
from reconciler.observe.stored import all_stored, artifact
from reconciler.ports.files import RealFiles

PROFILES = catalogue([])
SUBJECT = AgentEnvironment("/lab/x", "/home/u", {})
# What is not in the data form of these types, because it takes an algorithm.
BY_CODE = {
    "claude": {"tokens", "trust", "storage"},
    "cline": {"tokens", "storage", "transcript", "binding"},
    "codex": {"tokens", "storage"},
    "copilot": {"tokens"},
    "gemini": {"tokens", "hooks"},
    "kilo": {"tokens", "database", "transcript", "binding", "display"},
    "opencode": {"tokens", "database", "transcript", "binding", "display"},
    "pi": {"tokens", "storage"},
    "qwen": {"tokens"},
}


def said(form: TypeForm) -> dict[str, Any]:
    """The form as a manifest says it: what is left out has its default."""
    plain = {each.name: getattr(form, each.name) for each in fields(TypeForm)}
    plain.pop("name")
    plain.pop("tells_activity")
    if name := plain.pop("screens_file"):
        plain["screens"] = [rule._asdict() for rule in rules(name)]
    if form.command_line:
        plain["command_line"] = {key: value for key, value in asdict(form.command_line).items() if key != "id"}
    return dict(_without_defaults(json.loads(msgspec.json.encode(plain))))


def _without_defaults(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _without_defaults(each) for key, each in value.items() if each not in (None, "", [], {})}
        return {key: each for key, each in kept.items() if each is not False or key == "follows"}
    return [_without_defaults(each) for each in value] if isinstance(value, list) else value


def declared(types: Mapping[str, Any]) -> Mapping[str, Profile]:
    """The profiles of a manifest with these `agent_types`."""
    text = yaml.safe_dump({"version": 1, "agent_types": dict(types)}, allow_unicode=True, sort_keys=False)
    context = ManifestContext("/lab", "/home/u", {}, "lab")
    found = load([Source("reconciler.yaml", text.encode())], context, frozenset())
    return {name: declared_profile(each) for name, each in found.desired.agent_types.items()}


def compared(profile: Profile) -> Profile:
    """The profile, with what a file of the package says and a manifest cannot name."""
    display = profile.display
    usage = Usage(**{**asdict(profile.usage), "id": ""})
    same = {"rules": tuple, "tells_activity": True}
    return replace(profile, form=None, usage=usage, display=replace(display, **same))


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_type_that_a_manifest_declares_in_the_same_words_is_the_same_value(name: str) -> None:
    form = PROFILES[name].form
    assert form is not None
    again = declared({name: said(form)})[name]
    assert compared(again) == compared(profile_of(form))
    screens = PROFILES[name].display.rules()
    assert again.display.rules() == tuple(rule._replace(any=tuple(rule.any), all=tuple(rule.all)) for rule in screens)


@pytest.mark.parametrize("name", BUILT_IN)
def test_only_what_takes_an_algorithm_is_not_data(name: str) -> None:
    profile = PROFILES[name]
    assert profile.form is not None
    made = profile_of(profile.form)
    assert {key for key in Profile.__struct_fields__ if getattr(profile, key) != getattr(made, key)} == BY_CODE.get(
        name, set()
    )


@pytest.mark.parametrize("name", BUILT_IN)
def test_what_is_known_of_a_built_in_type_has_a_source(name: str) -> None:
    form = PROFILES[name].form
    assert form is not None
    assert form.source


# --- the keys -----------------------------------------------------------------------------------


def keys(shape: Any) -> Any:
    """The keys of a shape, with those of the shapes inside."""
    hints = get_type_hints(shape)
    return {key: next((keys(each) for each in _inner(hint) if is_typeddict(each)), None) for key, hint in hints.items()}


def _inner(hint: Any) -> list[Any]:
    return [hint, *(each for part in get_args(hint) for each in _inner(part))]


def form_keys(kind: Any) -> Any:
    """The keys of a struct, with those of the structs inside."""
    found = {}
    for each in fields(kind):
        structs = [part for part in _inner(each.type) if isinstance(part, type) and issubclass(part, msgspec.Struct)]
        found[each.name] = form_keys(structs[0]) if structs else None
    return found


def test_a_manifest_has_the_keys_of_the_data_form_and_no_others() -> None:
    form = form_keys(TypeForm)
    for key in ("name", "screens_file", "tells_activity"):
        form.pop(key)
    form["command_line"].pop("id")
    form["titles"] = dict.fromkeys(("idle", "busy", "waiting"))
    assert keys(AgentTypeDoc) == {**form, "extends": None}  # which no built-in type has


def test_the_placeholders_that_a_manifest_may_use_are_those_that_are_filled_in() -> None:
    assert set(templates.FOLDER) == OF_FOLDER.keys()


# --- texts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "fits"),
    [
        ("1. *", "1. Yes", True),
        ("1. *", "1x Yes", False),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("[y/N]", "[y/N]", True),
        ("[y/N]", "y", False),
        ("*", "", True),
    ],
)
def test_a_text_is_plain_but_for_its_stars(text: str, line: str, fits: bool) -> None:
    assert (re.fullmatch(line_pattern([text]), line) is not None) == fits


def test_a_hostile_line_cannot_stop_the_comparison() -> None:
    code = f"import re; print(re.fullmatch({line_pattern(['*a*a*a*a*a*b'])!r}, 'a' * 20_000))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "None\n", "where each star tries every place, it takes years"


QUICK = [
    "^(working|thinking)",
    "work(s|ing)$",
    ".*",
    ".*x.*",
    "(?i)work",
    "(?:ab)+",
    "(a|b)?x",
    "a{2,3}",
    "[]]+",
    "(?P<x>a)",
]
SLOW = [
    "(a+)+b",
    ".*.*.*",
    "(a|a)*b",
    "(a|b){3}",
    r"(a)\1",
    "(?x)# [\n(a+)+ #]",
    "(?#[)(a+)+(?#])",
    "(a?){30}",
    "a?" * 20,
]


@pytest.mark.parametrize(("regex", "slow"), [*((each, False) for each in QUICK), *((each, True) for each in SLOW)])
def test_an_expression_that_could_take_long_is_told_from_one_that_cannot(regex: str, slow: bool) -> None:
    re.compile(regex)
    assert takes_long(regex) == slow


def test_of_a_title_only_the_beginning_is_read() -> None:
    profile = declared({"mine": {"command": "mine", "busy": "x$"}})["mine"]
    assert profile.display.activity("-" * LONGEST_TITLE + "x") is Activity.IDLE
    assert profile.display.activity("-x") is Activity.BUSY


# --- what is read -------------------------------------------------------------------------------

FULL: Mapping[str, Any] = {
    "command": "mine",
    "new": ["--id", "{session_id}"],
    "resume": ["--resume", "{session_id}"],
    "prompt": ["-i", "{prompt}"],
    "variables": {"MINE_HOME": "~/.mine", "MINE_STORE": "{MINE_HOME}/store"},
    "artifacts": ["{MINE_STORE}/{cwd_dashes}/*_{session_id}.jsonl"],
    "head": {"id": "id", "cwd": ["meta.cwd", "cwd"], "started": "timestamp", "hidden": {"source": "exec"}},
    "messages": {"role": "message.role", "text": "message.content", "roles": {"human": "user", "bot": "assistant"}},
    "notes": {"files": "{MINE_HOME}/{pid}.json", "id": "session", "status": "state", "states": {"running": "busy"}},
    "titles": {"busy": ["⠁..⣿", "* at work"], "idle": "mine"},
    "screens": [{"state": "dialog", "name": "trust", "any": "Trust this folder?"}],
    "resume_line": ["mine --resume {session_id}", "mine --resume={session_id}"],
    "wrapped": "<paste*>{prompt}</paste>",
    "usage": {
        "input": ["usage.input", "usage.tool"],
        "output": "usage.output",
        "cache_read": "usage.cached",
        "input_with_cache": True,
        "model": "model",
        "at": "at",
        "id": "id",
        "usd": "cost",
    },
}
MINE = declared({"mine": FULL})["mine"]
STORED = "/home/u/.mine/store/lab-x/2026_s1.jsonl"


def line(**content: Any) -> bytes:
    return json.dumps(content).encode()


def test_a_variable_moves_what_is_below_it_and_is_the_agents_own() -> None:
    assert MINE.storage.artifacts(SUBJECT, "s1") == ("/home/u/.mine/store/lab-x/*_s1.jsonl",)
    assert MINE.storage.artifacts(AgentEnvironment("/lab/x", "/home/u", {"MINE_HOME": "/m"}), "s1") == (
        "/m/store/lab-x/*_s1.jsonl",
    )
    assert MINE.storage.artifacts(AgentEnvironment("/lab/x", "/home/u", {"MINE_STORE": "/s*"}), "s1") == (
        "/s[*]/lab-x/*_s1.jsonl",
    )
    assert MINE.storage.variables == ("MINE_HOME", "MINE_STORE")


@pytest.mark.parametrize(
    ("content", "head"),
    [
        (line(id="s2", meta={"cwd": "/lab/x"}), StoredHead("s2", "/lab/x")),
        (line(type="x") + b"\n" + line(id="s2", cwd="/lab"), StoredHead("s2", "/lab")),
        (b"{", StoredHead("s1")),
        (line(id=7, meta=[]), StoredHead("s1")),
        (line(id="s2", source="exec"), StoredHead("s2", hidden=True)),
        (line(id="s2", timestamp="2026-01-01T00:00:00Z"), StoredHead("s2", started=1767225600)),
        (line(id="s2", timestamp=1767225600000), StoredHead("s2", started=1767225600)),
    ],
)
def test_the_head_of_a_conversation_is_read_by_its_fields(content: bytes, head: StoredHead) -> None:
    assert MINE.storage.read_head(STORED, content) == head


@pytest.mark.parametrize(
    ("content", "state", "conversation"),
    [
        (line(session="s1", state="running"), Activity.BUSY, "s1"),
        (line(session="s1", state="dreaming"), Activity.UNKNOWN, "s1"),
    ],
)
def test_a_note_says_what_its_process_does(content: bytes, state: Activity, conversation: str) -> None:
    note = MINE.binding.read_note("/home/u/.mine/7.json", content)
    assert note is not None
    assert (note.pid, note.agent) == (7, LiveAgent(state, conversation))


@pytest.mark.parametrize("content", [b"", b"[]", line(state="dreaming"), line(session=7), b"\xff" * 9, b"[" * 100_000])
def test_a_note_that_says_nothing_is_no_note(content: bytes) -> None:
    assert MINE.binding.read_note("/home/u/.mine/7.json", content) is None


@pytest.mark.parametrize(
    ("title", "activity"),
    [("⠋ mine", Activity.BUSY), ("lab at work", Activity.BUSY), ("mine - x", Activity.IDLE), ("", Activity.UNKNOWN)],
)
def test_the_title_tells_the_state_by_how_it_begins(title: str, activity: Activity) -> None:
    assert MINE.display.activity(title) is activity


def test_both_last_lines_tell_the_conversation() -> None:
    printed = "bye\nmine --resume s1\nmine --resume=s2\n"
    assert re.findall(MINE.shutdown.resume_line, printed) == ["s1", "s2"]


def test_a_message_is_read_by_its_fields() -> None:
    said_by = MINE.transcript.read_message({"message": {"role": "bot", "content": [{"type": "text", "text": "Hi."}]}})
    assert said_by is not None
    assert (said_by.role, said_by.text) == ("assistant", "Hi.")
    assert MINE.transcript.read_message({"message": {"role": "tool", "content": "x"}}) is None


def test_what_stands_around_a_prompt_is_taken_off() -> None:
    found = re.fullmatch(MINE.transcript.wrapped, '<paste id="1">a\nb</paste>\n', re.DOTALL)
    assert found is not None
    assert found[1] == "a\nb"


def test_tokens_are_counted_by_their_fields() -> None:
    store = token_store(MINE)
    assert store is not None
    assert store.lines is not None
    usage = {"input": 10, "tool": 5, "output": 7, "cached": 4}
    [row], _ = store.lines.read(
        line(id="a", model="m", usage=usage, cost=0.5, at="2026-01-01T00:00:00Z"), TokenReaderState()
    )
    assert row == TokenRow(row.key, 1767225600, "m", 11, 7, 4, usd=0.5)
    assert store.lines.owner(STORED) == "s1"
    assert store.lines.files(SUBJECT) == ("/home/u/.mine/store/*/*_*.jsonl",)
    assert store.lines.read(line(type="user"), TokenReaderState())[0] == ()


@pytest.mark.parametrize(
    "content", [b"{", line(usage={"output": -1}), line(usage={"output": 1.5}), line(usage={"output": 1 << 60})]
)
def test_a_line_with_something_else_than_tokens_is_damaged(content: bytes) -> None:
    store = token_store(MINE)
    assert store is not None
    assert store.lines is not None
    with pytest.raises(Damaged):
        store.lines.read(content, TokenReaderState())


def test_rows_that_were_read_by_other_fields_are_read_again() -> None:
    other = declared({"mine": {**FULL, "usage": {"output": "usage.output"}}})["mine"]
    stores = [token_store(each) for each in (MINE, other)]
    assert len({store.lines.fields for store in stores if store and store.lines}) == 2


def test_a_folder_is_trusted_in_the_list_or_by_the_flag_that_the_type_names() -> None:
    listed = declared({"m": {"command": "m", "trust": {"file": "~/.m.json", "list": "trusted"}}})["m"].trust
    assert listed.file(SUBJECT) == "/home/u/.m.json"
    assert json.loads(listed.with_folder(b'{"a": 1}', "/lab")) == {"a": 1, "trusted": ["/lab"]}
    flagged = declared({"m": {"command": "m", "trust": {"file": "~/x", "flag": ["projects", "{cwd}", "ok"]}}})[
        "m"
    ].trust
    assert json.loads(flagged.with_folder(b"", "/lab.x")) == {"projects": {"/lab.x": {"ok": True}}}
    with pytest.raises(ValueError, match="not a list"):
        listed.with_folder(b'{"trusted": 1}', "/lab")


def test_a_row_of_a_table_is_a_conversation(tmp_path: Path) -> None:

    table = {
        "file": str(tmp_path / "m.db"),
        "table": "chats",
        "id": "id",
        "cwd": "dir",
        "started": "at",
        "hidden": "up",
    }
    profile = declared({"m": {"command": "m", "resume": ["{session_id}"], "database": table}})["m"]
    with sqlite3.connect(tmp_path / "m.db") as base:
        base.execute("CREATE TABLE chats (id TEXT, dir TEXT, at INTEGER, up TEXT)")
        base.execute("INSERT INTO chats VALUES ('a', '/lab/x', 1767225600000, NULL), ('b', '/lab/x', 1, 'a')")
        base.execute("INSERT INTO chats VALUES ('c', '/other', 1, NULL)")
    found = [each.head for each in all_stored(profile, SUBJECT, RealFiles()) if not isinstance(each, Unknown)]
    assert found == [StoredHead("a", "/lab/x", started=1767225600)]
    assert isinstance(artifact("a", profile, SUBJECT, RealFiles()), Present)
    missing = declared({"m": {"command": "m", "database": {**table, "cwd": "no_such"}}})["m"]
    # Were the name in quotes, SQLite would take a missing column for a text and find nothing.
    assert [type(each) for each in all_stored(missing, SUBJECT, RealFiles())] == [Unknown]


def test_the_form_of_a_declared_type_is_kept_for_who_asks() -> None:
    assert MINE.form is not None
    assert MINE.form.prompt == ("-i", "{prompt}")
    assert form_of.__doc__

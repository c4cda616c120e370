"""Every parser of what comes from a disk, a terminal or a wire: what it is given, and what it may answer with."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from fakes.clock import FakeClock
from fakes.processes import FakeProcesses
from msgspec import structs, to_builtins

from reconciler.adopt.agent_deck import DeckProfile, read_agent_deck, rows_of_json
from reconciler.adopt.claude_squad import read_claude_squad
from reconciler.adopt.context import SourceContext
from reconciler.adopt.foreign_file import ForeignFile
from reconciler.adopt.tmuxinator import read_tmuxinator
from reconciler.adopt.tmuxp import read_tmuxp
from reconciler.agents.box import holds, is_empty
from reconciler.agents.catalogue import catalogue
from reconciler.agents.permission import dialog_on
from reconciler.agents.screen import classify_screen
from reconciler.agents.subject import AgentEnvironment
from reconciler.agents.token_store import token_store
from reconciler.app.jobs import audits
from reconciler.app.plan import saved_plans
from reconciler.app.plan.saved_plans import plan_mistake
from reconciler.broker.by_hand.folder import hand_made
from reconciler.broker.by_hand.takeover import takeover
from reconciler.broker.files import acl, conf, passwords
from reconciler.broker.keys import certificates
from reconciler.broker.running.process import _understood as running_of
from reconciler.jobs import background, hooks, logins, outbox, record, sign
from reconciler.jobs.audit import verify_chain
from reconciler.jobs.warnings import record_warnings
from reconciler.manifest import ManifestContext, Source, edit, load
from reconciler.manifest import format as layout
from reconciler.model.errors import ReconcilerError
from reconciler.model.event_kind import EventKind
from reconciler.model.hook_note import parsed_note
from reconciler.model.job import Job, JobEvent
from reconciler.model.observed import Present
from reconciler.model.record import RowEdit, Section
from reconciler.monitor import backlog, watch_state
from reconciler.monitor.state_folder import StateFolder
from reconciler.observe.last_messages import in_file
from reconciler.observe.tokens import _of_lines
from reconciler.ports.bus import Message
from reconciler.ports.database import ask
from reconciler.ports.files import RealFiles
from reconciler.ports.processes_by_proc import start_ticks
from reconciler.ports.tmux.control import parse_blocks
from reconciler.ports.tmux.rows import last_lines, parse_state
from reconciler.render.document import content_digest
from reconciler.render.documents import FORMAT_VERSION
from reconciler.render.generations import generation_document, generation_text, history_document, history_text
from reconciler.render.text import plan_text
from reconciler.state import confirmation, generations, history, lock, registry
from reconciler.state.assumptions import assumptions, left_alone, warnings
from reconciler.state.completion import completions
from reconciler.state.project_notes import stored_notes
from reconciler.web.browsers import Browsers
from reconciler.web.passwords import logins as web_logins
from reconciler.web.requests import form_fields

TESTS = Path(__file__).parents[1]
ID = "b3a7c0de-1111-4222-8333-444455556666"
PROFILES = {name: each for name, each in catalogue([]).items() if name != "shell"}


class Parser(NamedTuple):
    """`parse` is given the text, and a folder of its own; anything but an answer or one of `says` is a fault."""

    seeds: tuple[bytes, ...]
    parse: Callable[[bytes, Path], object]
    says: tuple[type[Exception], ...] = (ReconcilerError,)


# --- the page -----------------------------------------------------------------------------------

WEB_LOGINS = f'{{"anna":{{"salt":"{"0" * 32}","hash":"{"0" * 64}","scheme":"scrypt 32768 8 3"}}}}'.encode()
WEB_BROWSERS = f'{{"{"0" * 64}":{{"who":"anna","since":"2026-11-30T06:00:00Z","came_from":"127.0.0.1"}}}}'.encode()
WEB_FORM = b"form=0&request=r%C3%A4&choice=approve&text=a+b%0D%0Ac"


def _web_logins(data: bytes, folder: Path) -> object:
    return web_logins(_private(folder, "logins.json", data))


def _web_browsers(data: bytes, folder: Path) -> object:
    browsers = Browsers(_private(folder, "browsers.json", data), lambda: FakeClock().now())
    return browsers.find("x"), [each.is_valid(FakeClock().now()) for each in browsers._known.values()]


def _private(folder: Path, name: str, data: bytes) -> str:
    (folder / name).write_bytes(data)
    (folder / name).chmod(0o600)
    return str(folder)


def _web_form(data: bytes, _folder: Path) -> object:
    return form_fields(data)


# --- manifests and the registry ---------------------------------------------------------------

AROUND = ManifestContext("/project", "/home/u", {"HOME": "/home/u"}, "project")
_KINDS = frozenset(PROFILES)
EDITABLE = b"""\
version: 1
workspaces:
  lab:
    path: lab
    agents:
      claude: {}   # the only one
      codex: {type: codex}
"""
REGISTRY = b"""\
version: 1
lineage: 0c7e2f1a
serial: 42
# a comment of the user's
workspaces:
  lab:
    path: /home/u/lab
    agent_identities:
      claude: {session_id: b3a7c0de-1111-4222-8333-444455556666, previous: [c0de]}
sessions:
  lab-creator-claude:
    workspace: lab
    agent: claude
    role: creator
    status: running
    last_visible_status: running
    last_visible_note: "auto: registered"
    claude_session_id_own: b3a7c0de-1111-4222-8333-444455556666
    resumable: true
    pane: {id: "%3", pid: 201132, cmd: claude, cwd: /home/u/lab}
    server: {socket: lab, pid: 4242, started: 2026-06-25T03:19:24Z}
    managed: true
    x-other-tool: [1, 2.5, ~]
"""
OLDER_SHAPES = ("name-only", "list", "foreign-keys", "status-is-text", "ids-of-several-rows", "numbers-as-text")
OLDER = tuple((TESTS / "state" / "older" / name / "before.yaml").read_bytes() for name in OLDER_SHAPES)
EDITS = (
    RowEdit(Section.SESSIONS, "lab-creator-claude", {"status": "stopped", "pane": None}),
    RowEdit(Section.SESSIONS, "new", {"workspace": "lab", "agent": "codex", "status": "running"}),
)


def _manifest(data: bytes, _folder: Path) -> object:
    return load([Source("m.yaml", data)], AROUND, _KINDS)


def _formatted(data: bytes, _folder: Path) -> object:
    return layout.formatted(Source("m.yaml", data))


def _edited(data: bytes, _folder: Path) -> object:
    source, agents = Source("m.yaml", data), ("workspaces", "lab", "agents")
    done = [_or_none(lambda: edit.added(source, (*agents, "new"), {"type": "claude"}))]
    return [*done, _or_none(lambda: edit.removed(source, (*agents, "claude")))]


def _or_none(ask_for: Callable[[], object]) -> object:
    """One question's refusal does not keep the next one from being asked."""
    try:
        return ask_for()
    except ReconcilerError:
        return None


def _registry(data: bytes, folder: Path) -> object:
    path = folder / "agent-sessions.yaml"
    path.write_bytes(data)
    at = registry.Registry(str(path), str(folder / "cache"), RealFiles())
    before = registry.read(at)
    return registry.commit(at, before, EDITS, new_lineage="new")


def _completed(data: bytes, folder: Path) -> object:
    """Everything that is assumed, a write, and a completion, after which the file is read again."""
    path = folder / "agent-sessions.yaml"
    path.write_bytes(data)
    at = registry.Registry(str(path), str(folder / "cache"), RealFiles())
    before = registry.read(at)
    told = assumptions(before, "F"), left_alone(before, "F"), list(warnings(before, "F")), completions(before, "F")
    written = _or_none(lambda: registry.commit(at, before, EDITS, new_lineage="new"))
    after = registry.complete(at, registry.read(at), new_lineage="new")
    assert registry.complete(at, registry.read(at), new_lineage="new") == after
    return told, written, after


# --- what an apply leaves ---------------------------------------------------------------------


def sealed(data: bytes) -> bytes:
    """The plan with a digest that fits, as whoever forges one would write it; what is no plan stays."""
    try:
        plan = json.loads(data)
        return json.dumps({**plan, "digest": content_digest(plan)}).encode()
    except (ValueError, TypeError, RecursionError):
        return data


_SHOWN = json.loads((TESTS / "render" / "golden" / "every-symbol.json").read_bytes())
PLAN = sealed(json.dumps({**_SHOWN, "format_version": FORMAT_VERSION, "basis": "ab" * 32}).encode())
GENERATION = json.dumps(
    {
        "format_version": "1.0",
        "number": 1,
        "at": "2026-06-25T03:19:24Z",
        "operation": "apply",
        "author": {"who": "u@h", "cwd": "/home/u", "terminal": "/dev/pts/1"},
        "tool_version": "0.1.0",
        "manifests": [{"path": "reconciler.yaml", "digest": "ab" * 32, "mode": 420}],
        "plan": json.loads(PLAN),
        "before": {"agent.lab.claude": {"session": "s", "status": "running", "conversation": ID, "by_hand": False}},
        "result": {
            "finished": "2026-06-25T03:19:25Z",
            "exit_code": 0,
            "summary": {"add": 1, "change": 0, "destroy": 0},
            "remaining": ["agent.lab.codex"],
            "events": [{"type": "action_complete", "address": "agent.lab.claude"}],
            "agents": {"agent.lab.claude": {"session": "s", "status": "running"}},
            "brokers": {"broker.main": {"etc": "ab"}},
        },
    }
).encode()
LOCK = json.dumps(
    to_builtins(
        lock.LockInfo("3f2a9c01", "apply", "u@h", 7, 11, "boot", "pid:[4026531836]", "2026-06-25T03:19:24Z", "0.1.0")
    )
).encode()
CONFIRMATION = b'{"id": "a", "generation": 2, "back_to": 1, "within": 60.0, "deadline": "2026-06-25T03:19:24Z", \
"boot_id": "b", "apply_pid": 1, "apply_started": 2, "watchdog_pid": 3, "watchdog_started": 4, "expired": false}'
HISTORY = json.dumps(
    to_builtins(
        history.HistoryEntry("2026-06-25T03:19:24Z", "agent.lab.claude", "session", "create", "reason", ID, "note")
    )
).encode()


def _plan(data: bytes, folder: Path) -> object:
    path = folder / "saved"
    path.write_bytes(sealed(data))
    found = saved_plans.saved_plan([str(path)])
    return found and (saved_plans.request_of(found), list(plan_text(found, full=True)))


PROJECT_NOTE = b"""{"version": 1, "root": "/lab", "registry": "/lab/.hermes/agent-sessions.yaml", "socket": "/tmp/t",
"lineage": "0c7e", "applied": "2026-06-25T03:19:24Z"}"""


def _project_note(data: bytes, folder: Path) -> object:
    (folder / "note.json").write_bytes(data)
    (folder / "note.json").chmod(0o600)
    return list(stored_notes(str(folder)))


def _generation(data: bytes, folder: Path) -> object:
    store = generations.Store(str(folder / "history"), RealFiles())
    Path(store.folder).mkdir(exist_ok=True)
    Path(store.path(1)).write_bytes(data)
    document = history_document(generations.newest_first(store))
    one = generation_document(generations.read(store, 1))
    if mistake := plan_mistake(one["plan"]):
        raise ReconcilerError(mistake)
    return list(history_text(document)), list(generation_text(one)), list(plan_text(one["plan"], full=True))


def _confirmation(data: bytes, folder: Path) -> object:
    waiting = confirmation.Waiting(str(folder), RealFiles(), FakeProcesses())
    Path(waiting.path).write_bytes(data)
    return confirmation.describe_waiting(waiting), confirmation.read(waiting)


def _lock(data: bytes, folder: Path) -> object:
    at = lock.Lock(str(folder), FakeProcesses(), FakeClock())
    Path(at.path).write_bytes(data)
    found = lock.status(at)
    return lock.describe_holder(found.value.info, at.clock) if isinstance(found, Present) else None


def _history(data: bytes, folder: Path) -> object:
    (folder / "history.jsonl").write_bytes(data)
    return list(history.read(str(folder / "history.jsonl"), "agent.lab.claude"))


# --- jobs -------------------------------------------------------------------------------------

JOB_ID = "20260625T031924000-0123456789abcdef"
MADE = "2026-06-25T03:19:24.000Z"
JOB = Job(
    *(JOB_ID, "do it", "claude", "tmux:s", "/home/u/lab", 3600, 120, MADE, MADE, f"python/mqtt/jobs/{JOB_ID}/events"),
    auth_token="ab" * 32,
    seen={"p": 1},
    broker={"host": "localhost", "port": 1883},
)
EVENT = JobEvent(JOB_ID, EventKind.PROGRESS, "going on", MADE, "p1", 2, "e1")
NOTE = b'{"type": "claude", "conversation": "c", "cwd": "/home/u/lab", "pid": 7, "started": 11, "pane_id": "%3", \
"socket": "/tmp/t", "server_pid": 5, "server_started": 6, "at": 1}'
SETTINGS = b'{"permissions": {"allow": []},\n "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x"}]}]}}\n'


def _records(folder: Path) -> record.Records:
    return record.Records(str(folder), RealFiles(), FakeClock(), {})


def _job(data: bytes, folder: Path) -> object:
    (folder / f"{JOB_ID}.json").write_bytes(data)
    return record.read_all(_records(folder))


OLDER_JOB = f"""\
{{
  "job_id": "{JOB_ID}", "prompt": "do it", "status": "in_progress", "timeout": "3600", "created_at": 1782357564.5,
  "auth_token": "5f0c9a3e-1b2c-4d5e-8f90-123456789abc", "result": "", "pid": 7,
  "broker": {{"host": "h", "port": 8883, "tls": true, "username": "u", "password": "hunter22", "qos": 1}}
}}
""".encode()


def _older(data: bytes, folder: Path) -> object:
    """Read, warned about, rid of its password, and written: what is believed of it must outlast all that."""
    records = _records(folder)
    told = _job(data, folder)
    found = record.look_at_all(records)[0]
    warned = record_warnings(found)
    for change in logins.look_into(records).changes:
        logins.carry_out(records, change)
    for each in found:
        kept = record.update(records, JOB_ID, lambda job: structs.replace(job, seen={"p": 1}))
        assert structs.replace(kept, seen=each.job.seen, updated_at="", broker={}, result=None) == structs.replace(
            each.job, updated_at="", broker={}, result=None
        )
    return told, warned


def _event(data: bytes, _folder: Path) -> object:
    now = datetime(2026, 6, 25, 3, 19, 25, tzinfo=UTC)
    return sign.verify_hmac(Message(JOB.topic, data), JOB, sign.seen_of(JOB), now)


def _genuine(data: bytes, folder: Path) -> object:
    """Damage that was signed: a publisher with the token may say anything."""
    import hmac

    body = data.removesuffix(b"}")
    signature = hmac.digest(bytes.fromhex(JOB.auth_token), body + b"}", "sha256").hex().encode()
    return _event(body + b',"hmac":"' + signature + b'"}', folder)


def _outbox(data: bytes, folder: Path) -> object:
    box = outbox.outbox_of(_records(folder), JOB_ID)
    Path(box.folder).mkdir(parents=True, exist_ok=True)
    (Path(box.folder) / outbox._COUNTER).write_bytes(data)
    return outbox.next_number(box)


def _chain(data: bytes, folder: Path) -> object:
    (folder / "events.jsonl").write_bytes(data)
    return verify_chain(str(folder)), [audits._entry(line) for line in data.splitlines(keepends=True)]


def _follower(data: bytes, folder: Path) -> object:
    records = _records(folder)
    Path(background.folder_of(records)).mkdir(exist_ok=True)
    Path(background._state(records)).write_bytes(data)
    return background.lives(background.noted_follower(records), FakeProcesses())


def _hooks(data: bytes, folder: Path) -> object:
    subject = AgentEnvironment(str(folder), str(folder), {})
    wired = hooks.wiring(PROFILES["claude"], hooks.HookScope.USER, subject, str(folder / "jobs"))
    Path(wired.path).parent.mkdir(exist_ok=True)
    Path(wired.path).write_bytes(data)
    return hooks.install(wired, RealFiles()), hooks.uninstall(wired, RealFiles())


def _trusts(data: bytes, _folder: Path) -> object:
    """Each may say ValueError of settings of another shape; none may say anything else."""
    return [
        _or_value_error(lambda each=each: each.trust.with_folder(data, "/home/u/lab")) for each in PROFILES.values()
    ]


def _or_value_error(ask_for: Callable[[], object]) -> object:
    try:
        return ask_for()
    except ValueError as error:
        return error


# --- what agents leave, and what they show ----------------------------------------------------

TRANSCRIPTS = (
    f'{{"type":"user","cwd":"/home/u/lab","sessionId":"{ID}","timestamp":"{MADE}","message":{{"content":"hi"}}}}\n'
    f'{{"type":"assistant","message":{{"content":[{{"text":"x"}}]}}}}\n'.encode(),
    f'{{"timestamp":"{MADE}","type":"session_meta","payload":{{"id":"{ID}","cwd":"/home/u/lab","source":"cli",'
    f'"originator":"codex-tui","timestamp":"{MADE}"}}}}\n'.encode(),
    f'{{"sessionId":"{ID}","projectHash":"ab","startTime":"{MADE}","kind":"main","directories":["/home/u/lab"]}}\n'.encode(),
    f'{{"type":"session.start","data":{{"sessionId":"{ID}","context":{{"cwd":"/home/u/lab"}}}},"timestamp":"{MADE}"}}\n'.encode(),
)
PATHS = (
    f"/p/{ID}.jsonl",
    f"/home/u/.codex/sessions/2026/06/25/rollout-2026-06-25T03-19-24-{ID}.jsonl",
    f"/home/u/.copilot/session-state/{ID}/events.jsonl",
    "/c/session-2026-11-21T23-59-9f8e7d6c.jsonl",
)
MESSAGES = (
    f'{{"type":"user","message":{{"role":"user","content":"hello"}},"timestamp":"{MADE}"}}\n'
    f'{{"type":"assistant","message":{{"id":"m","content":[{{"type":"text","text":"hi"}}],"parts":[{{"text":"hi"}}]}}}}\n'.encode(),
    f'{{"timestamp":"{MADE}","type":"response_item","payload":{{"type":"message","role":"user",'
    '"content":[{"type":"input_text","text":"hello"}]}}\n'.encode(),
    f'{{"id":"1","timestamp":"{MADE}","type":"gemini","content":[{{"text":"hi"}}]}}\n'.encode(),
    f'{{"type":"assistant.message","data":{{"content":"hi"}},"id":"1","timestamp":"{MADE}"}}\n'.encode(),
)
NOTES = (
    f'{{"pid":7,"sessionId":"{ID}","status":"idle","procStart":"4711","cwd":"/home/u/lab"}}'.encode(),
    f'{{"pid":7,"session_id":"{ID}","started_at":"{MADE}","work_dir":"/home/u/lab","hostname":"h"}}'.encode(),
)
NOTE_PATHS = ("/home/u/.claude/sessions/7.json", f"/c/{ID}.runtime.json", f"/s/{ID}/inuse.7.lock")
SCREENS = tuple(path.read_bytes() for path in sorted((TESTS / "agents" / "screens").glob("*/*.txt"))[::4])


def _heads(data: bytes, _folder: Path) -> object:
    heads = [each.storage.read_head(path, data) for each in PROFILES.values() for path in PATHS]
    return heads, [each.binding.names("OC | x", head) for each in PROFILES.values() for head in heads if head]


def _messages(data: bytes, folder: Path) -> object:
    (folder / "conversation.jsonl").write_bytes(data)
    return [in_file(str(folder / "conversation.jsonl"), each, 2, RealFiles()) for each in PROFILES.values()]


TOKENS = (
    b'{"timestamp":"2026-11-30T06:00:00Z","requestId":"r","message":{"id":"m","usage":{"input_tokens":5}}}\n',
    (
        b'{"type":"session_meta","payload":{"id":"a","source":"cli"}}\n'
        b'{"type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"output_tokens":5}}}}\n'
    ),
    b'{"sessionId":"g"}\n{"id":"1","type":"gemini","tokens":{"input":5,"output":7}}\n',
    b'{"uuid":"1","type":"assistant","usageMetadata":{"promptTokenCount":5}}\n',
    b'{"type":"session.usage_record","data":{"usage":{"inputTokens":5}},"id":"1"}\n',
)


def _tokens(data: bytes, folder: Path) -> object:
    (folder / "tokens.jsonl").write_bytes(data)
    stores = [store.lines for each in PROFILES.values() if (store := token_store(each)) and store.lines]
    return [_of_lines(str(folder / "tokens.jsonl"), "x", each, None) for each in stores]


def _live_notes(data: bytes, _folder: Path) -> object:
    return [each.binding.read_note(path, data) for each in PROFILES.values() for path in NOTE_PATHS]


def _screens(data: bytes, _folder: Path) -> object:
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    told: list[object] = [last_lines(lines, 10)]
    for display in (each.display for each in PROFILES.values()):
        known = display.rules()
        told.append(
            (classify_screen(known, lines), classify_screen(known, lines, lines[0]), display.activity(lines[0]))
        )
        if display.permission and (dialog := dialog_on(display.permission, lines)):
            told.append((dialog.digest, dialog.asked, dialog.question))
        if display.box:
            told.append((is_empty(display.box, lines), holds(display.box, lines, "do it")))
    return told


def _rows(data: bytes, _folder: Path) -> object:
    row = _values(data)
    return [each.database.read_row(row[:k]) for each in PROFILES.values() for k in range(len(row) + 1)], [
        each.transcript.read_said(row) for each in PROFILES.values()
    ]


def _values(data: bytes) -> list[object]:
    """A row of a database: numbers, texts, bytes and nothing, whatever the document holds."""
    found = json.loads(data) if data else []
    flat = found if isinstance(found, list) else [found]
    return [each if isinstance(each, int | float | str | None) else json.dumps(each).encode() for each in flat]


def _row_seeds() -> tuple[bytes, ...]:
    said = ["prt_1", "ses_1", json.dumps({"role": "user", "time": {"created": 1}}), json.dumps({"type": "text"})]
    return (json.dumps(["ses_1", "/home/u/lab", None, "title", 1750821564000]).encode(), json.dumps(said).encode())


def _rows_or_nothing(data: bytes, folder: Path) -> object:
    try:
        return _rows(data, folder)
    except (ValueError, RecursionError) as error:
        if error.__traceback__ and "_values" in _frames(error):
            return None  # not even a row
        raise


def _frames(error: BaseException) -> list[str]:
    names, at = [], error.__traceback__
    while at:
        names.append(at.tb_frame.f_code.co_name)
        at = at.tb_next
    return names


def _database(data: bytes, folder: Path) -> object:
    path = folder / "opencode.db"
    path.write_bytes(data)
    return ask(str(path), "SELECT id, directory, title FROM session WHERE directory = ?", ("/home/u/lab",))


def _database_seed() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE session (id TEXT, directory TEXT, title TEXT)")
    connection.executemany("INSERT INTO session VALUES (?, '/home/u/lab', 't')", [(f"ses_{n}",) for n in range(40)])
    connection.commit()
    return connection.serialize()


# --- other tools ------------------------------------------------------------------------------

OTHERS = TESTS / "adopt" / "othertools"
AROUND_THEM = SourceContext("/home/u", "/work", {"HOME": "/home/u"}, catalogue([]))
DECK_ROW = {"title": "t", "project_path": "/srv/lab", "command": "claude", "tool": "claude", "status": "idle"}


def _others(name: str) -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted((OTHERS / name).iterdir()) if path.suffix != ".sql")


def _tmuxp(data: bytes, _folder: Path) -> object:
    return read_tmuxp(ForeignFile("/c/lab.yaml", data), AROUND_THEM)


def _tmuxinator(data: bytes, _folder: Path) -> object:
    return read_tmuxinator(ForeignFile("/c/lab.yml", data), AROUND_THEM)


def _agent_deck(data: bytes, _folder: Path) -> object:
    """The damage stands in the older file, and in the details of a row."""
    details = [{**DECK_ROW, "tool_data": each} for each in (data, data.decode("utf-8", "surrogateescape"))]
    damaged = read_agent_deck([DeckProfile("p", "/d/state.db", details)], AROUND_THEM)
    rows = rows_of_json(ForeignFile("/d/sessions.json", data))
    return damaged, read_agent_deck([DeckProfile("p", "/d/sessions.json", rows)], AROUND_THEM)


def _claude_squad(data: bytes, _folder: Path) -> object:
    return read_claude_squad(ForeignFile("/c/state.json", data), AROUND_THEM)


# --- tmux, the monitor and the broker ---------------------------------------------------------

_PANE = "a $1 %3 4711 claude /home/u/lab 0 - - 1750821564 0 0c7e agent.lab.a b3a7 /run/t 42 1750821560 3.3a x"
ROW = _PANE.replace("-", "").replace(" ", "\x1f").encode()
BLOCKS = (
    b"%begin 1750821564 7 1\n$1\x1f%3\n%end 1750821564 7 1\n%session-changed $1 x\n%begin 2 8 1\nbad\n%error 2 8 1\n"
)
_ENTRY = (
    b'{"class": "A", "session": "s", "address": "agent.lab.a", "message": "m", "before": null, "after": "x",'
    b' "path": "", "count": 2}'
)
_TOLD = b'{"class": "A", "session": "s", "address": "agent.lab.a", "digest": "ab", "count": 2, "there": true}'
MONITOR = (
    b'{"version": 1, "told": [' + _TOLD + b'], "pending": [' + _ENTRY + b'], "owed": [' + _ENTRY + b'], "dropped": 1}'
)
CONF = b"""\
per_listener_settings false
listener 8883 127.0.0.1
allow_anonymous false
password_file /b/etc/passwd
acl_file /b/etc/acl
cafile /b/certs/ca.crt
max_packet_size 1048576
"""
BY_HAND = b"""\
listener 8883 127.0.0.1
password_file /mosquitto/passwd
acl_file /mosquitto/acl
certfile /mosquitto/acl
keyfile /mosquitto/passwd
include_dir /mosquitto/conf.d
max_keepalive 60
listener 1883
connection up
"""
ACL = (
    b"user hermes\ntopic readwrite python/mqtt/jobs/#\n"
    b"user worker\ntopic write python/mqtt/jobs/+/events\npattern read %u/#\n"
)
PASSWD = b"hermes:$7$101$" + b"A" * 16 + b"$" + b"A" * 86 + b"==\nworker:$7$101$x$y\n"
RUNNING = b'{"pid": 7, "started": 11, "boot": "b", "read": {"start": "a", "reload": "b"}}'


def _tmux(data: bytes, _folder: Path) -> object:
    try:
        return parse_state(data.decode("utf-8", "surrogateescape"))
    except ValueError as error:  # the promise of `parse_state`
        return error


def _blocks(data: bytes, _folder: Path) -> object:
    return list(parse_blocks(line.decode("utf-8", "surrogateescape") for line in data.split(b"\n")))


def _monitor(data: bytes, folder: Path) -> object:
    states = StateFolder(str(folder), RealFiles(), FakeClock())
    (folder / "lab.state").write_bytes(data)
    state = watch_state.load(states)
    file = backlog.backlog_file(states, "exec:cat", "exec", lambda _: None)
    Path(file.path).write_bytes(data)
    return state, backlog.load(file)


def _broker(data: bytes, _folder: Path) -> object:
    text = data.decode("utf-8", "replace")
    settings = conf.parse(text)
    found = [conf.complaints(settings, version, "conf") for version in conf.Version]
    rules, _ = acl.parse(text, "acl")
    entries, _ = passwords.parse(text, "passwd")
    return found, acl.differences(rules, acl.Acl({})), [passwords.verifies(each, "x") for each in entries.values()]


def _by_hand(data: bytes, folder: Path) -> object:
    """The three texts of a broker that was made by hand, of which each may be anything."""
    for name in ("mosquitto.conf", "acl", "passwd"):
        (folder / name).write_bytes(data)
    found = hand_made(str(folder))
    return found and takeover(found, _at(2026))


def _certificate(data: bytes, _folder: Path) -> object:
    return certificates.load(data), certificates.load_key(data), running_of(data)


def _at(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=UTC)


def _pem() -> bytes:
    """A certificate with its key, always the same."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(b"1" * 32)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, _at(2026), _at(2027))
    shape = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    encoding = serialization.Encoding.PEM
    return built.sign(key, None).public_bytes(encoding) + key.private_bytes(encoding, *shape)


def _stat(data: bytes, _folder: Path) -> object:
    return start_ticks(data), parsed_note(data)


def _of(
    *seeds: bytes, parse: Callable[[bytes, Path], object], says: Iterable[type[Exception]] = (ReconcilerError,)
) -> Parser:
    return Parser(seeds, parse, tuple(says))


MANIFESTS = tuple((TESTS.parent / "manifests" / name).read_bytes() for name in ("lab.yaml", "custom-types.yaml"))
PARSERS: Mapping[str, Parser] = MappingProxyType(
    {
        "manifest": _of(*MANIFESTS, parse=_manifest),
        "manifest to format": _of(*MANIFESTS, parse=_formatted),
        "manifest to edit": _of(EDITABLE, parse=_edited),
        "registry": _of(REGISTRY, parse=_registry),
        "older registry": _of(*OLDER, parse=_completed),
        "saved plan": _of(PLAN, parse=_plan),
        "project note": _of(PROJECT_NOTE, parse=_project_note),
        "generation": _of(GENERATION, parse=_generation),
        "confirmation": _of(CONFIRMATION, parse=_confirmation),
        "lock": _of(LOCK, parse=_lock),
        "history": _of(HISTORY + b"\n" + HISTORY, parse=_history),
        "job record": _of(json.dumps(to_builtins(JOB)).encode(), parse=_job),
        "older job record": _of(OLDER_JOB, parse=_older),
        "event": _of(sign.sign(EVENT, JOB.auth_token), parse=_event),
        "signed event": _of(json.dumps(to_builtins(EVENT), separators=(",", ":")).encode(), parse=_genuine),
        "outbox": _of(b'{"publisher": "p", "seq": 4}', parse=_outbox),
        "audit": _of(b'{"at": "x", "prev": "00"}\n{"what": 1, "prev": "ab"}\n', parse=_chain),
        "older audit": _of(b'{"timestamp": "x", "event": "started"}\ntext\n{"what": 1, "prev": "ab"}\n', parse=_chain),
        "follower": _of(
            b'{"pid": 7, "started": 1, "boot": "b", "broker": "h:1", "root": "/", "registry": "/r", "jobs": ["x"]}',
            parse=_follower,
        ),
        "hook note": _of(NOTE, b"4711 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 123 1 1", parse=_stat),
        "settings with hooks": _of(SETTINGS, parse=_hooks),
        "settings with trust": _of(b'{"projects": {"/x": {"hasTrustDialogAccepted": true}}}', parse=_trusts),
        "transcript": _of(*TRANSCRIPTS, parse=_heads),
        "messages": _of(*MESSAGES, parse=_messages),
        "tokens": _of(*TOKENS, parse=_tokens),
        "note of a process": _of(*NOTES, parse=_live_notes),
        "screen": _of(*SCREENS, parse=_screens),
        "row of a database": _of(*_row_seeds(), parse=_rows_or_nothing),
        "database": _of(_database_seed(), parse=_database),
        "tmuxp file": _of(*_others("tmuxp"), parse=_tmuxp),
        "tmuxinator file": _of(*_others("tmuxinator"), parse=_tmuxinator),
        "sessions of agent-deck": _of(*_others("agent-deck"), parse=_agent_deck),
        "state of claude-squad": _of(*_others("claude-squad"), parse=_claude_squad),
        "tmux rows": _of(ROW + b"\n" + ROW, parse=_tmux),
        "control mode": _of(BLOCKS, parse=_blocks),
        "monitor": _of(MONITOR, parse=_monitor),
        "broker files": _of(CONF, ACL, PASSWD, parse=_broker),
        "broker by hand": _of(BY_HAND, ACL, PASSWD, parse=_by_hand),
        "certificates": _of(_pem(), RUNNING, parse=_certificate),
        "logins of the page": _of(WEB_LOGINS, parse=_web_logins),
        "browsers of the page": _of(WEB_BROWSERS, parse=_web_browsers),
        "form of the page": Parser((WEB_FORM,), _web_form, (ValueError,)),
    }
)


def whole(name: str, folder: Path) -> Any:
    """The answer to the first undamaged text: a parser that refuses even that would prove nothing."""
    return PARSERS[name].parse(PARSERS[name].seeds[0], folder)

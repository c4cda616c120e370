"""The published JSON documents, as types; `schemas/` is generated from them."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeVar

from typing_extensions import TypedDict

from reconciler.model.record import Json
from reconciler.model.schema import json_schema

T = TypeVar("T")
FORMAT_VERSION = "1.2"
EVENTS_VERSION = "1.0"


def _documented(document: type[T]) -> type[T]:
    """Let pydantic publish the sentences under the keys, in the schema."""
    document.__pydantic_config__ = {"use_attribute_docstrings": True}  # type: ignore[attr-defined]
    return document


Verbs = Literal["create", "resume", "update", "delete", "import", "forget", "defer", "no-op"]
Refusals = Literal["refuse_ambiguous", "refuse_elsewhere", "refuse_missing", "refuse_moved", "unknown"]
Modes = Literal["new", "resume", "fresh_same_id", "fresh_new_id", "none", Refusals]


DeepChangeDoc = TypedDict(
    "DeepChangeDoc",
    {
        "path": str,
        "op": Literal["add", "remove", "replace", "move"],
        "before": Any,
        "after": Any,
        "sensitive": bool,
        "from": NotRequired[str],
    },
)
"""One difference inside of a structure: `args[1]`. The number is the place in the new list; of what is removed, in the
old one. `from` is the old path of an item that moved. Lists that differ too much are one `replace`."""


@_documented
class ChangeDoc(TypedDict):
    """One difference of one resource."""

    path: str
    """The field, dotted: `env.NODE_ENV`."""
    op: Literal["add", "remove", "replace"]
    before: Any
    """The value now; null when there is none, or when it is sensitive."""
    after: Any
    """The value after an apply; null when there is none, or when it is sensitive."""
    sensitive: bool
    """True when the values are kept out of the plan."""
    items: NotRequired[list[DeepChangeDoc]]
    """The items that differ, where both values are lists."""


@_documented
class StepDoc(TypedDict):
    """One thing that apply does for an action, in order."""

    do: str
    """What is done: `make_folder`, `add_worktree`, `start_session`, `stop_session`, ..."""
    target: str
    """To what: a path, a session, a registry row."""


@_documented
class ConversationDoc(TypedDict):
    """The conversation that a start leads into."""

    mode: Modes
    id: str | None
    """Null when it is chosen during apply, or not known."""


@_documented
class ResourceChangeDoc(TypedDict):
    """What happens to one address."""

    address: str
    kind: str
    session: str | None
    actions: list[Verbs]
    """As in Terraform: a replacement is `["delete", "create"]`. Ours: `["resume"]`, `["defer"]`."""
    reason: str
    """A stable code; empty when nothing happens."""
    note: str
    """One clause for people."""
    changes: list[ChangeDoc]
    steps: list[StepDoc]
    conversation: ConversationDoc | None
    file: str
    """The manifest that declares it, else the registry."""
    line: int
    """Counts from 1; 0 when there is no one line."""
    after: NotRequired[list[str]]
    """Addresses whose conversations are waited for before it starts; absent when there are none."""


DriftFactsDoc = TypedDict(
    "DriftFactsDoc",
    {
        "class": str,
        "session": str,
        "address": str | None,
        "message": str,
        "before": Any,
        "after": Any,
        "path": str,
        "changes": NotRequired[list[DeepChangeDoc]],
    },
)
"""One difference between the registry and the live world; `path` is the field.

Of a file of a broker, `changes` say what is different in it; none means that its layout alone is.
"""


DriftDoc = TypedDict(
    "DriftDoc",
    {
        "class": str,
        "session": str,
        "address": str | None,
        "message": str,
        "before": Any,
        "after": Any,
        "path": str,
        "changes": NotRequired[list[DeepChangeDoc]],
        "file": str,
        "line": int,
    },
)
"""One difference between the registry and the live world; `path` is the field, `file` and `line` as for a change.

Of a file of a broker, `changes` say what is different in it; none means that its layout alone is.
"""


@_documented
class AcceptedDoc(TypedDict):
    """A drift that is no news."""

    drift: DriftDoc
    until: str
    """The last day, in UTC."""
    owner: str
    why: str
    file: str
    """The manifest that accepts it."""
    line: int


@_documented
class UnmanagedDoc(TypedDict):
    """A live session that looks like ours and is in no manifest."""

    session: str
    workspace: str
    role: str
    agent: str
    command: str
    cwd: str
    pid: int


@_documented
class DiagnosticDoc(TypedDict):
    """A message with a place and a way out."""

    severity: Literal["error", "refusal", "warning"]
    summary: str
    detail: str
    address: str
    file: str
    line: int
    column: int
    fix: str


SummaryDoc = TypedDict(
    "SummaryDoc",
    {"add": int, "change": int, "destroy": int, "import": int, "forget": int, "resume": int, "deferred": int},
)
"""How many of what; a replacement counts in `add` and in `destroy`. `resume` counts conversations."""


@_documented
class OptionsDoc(TypedDict):
    """How the plan was asked for; `apply PLANFILE` asks the same way again."""

    mode: Literal["normal", "destroy", "refresh-only"]
    manifests: list[str]
    targets: list[str]
    exclude: list[str]
    replace: list[str]
    force: bool
    """True when agents that are in use may be interrupted."""


@_documented
class PlanDoc(TypedDict):
    """Everything that an apply would do. It holds no secret and may be published."""

    format_version: str
    """A new minor version only adds keys; a new major version may do anything."""
    tool_version: str
    options: OptionsDoc
    lineage: str
    """The registry's lineage; empty before the first apply."""
    serial: int
    manifest_digest: str
    digest: str
    """SHA-256 of everything else in the document, as JSON with sorted keys and no spaces, in ASCII."""
    basis: NotRequired[str]
    """Changes when anything that the plan does, or rests on, changes, the live facts behind it included. Since 1.2."""
    summary: SummaryDoc
    resource_changes: list[ResourceChangeDoc]
    resource_drift: list[DriftDoc]
    learned: NotRequired[list[DriftDoc]]
    """What the registry only learns, classes C and I: nothing is wrong. It is not in `resource_drift`."""
    accepted: list[AcceptedDoc]
    """Drift that a manifest accepts; it is not in `resource_drift`."""
    unmanaged: list[UnmanagedDoc]
    diagnostics: list[DiagnosticDoc]


@_documented
class SourceDoc(TypedDict):
    """What one source says of an address."""

    file: str
    """Where it stands; empty for what is live."""
    line: int
    column: int
    facts: dict[str, Any]
    """By name: text, numbers, lists. A variable is named, its value is not there."""


@_documented
class ExplanationDoc(TypedDict):
    """Why something is planned for one address, or nothing is."""

    format_version: str
    address: str
    kind: str
    session: str | None
    why: str
    """One or two sentences; the code of the reason is in `change`."""
    change: ResourceChangeDoc | None
    """As in the plan; null when nothing was compared."""
    declared: SourceDoc | None
    """Null when no manifest declares it."""
    recorded: SourceDoc | None
    """Null when the registry has no row for it, and for a broker."""
    live: SourceDoc
    drift: list[DriftDoc]
    diagnostics: list[DiagnosticDoc]
    next: list[str]
    """What would change the outcome, each a clause."""


@_documented
class DriftsDoc(TypedDict):
    """Where the registry and the live world differ."""

    format_version: str
    tool_version: str
    compared: Literal["live", "offline"]
    """Whether the registry was held against the live world, or against files only."""
    drifts: list[DriftDoc]
    learned: NotRequired[list[DriftDoc]]
    """What the registry only learns, classes C and I: nothing is wrong. It is not in `drifts`."""
    accepted: list[AcceptedDoc]
    """Drift that a manifest accepts; it is not in `drifts`."""
    resource_changes: list[ResourceChangeDoc]
    """What an apply would do, with `--intent` and `--offline`; else nothing."""
    unseen: list[str]
    """What could not be known, because nothing live was looked at."""
    in_sync: bool
    """False when something differs, and when something could not be looked at."""
    diagnostics: list[DiagnosticDoc]


NoticeDoc = TypedDict(
    "NoticeDoc",
    {
        "class": str,
        "session": str,
        "address": str | None,
        "message": str,
        "before": Any,
        "after": Any,
        "path": str,
        "changes": NotRequired[list[DeepChangeDoc]],
        "count": int,
    },
)


@_documented
class PassDoc(TypedDict):
    """One pass of the monitor."""

    format_version: str
    at: str
    """UTC, ISO 8601."""
    drifts: list[NoticeDoc]
    """What nobody was told of yet, what says something else now, and what is back; `count` is how often it was told."""
    known: list[DriftFactsDoc]
    """What was told before, and still is so."""
    in_sync: bool
    """False when something differs, and when something could not be looked at. Classes C and I are no difference."""
    diagnostics: list[DiagnosticDoc]


@_documented
class ConversationRow(TypedDict):
    """One conversation that an agent CLI has stored."""

    id: str
    workspace: str
    agent: str
    """The CLI that stored it."""
    started: str | None
    """When it began: UTC, ISO 8601; null where the CLI does not tell."""
    last_used: str | None
    """When it last changed: UTC, ISO 8601; null where a database keeps it."""
    size: int | None
    """Bytes; null where a database keeps it."""
    bound: list[str]
    """The sessions that have, or had, it."""
    path: str


@_documented
class ConversationsDoc(TypedDict):
    """Every conversation on disk for the workspaces, newest first."""

    format_version: str
    conversations: list[ConversationRow]
    diagnostics: list[DiagnosticDoc]


@_documented
class HistoryDoc(TypedDict):
    """One thing that was done to an agent."""

    at: str
    """UTC, ISO 8601."""
    what: str
    reason: str
    conversation: str
    note: str


@_documented
class StatusDetail(TypedDict):
    """What is told of one agent beyond its line."""

    workspace: str
    stored: str | None
    """Where its conversation is; null while nothing is stored, and where it cannot be looked at."""
    resumable: bool | None
    """Null when it cannot be told."""
    previous: list[str]
    """The ids of its earlier conversations, newest first."""
    history: list[HistoryDoc]
    """The last things that were done to it, oldest first."""


@_documented
class StatusRow(TypedDict):
    """One agent, as recorded and as live."""

    address: str
    session: str
    agent: str
    """Its name in the manifest."""
    type: str
    """The CLI it runs."""
    status: str
    """As recorded: running, stopped, terminated, archived; `declared` before its first start."""
    live: Literal["alive", "exited", "gone", "unknown", "foreign"]
    state: str
    """What it does: idle, busy, waiting, dialog, unknown; empty when it is not alive."""
    conversation: str | None
    pid: int | None
    since: str | None
    """When it was started: UTC, ISO 8601."""
    note: str
    detail: NotRequired[StatusDetail]
    """Only of an agent that was asked for by its name."""


@_documented
class StatusDoc(TypedDict):
    """All agents that are declared or recorded."""

    format_version: str
    agents: list[StatusRow]
    diagnostics: list[DiagnosticDoc]


@_documented
class BrokerListenerDoc(TypedDict):
    """A TLS port of a broker."""

    port: int
    bind: str
    """Address that it listens on; empty for every one."""
    mtls: bool
    """True when clients show a certificate instead of a password."""


@_documented
class BrokerUserDoc(TypedDict):
    """Somebody whom the broker's password file lets in."""

    name: str
    role: str | None
    """Null for one that no setting names."""


@_documented
class CertificateDoc(TypedDict):
    """One certificate of a broker."""

    kind: str
    """ca, server or client."""
    path: str
    """From the broker's folder."""
    subject: str
    not_after: str
    """UTC, ISO 8601."""
    days_left: int
    """Whole days; negative afterwards."""
    due: bool
    """True when a third of its life is left, or less."""
    expired: bool


@_documented
class HandEditDoc(TypedDict):
    """What was changed by hand in one file of a broker."""

    path: str
    """From the broker's folder."""
    words: str
    """The same in a clause for people."""
    changes: list[DeepChangeDoc]
    """Empty when nothing but the layout differs: comments, spaces, the order of lines."""
    against_now: bool
    """True when the settings have changed since: `changes` are then those from what the settings say now."""


@_documented
class BrokerStatusDoc(TypedDict):
    """How a broker is, held against its settings."""

    format_version: str
    address: str
    dir: str
    host: str
    target: Literal["process", "docker", "systemd"]
    running: bool | None
    """Null when something else than this user runs it."""
    pid: int | None
    version: str
    """Of the Mosquitto on this machine; empty for a container."""
    listeners: list[BrokerListenerDoc]
    users: list[BrokerUserDoc]
    certificates: list[CertificateDoc]
    """The first to expire first."""
    edited: list[str]
    """Files that were changed by hand."""
    by_hand: NotRequired[list[HandEditDoc]]
    """What was changed in each of them."""
    changes: list[ChangeDoc]
    """What an apply, or `broker init`, would change."""
    effect: Literal["nothing", "reload", "restart"]
    """What these changes, and `waiting`, ask of the running broker."""
    waiting: Literal["nothing", "reload", "restart"]
    """What the running broker must do to follow the files that are there already."""
    diagnostics: list[DiagnosticDoc]
    """Why the files would not do."""


@_documented
class ExpiryDoc(TypedDict):
    """When the certificates of a broker end."""

    format_version: str
    certificates: list[CertificateDoc]
    """The first to expire first."""
    due: bool
    expired: bool


@_documented
class ProbeDoc(TypedDict):
    """One thing that was tried on a broker."""

    id: str
    """Stable."""
    subject: str
    """The user, file or port that it is about; empty when there is one of its kind."""
    verdict: Literal["pass", "fail", "warning", "skipped"]
    expected: str
    observed: str
    """What was seen; for a skipped probe, why it was not tried."""
    fix: str
    """Empty unless it failed, or warns."""
    seconds: float


@_documented
class ProofDoc(TypedDict):
    """What came of proving a broker."""

    format_version: str
    address: str | None
    """Null when it was found by the environment."""
    passed: bool
    """True when no probe failed, and all could be made."""
    summary: dict[str, int]
    """How many probes of each verdict."""
    probes: list[ProbeDoc]
    """In the order in which they were made."""
    diagnostics: list[DiagnosticDoc]
    """What kept the proof from being finished."""


class PermissionDoc(TypedDict):
    """What an agent asks to be allowed."""

    request: str
    """Names it for `job answer`."""
    tool: str
    what: str
    at: str
    """UTC, ISO 8601."""


@_documented
class ResultDoc(TypedDict):
    """What became of a job."""

    ending: Literal["completed", "error", "timeout", "idle_timeout", "cancelled"]
    detail: str
    at: str
    """UTC, ISO 8601."""


@_documented
class ValidationDoc(TypedDict):
    """What the validation script said."""

    passed: bool
    exit_code: int
    output: str


@_documented
class JobRow(TypedDict):
    """One job: its record without the token and the broker's settings."""

    id: str
    """Sorts by the time it was made."""
    status: Literal["pending", "delivered", "running", "completed", "error", "timed_out", "cancelled"]
    agent: str
    agent_session: str
    """tmux:SESSION; empty for a human."""
    workdir: str
    prompt: str
    timeout: float
    """Seconds."""
    idle_timeout: float
    """Seconds."""
    validate: str
    """The validation script; empty without one."""
    created_at: str
    """UTC, ISO 8601."""
    updated_at: str
    """UTC, ISO 8601."""
    topic: str
    permission: PermissionDoc | None
    """What the agent waits for; null when it waits for nothing."""
    delivery: dict[str, Any] | None
    """The verdict, its evidence, and how it came about; null before."""
    result: ResultDoc | None
    """Null while it is open."""
    retry_of: str
    """The job that this one tries again; empty without one."""
    retries: int
    audit: str
    """The audit folder."""
    validation: NotRequired[ValidationDoc]
    """What its script found, once that has judged the result."""


@_documented
class JobsDoc(TypedDict):
    """Jobs, the oldest first."""

    format_version: str
    jobs: list[JobRow]
    diagnostics: list[DiagnosticDoc]


@_documented
class EventDoc(TypedDict):
    """One line of `apply --json`. Readers must ignore types and keys they do not know."""

    type: Literal[
        "version",
        "plan",
        "manifest_edit",
        "manifest_restore",
        "diagnostic",
        "action_start",
        "action_waiting",
        "action_complete",
        "action_failed",
        "action_skipped",
        "prompt_unverified",
        "confirmation",
        "summary",
    ]
    sequence: int
    """Grows by one with every line."""
    timestamp: str
    """UTC, ISO 8601 with milliseconds."""
    address: NotRequired[str]
    action: NotRequired[str]
    message: NotRequired[str]
    detail: NotRequired[str]
    conversation: NotRequired[str | None]
    tool_version: NotRequired[str]
    format_version: NotRequired[str]
    plan: NotRequired[PlanDoc]
    diagnostic: NotRequired[DiagnosticDoc]
    file: NotRequired[str]
    """The manifest that the command edits."""
    line: NotRequired[int]
    added: NotRequired[list[str]]
    """The lines that come in; none when a block is removed."""
    change: NotRequired[str]
    """What becomes of a manifest as a whole: `create`, `update` or `delete`."""
    kept: NotRequired[str]
    """Where a copy is of what would be lost; empty without one."""
    generation: NotRequired[int | None]
    """What this apply is called in the history, or the generation that a manifest comes from."""
    back_to: NotRequired[int]
    """The generation that comes back unless this one is confirmed."""
    deadline: NotRequired[str]
    """UTC, ISO 8601."""
    summary: NotRequired[dict[str, int]]
    remaining: NotRequired[list[str]]
    exit_code: NotRequired[int]


def plan_schema() -> dict[str, Json]:
    """`schemas/plan.schema.json`: the document of `plan --json` and of a saved plan."""
    return json_schema(PlanDoc, title="reconciler plan", identifier="plan.schema.json")


def event_schema() -> dict[str, Json]:
    """`schemas/event.schema.json`: one line of `apply --json`."""
    return json_schema(EventDoc, title="reconciler event", identifier="event.schema.json")


def explanation_schema() -> dict[str, Json]:
    """`schemas/explanation.schema.json`: the document of `explain --json`."""
    return json_schema(ExplanationDoc, title="reconciler explanation", identifier="explanation.schema.json")


def drift_schema() -> dict[str, Json]:
    """`schemas/drift.schema.json`: the document of `drift --json`."""
    return json_schema(DriftsDoc, title="reconciler drift", identifier="drift.schema.json")


def monitor_diff_schema() -> dict[str, Json]:
    """`schemas/monitor-diff.schema.json`: the document of `monitor --emit-diff`."""
    return json_schema(PassDoc, title="reconciler monitor diff", identifier="monitor-diff.schema.json")


def conversations_schema() -> dict[str, Json]:
    """`schemas/conversations.schema.json`: the document of `conversations --json`."""
    return json_schema(ConversationsDoc, title="reconciler conversations", identifier="conversations.schema.json")


def status_schema() -> dict[str, Json]:
    """`schemas/status.schema.json`: the document of `status --json`."""
    return json_schema(StatusDoc, title="reconciler status", identifier="status.schema.json")


def broker_status_schema() -> dict[str, Json]:
    """`schemas/broker-status.schema.json`: the document of `broker status --json`."""
    return json_schema(BrokerStatusDoc, title="reconciler broker status", identifier="broker-status.schema.json")


def broker_verify_schema() -> dict[str, Json]:
    """`schemas/broker-verify.schema.json`: the document of `broker verify --json`."""
    return json_schema(ProofDoc, title="reconciler broker verify", identifier="broker-verify.schema.json")


def broker_expiry_schema() -> dict[str, Json]:
    """`schemas/broker-expiry.schema.json`: the document of `broker expiry --json`."""
    return json_schema(ExpiryDoc, title="reconciler broker expiry", identifier="broker-expiry.schema.json")


def jobs_schema() -> dict[str, Json]:
    """`schemas/jobs.schema.json`: the document of `job list --json` and `job wait --json`."""
    return json_schema(JobsDoc, title="reconciler jobs", identifier="jobs.schema.json")

"""What is planned for one resource, as several documents say it."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from .common import documented

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


@documented
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


@documented
class StepDoc(TypedDict):
    """One thing that apply does for an action, in order."""

    do: str
    """What is done: `make_folder`, `add_worktree`, `start_session`, `stop_session`, ..."""
    target: str
    """To what: a path, a session, a registry row."""


@documented
class ConversationDoc(TypedDict):
    """The conversation that a start leads into."""

    mode: Modes
    id: str | None
    """Null when it is chosen during apply, or not known."""


@documented
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

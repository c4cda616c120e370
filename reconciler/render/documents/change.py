"""The planned change of one resource, as several documents contain it."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

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
"""One difference inside a list or mapping, such as `args[1]`. The index is the one in the new list; for a removed
item, the one in the old list. `from` is the old path of a moved item. Lists that differ too much are one `replace`."""


class ChangeDoc(TypedDict):
    """One difference of one resource."""

    path: str
    """The field as a dotted path: `env.NODE_ENV`."""
    op: Literal["add", "remove", "replace"]
    before: Any
    """The present value; null if there is none, or if it is sensitive."""
    after: Any
    """The value after an apply; null if there is none, or if it is sensitive."""
    sensitive: bool
    """True if the values are left out because they are secret."""
    items: NotRequired[list[DeepChangeDoc]]
    """The items that differ, if both values are lists."""


class StepDoc(TypedDict):
    """One thing that apply does for an action, in order."""

    do: str
    """The kind of step: `make_folder`, `add_worktree`, `start_session`, `stop_session`, ..."""
    target: str
    """What it is done to: a path, a session, a registry row."""


class ConversationDoc(TypedDict):
    """The conversation that the agent gets at its start."""

    mode: Modes
    id: str | None
    """Null if it is chosen during the apply, or not known."""


class ResourceChangeDoc(TypedDict):
    """What happens to one address."""

    address: str
    kind: str
    session: str | None
    actions: list[Verbs]
    """As in Terraform: a replacement is `["delete", "create"]`. Only here: `["resume"]`, `["defer"]`."""
    reason: str
    """A stable code; empty if nothing happens."""
    note: str
    """One clause of text."""
    changes: list[ChangeDoc]
    steps: list[StepDoc]
    conversation: ConversationDoc | None
    file: str
    """The manifest that declares it, else the registry."""
    line: int
    """The line, from 1; 0 if there is no single line."""
    after: NotRequired[list[str]]
    """Addresses whose conversations must be known before it starts; absent if there are none."""

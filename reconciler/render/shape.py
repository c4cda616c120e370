"""The shape of a plan or a drift: equal on two hosts on which the same would be done.

It puts hosts into groups. Nothing is approved by it: that needs the digest, which differs from host to host.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from reconciler.model.project_identity import ShortNames

if TYPE_CHECKING:
    from reconciler.model.record import Json

    from .documents.change import ChangeDoc, ResourceChangeDoc
    from .documents.common import DiagnosticDoc
    from .documents.drift import DriftDoc

_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)
_PID = re.compile(r"\b(pid|process) \d+")
_TIME = re.compile(r"\b\d{4}-\d\d-\d\dT[\d:.]+Z?")
_ONLY_HERE = frozenset({"conversation", "artifact"})  # the id of a conversation, the size and the time of its file


def shape_of(
    changes: Sequence[ResourceChangeDoc],
    drifts: Iterable[DriftDoc],
    diagnostics: Iterable[DiagnosticDoc],
    names: ShortNames,
) -> str:
    """SHA-256 of what would be done, without what differs between hosts that do the same.

    Conversation ids, pids, times, lineage and serial are left out. The order of drift and diagnostics does not matter.
    """
    plain = _shortened(names)
    ids = {change["conversation"]["id"] for change in changes if change["conversation"]}
    told = _without_ids(filter(None, ids), plain)
    content = [
        [_work(change, plain) for change in changes if change["actions"] != ["no-op"]],
        sorted([each["class"], each["address"] or "", plain(each["path"])] for each in drifts),
        sorted([each["severity"], told(each["summary"]), each["address"]] for each in diagnostics),
    ]
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def _work(change: ResourceChangeDoc, plain: Callable[[str], str]) -> list[object]:
    fields = [_field(each, plain) for each in change["changes"]]
    return [change["address"], change["actions"], change["reason"], fields]


def _field(change: ChangeDoc, plain: Callable[[str], str]) -> list[object]:
    head = [change["path"], change["op"], change["sensitive"]]
    if change["sensitive"] or change["path"] in _ONLY_HERE:
        return head
    return [*head, _everywhere(change["before"], plain), _everywhere(change["after"], plain)]


def _everywhere(value: Json, plain: Callable[[str], str]) -> Json:
    """The value with each text in it shortened; keys of mappings stay."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, Mapping):
        return {key: _everywhere(each, plain) for key, each in value.items()}
    if isinstance(value, Sequence):
        return [_everywhere(each, plain) for each in value]
    return value


def _shortened(names: ShortNames) -> Callable[[str], str]:
    """A function that writes `.`, `~` and `HOST` for the paths and the name of this host."""
    short = {**dict(names.paths), **({names.host: "HOST"} if names.host else {})}
    if not short:
        return str
    whole = "|".join(map(re.escape, short))
    # `/home/u` is neither part of `/home/u2` nor of `/srv/home/u`
    found = re.compile(rf"(?<![\w.-])(?:{whole})(?![\w-])")
    return lambda text: found.sub(lambda match: short[match[0]], text)


def _without_ids(ids: Iterable[str], plain: Callable[[str], str]) -> Callable[[str], str]:
    """A function that also writes `ID`, `TIME` and `N` for what a message says of one host."""
    known = sorted(ids, key=len, reverse=True)

    def told(text: str) -> str:
        for each in known:
            text = text.replace(each, "ID")
        return _TIME.sub("TIME", _PID.sub(r"\1 N", _UUID.sub("ID", plain(text))))

    return told

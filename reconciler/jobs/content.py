"""Turn the content of a job record in today's format into a `Job`, or list everything wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import fields

from reconciler.model.delivery import DeliveryVerdict
from reconciler.model.job import AUTH_TOKEN, Ending, Job, JobStatus, Permission, Result
from reconciler.model.moment import parse_zoned
from reconciler.model.shaped import shaped
from reconciler.model.utf8 import is_utf8

_NUMBER, _COUNT = (int, float), (int,)
_KINDS: Mapping[str, tuple[type, ...]] = {
    "timeout": _NUMBER,
    "idle_timeout": _NUMBER,
    "broker": (dict,),
    "delivery": (dict, type(None)),
    "permission": (dict, type(None)),
    "result": (dict, type(None)),
    "seen": (dict,),
    "retries": _COUNT,
    "validated": (int, type(None)),
}
REQUIRED = tuple(each.name for each in fields(Job) if each.required)
OPTIONAL = tuple(each.name for each in fields(Job) if not each.required)


class RecordMistake(Struct, frozen=True):
    """What is wrong with one key of a record. It never quotes the value: that may be the token."""

    key: str
    what: str


def mistakes_in(content: Mapping[str, Any]) -> tuple[RecordMistake, ...]:
    """Everything that keeps a record from being read."""
    return tuple(RecordMistake(name, what) for name in Job.__struct_fields__ if (what := mistake_of(name, content)))


def mistake_of(name: str, content: Mapping[str, Any]) -> str:
    """What is wrong with one key; empty when nothing is."""
    if name not in content:
        return f"`{name}` is missing" if name in REQUIRED else ""
    value = content[name]
    if not isinstance(value, _KINDS.get(name, (str,))) or isinstance(value, bool):
        return f"`{name}` has the wrong type"
    return next(iter(_about_value(name, value)), "")


def job_of(content: Mapping[str, Any]) -> Job:
    """Build the job from a record without mistakes."""
    known = {name: content[name] for name in Job.__struct_fields__ if name in content}
    permission, result = known.pop("permission", None), known.pop("result", None)
    known["status"] = JobStatus(known.get("status", JobStatus.PENDING))
    known["permission"] = shaped(Permission, permission) if permission else None
    known["result"] = _result(result) if result else None
    return Job(**known)


def _result(content: Mapping[str, Any]) -> Result:
    return shaped(Result, content, ending=Ending(str(content.get("ending"))))


def _about_value(name: str, value: Any) -> Iterator[str]:
    match name:
        case "auth_token" if not AUTH_TOKEN.fullmatch(value):
            yield "`auth_token` is not 64 hex digits"
        case "topic" if not is_utf8(value):
            yield "`topic` is not UTF-8"
        case "status" if value not in set(JobStatus):
            yield "`status` is not one of " + ", ".join(JobStatus)
        case "seen" if not all(type(count) is int for count in value.values()):
            yield "`seen` has a value that is not a whole number"
        case _:
            yield from _about_group(name, value)


def _about_group(name: str, value: Any) -> Iterator[str]:
    """What is wrong with a value that has parts, or with a time."""
    try:
        match name:
            case "created_at" | "updated_at":
                parse_zoned(value)
            case "permission" if value:
                shaped(Permission, value)
            case "result" if value:
                _result(value)
            case "delivery" if value and "verdict" in value:
                DeliveryVerdict(str(value["verdict"]))
    except (ValueError, OverflowError):
        yield f"`{name}` does not have the form that reconciler writes"

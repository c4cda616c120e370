"""Read saved plans."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from reconciler.app.plan.addresses import addresses
from reconciler.model.address import Address
from reconciler.model.errors import ReconcilerError, StalePlan, UsageError
from reconciler.model.plan import Mode
from reconciler.model.read_json import read_json
from reconciler.plan.request import Request
from reconciler.ports import own_files
from reconciler.render.document import content_digest
from reconciler.render.documents import FORMAT_VERSION
from reconciler.render.text import plan_text
from reconciler.state.schemas import schema_mistake

if TYPE_CHECKING:
    from reconciler.render.documents.plan import PlanDoc


_AGAIN = "make one with `reconciler plan --out FILE`"
_VERSION = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})")


def saved_plan(paths: Sequence[str]) -> PlanDoc | None:
    """The saved plan in the only path, or None if the paths are manifests.

    Raises:
        StalePlan: Its content does not match its digest.
        UsageError, ReconcilerError: The file is not a plan, or has a version that is not supported.
    """
    if len(paths) != 1 or paths[0].endswith((".yaml", ".yml")) or not os.path.isfile(paths[0]):
        return None
    document = cast("PlanDoc", _head_checked(paths[0]))
    if mistake := _mistake(document):
        raise ReconcilerError(f"the saved plan {paths[0]} is damaged: {mistake}", fix=_AGAIN)
    if document["digest"] != content_digest(document):
        raise StalePlan(f"the saved plan {paths[0]} was changed after it was made", fix="plan again")
    return document


def _head_checked(path: str) -> dict[str, Any]:
    """The document in the file, after a check that it is a plan of a supported version."""
    try:
        with own_files.regular(path) as file:
            document = read_json(file.read())
        version, _digest, _mode = document["format_version"], document["digest"], document["options"]["mode"]
    except OSError as error:
        raise ReconcilerError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, LookupError, TypeError) as error:
        raise UsageError(f"{path} is not a saved plan", fix=_AGAIN) from error
    numbers = _VERSION.fullmatch(version) if isinstance(version, str) else None
    if numbers is None:
        raise UsageError(f"{path} is not a saved plan", fix=_AGAIN)
    if not _is_read(int(numbers[1]), int(numbers[2])):
        raise ReconcilerError(f"{path} has format {version}; this reconciler reads {FORMAT_VERSION}", fix="plan again")
    return cast(dict[str, Any], document)


def _is_read(major: int, minor: int) -> bool:
    """Whether a document of this version can be read: same major version, and at least our minor version's keys."""
    own_major, own_minor = map(int, FORMAT_VERSION.split("."))
    return major == own_major and minor >= own_minor


def _mistake(document: PlanDoc) -> str:
    """The first reason why a plan cannot be shown or carried out; empty if there is none."""
    if mistake := plan_mistake(document):
        return mistake
    try:
        for path in request_of(document).paths:
            with suppress(OSError):  # a missing file is reported when it is read
                os.stat(path)
    except (ValueError, UsageError) as error:
        return f"`options`: {error}"
    return ""


def plan_mistake(document: PlanDoc) -> str:
    """The first place where a plan does not match its schema; empty if it can be shown."""
    if mistake := schema_mistake("plan", document):
        return f"`{mistake.where or 'its keys'}` does not fit the plan schema"
    try:
        deque(plan_text(document, full=True), maxlen=0)
        deque(plan_text(document), maxlen=0)
    except (LookupError, TypeError, ValueError, AttributeError):  # values that contradict each other
        return "its changes contradict each other"
    return ""


def _addresses(texts: Sequence[str]) -> tuple[Address, ...]:
    """A plan names every agent by its address, whatever the user typed. Raises UsageError for another word."""
    found = addresses(texts)
    if len(found) != len(texts):
        raise UsageError(f"not all of {', '.join(texts)} are addresses")
    return found


def request_of(saved: PlanDoc) -> Request:
    """The request that the saved plan was made from."""
    options = saved["options"]
    return Request(
        paths=tuple(options["manifests"]),
        targets=_addresses(options["targets"]),
        exclude=_addresses(options["exclude"]),
        replace=_addresses(options["replace"]),
        mode=Mode(options["mode"]),
        force=options["force"],
        profiles=tuple(options.get("profiles", ())),
    )

"""Whether a saved plan may be applied: it is the one that was looked at, and the world is as it was."""

from __future__ import annotations

from msgspec import Struct

from reconciler.model.errors import Refused, StalePlan


class Basis(Struct, frozen=True):
    """What a plan rests on. `work` is what it would do, `facts` a digest of the live facts behind that."""

    lineage: str
    serial: int
    manifest_digest: str
    work: object
    facts: str | None


def unapproved(approved: str, saved: str) -> Refused | None:
    """Why the plan with the digest `saved` is not the one that was approved; None when it is, or nobody named one."""
    digest = approved.removeprefix("sha256:")
    if not digest or digest == saved:
        return None
    return Refused(
        "the saved plan is not the one that was approved",
        detail=f"approved: sha256:{digest}\nthe plan: sha256:{saved}",
        fix="look at it with `reconciler show`, and approve its digest",
    )


def stale(then: Basis, now: Basis) -> StalePlan | None:
    """Why a saved plan no longer does what it shows; None while everything that it rests on is as it was."""
    if (then.work, then.facts) == (now.work, now.facts):
        return None
    return StalePlan(
        "the saved plan is stale", detail=_changed(then, now), fix="plan again, look at it, and apply that"
    )


def _changed(then: Basis, now: Basis) -> str:
    if then.lineage and then.lineage != now.lineage:
        return "the plan was made for another registry"
    if (then.lineage, then.serial) != (now.lineage, now.serial):
        return f"the registry has changed (serial {then.serial} then, {now.serial} now)"
    if then.manifest_digest != now.manifest_digest:
        return "the manifests have changed"
    return "live sessions, folders or conversations have changed"

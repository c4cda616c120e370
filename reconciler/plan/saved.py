"""Whether a saved plan may be applied: it must be the approved one, and nothing it is based on may have changed."""

from __future__ import annotations

from msgspec import Struct

from reconciler.model.errors import Refused, StalePlan


class Basis(Struct, frozen=True):
    """What a plan is based on, for comparing a saved plan with a new one."""

    lineage: str
    serial: int
    manifest_digest: str
    work: object
    """What the plan would do."""
    facts: str | None
    """A digest of the live facts behind that work."""


def unapproved(approved: str, saved: str) -> Refused | None:
    """Refuse a saved plan whose digest is not the approved one; None when it is, or when no digest was given."""
    digest = approved.removeprefix("sha256:")
    if not digest or digest == saved:
        return None
    return Refused(
        "the saved plan is not the one that was approved",
        detail=f"approved: sha256:{digest}\nthe plan: sha256:{saved}",
        fix="look at it with `reconciler show`, then pass its digest",
    )


def stale(then: Basis, now: Basis) -> StalePlan | None:
    """Return why a saved plan no longer does what it shows; None when nothing that it is based on has changed."""
    if (then.work, then.facts) == (now.work, now.facts):
        return None
    return StalePlan(
        "the saved plan is stale", detail=_changed(then, now), fix="plan again, look at the new plan, and apply it"
    )


def _changed(then: Basis, now: Basis) -> str:
    if then.lineage and then.lineage != now.lineage:  # empty when the plan was made before the first apply
        return "the plan was made for another registry"
    if (then.lineage, then.serial) != (now.lineage, now.serial):
        return f"the registry has changed (serial {then.serial} then, {now.serial} now)"
    if then.manifest_digest != now.manifest_digest:
        return "the manifests have changed"
    return "live sessions, folders or conversations have changed"

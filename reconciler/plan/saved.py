"""Whether a saved plan may be applied: it must be the approved one, and nothing it is based on may have changed."""

from __future__ import annotations

from msgspec import Struct

from reconciler.model.errors import Refused, StalePlan

_AGAIN = "plan again, look at the new plan, and apply it"


class Basis(Struct, frozen=True):
    """What a plan is based on, for comparing a saved plan with a new one."""

    lineage: str
    serial: int
    manifest_digest: str
    place: tuple[str, ...]
    """The machine, its name, and the project folder."""
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


def unexpected(expected: str, digest: str) -> StalePlan | None:
    """Refuse a plan that is not the expected one; None when it is, or when none is expected."""
    if not expected or expected.removeprefix("sha256:") == digest:
        return None
    return StalePlan(
        "this is not the expected plan",
        detail=f"expected: {expected}\nthe plan now: sha256:{digest}",
        fix="plan again, look at the new plan, and pass its digest to --expect",
    )


def stale(then: Basis, now: Basis) -> StalePlan | None:
    """Return why a saved plan no longer does what it shows; None when nothing that it is based on has changed."""
    if (then.work, then.facts) == (now.work, now.facts):
        return None
    return _elsewhere(then, now) or StalePlan("the saved plan is stale", detail=_changed(then, now), fix=_AGAIN)


def _elsewhere(then: Basis, now: Basis) -> StalePlan | None:
    """Return the error for a plan of another project or machine; None when it is of this one."""
    made = f"it was made on {then.place[1]}, in {then.place[2]}" if then.place else ""
    if then.lineage and then.lineage != now.lineage:  # empty when the plan was made before the first apply
        return StalePlan("the plan is for another registry", detail=made, fix=_AGAIN)
    if then.place[:2] != now.place[:2]:
        return StalePlan("the plan is for another machine", detail=made, fix=_AGAIN)
    if then.place != now.place:
        return StalePlan("the plan is for another project folder", detail=made, fix=_AGAIN)
    return None


def _changed(then: Basis, now: Basis) -> str:
    if (then.lineage, then.serial) != (now.lineage, now.serial):
        return f"the registry has changed (serial {then.serial} then, {now.serial} now)"
    if then.manifest_digest != now.manifest_digest:
        return "the manifests have changed"
    return "live sessions, folders or conversations have changed"

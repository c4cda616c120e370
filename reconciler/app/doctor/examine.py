"""What `doctor` does: gather facts, judge them, carry out cures, and judge again."""

from __future__ import annotations

from reconciler.app.project.project import Project
from reconciler.render.doctor import doctor_document
from reconciler.render.documents.doctor import DoctorDoc

from .checks.every import judge
from .gather import gather
from .mend import mend


def examine(at: Project, *, fix: bool = False) -> DoctorDoc:
    """Check everything. With `fix`, carry out all cures, and check again."""
    facts = gather(at)
    checks = judge(facts)
    mended = mend(at, facts, checks) if fix else ()
    return doctor_document(judge(gather(at)) if mended else checks, mended)

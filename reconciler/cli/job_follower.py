"""What the job commands do before they show anything to the user."""

from __future__ import annotations

from reconciler.app.jobs import background
from reconciler.app.project.project import find_project
from reconciler.cli.job_words import find_records
from reconciler.cli.show.jobs import show_diagnostics
from reconciler.jobs.background import for_queue, noted_follower
from reconciler.jobs.record import Records, look
from reconciler.jobs.warnings import record_warnings


def followed_records(chdir: str, registry: str, registry_dir: str) -> Records:
    """The job records; a background follower that was killed is restarted first."""
    records = find_records(chdir, registry, registry_dir)
    if noted_follower(records) or noted_follower(for_queue(records)):
        background.revive_all(find_project(chdir, registry), records)
    return records


def warn_about(records: Records, job_id: str) -> None:
    """Warn about what was assumed for a job that another tool recorded."""
    show_diagnostics(records, record_warnings([look(records, job_id)]))

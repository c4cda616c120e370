"""The drift of all projects of this user, with one look at each tmux server."""

from __future__ import annotations

from functools import partial

from reconciler.app.plan.drift import STANDARD, DriftOptions, drift
from reconciler.app.project.noted import damaged_notes, open_noted_projects, seen_in_each
from reconciler.render.all_projects import ProjectDrift, all_drift_document
from reconciler.render.documents.drift_all import AllDriftDoc


def drift_of_all(options: DriftOptions = STANDARD) -> AllDriftDoc:
    """The differences between the registry and the live world in every noted project. Nothing is written.

    Raises:
        ReconcilerError: The notes cannot be read.
    """
    found = open_noted_projects()
    seen = seen_in_each(found, partial(drift, options=options))
    return all_drift_document(
        [ProjectDrift(each.noted.note, each.result, each.error) for each in seen], damaged_notes(found)
    )

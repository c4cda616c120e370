"""What was found, as the published document."""

from __future__ import annotations

from reconciler.app.adopt.edits import blocks_by_file
from reconciler.app.adopt.view import AdoptionView
from reconciler.app.project.manifests import display_path
from reconciler.app.project.project import Project
from reconciler.render.adoption import AdoptionFrame, WrittenManifest, adoption_document
from reconciler.render.documents.adopt import AdoptionDoc


def document_of_adoption(at: Project, seen: AdoptionView) -> AdoptionDoc:
    """The document of `adopt --json`."""
    manifests = (WrittenManifest(display_path(path), new, text) for path, new, text in blocks_by_file(seen.edits))
    frame = AdoptionFrame(seen.looked_at, display_path(at.registry_path), tuple(manifests), seen.diagnostics)
    return adoption_document(seen.plan, frame)

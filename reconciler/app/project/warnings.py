"""Warnings that every command shows about a project."""

from __future__ import annotations

import os

from reconciler.app.project.manifests import display_path
from reconciler.app.project.project import Project
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.state.placement import PlacementState
from reconciler.state.registry import StoredRegistry, placement


def copied(at: Project, stored: StoredRegistry) -> tuple[Diagnostic, ...]:
    """The message that this folder is a copy of another project; nothing that another machine recorded counts here."""
    place = placement(at.registry, stored.record)
    if place is None or place.state is not PlacementState.COPY:
        return ()
    error = place.refusal
    severity = Severity.REFUSAL if place.from_another_machine else Severity.WARNING
    return (Diagnostic(severity, error.summary, error.detail, error.fix),)


def older_shapes(at: Project, stored: StoredRegistry) -> tuple[Diagnostic, ...]:
    """What was assumed about a registry that another tool wrote, one warning per kind."""
    if stored.older is None:
        return ()
    from reconciler.state.assumptions import warnings  # as below

    return tuple(warnings(stored, display_path(at.registry_path)))


def about_registry(at: Project, stored: StoredRegistry) -> tuple[Diagnostic, ...]:
    """All warnings about the registry."""
    return (*copied(at, stored), *older_shapes(at, stored))


def with_others(about: tuple[Diagnostic, ...], others: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """What is known about the registry, and what else was found.

    A registry of another machine is told alone: what it says about processes and tmux servers is not of this machine.
    """
    refused = any(each.severity is Severity.REFUSAL for each in about)
    return about if refused else (*about, *others)


def unconfirmed(at: Project) -> tuple[Diagnostic, ...]:
    """The warning about an apply that waits for its confirmation."""
    if not os.path.lexists(os.path.join(at.state, "confirm.json")):
        return ()
    return at.waiting.warnings

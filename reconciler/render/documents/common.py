"""Parts that all published documents share."""

from __future__ import annotations

from typing import Literal, NotRequired, TypeVar

from typing_extensions import TypedDict

T = TypeVar("T")


def documented(document: type[T]) -> type[T]:
    """Make pydantic publish the docstrings under the keys as descriptions in the schema."""
    document.__pydantic_config__ = {"use_attribute_docstrings": True}  # type: ignore[attr-defined]
    return document


@documented
class WatchProjectDoc(TypedDict):
    """What everything that a monitor of several projects reports has besides."""

    project: NotRequired[str]
    """The project's folder; only with `monitor --all`."""


@documented
class DiagnosticDoc(TypedDict):
    """A message with its place and what to do."""

    severity: Literal["error", "refusal", "warning"]
    summary: str
    detail: str
    address: str
    file: str
    line: int
    column: int
    fix: str

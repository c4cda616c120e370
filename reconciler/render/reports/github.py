"""Annotations: workflow commands that GitHub shows beside the lines of the manifests.

The escapes are those of GitHub's own toolkit: a message must not contain `%` and line ends, a property
must not contain `:` and `,` either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .findings import Document, Finding, Level, findings, readable, verdict

_COMMANDS: Mapping[Level, str] = {"error": "error", "warning": "warning", "note": "notice"}
_IN_MESSAGES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTIES = {**_IN_MESSAGES, ":": "%3A", ",": "%2C"}


def github_text(document: Document) -> Iterator[str]:
    """One command per finding that is not accepted, then the verdict as a plain line."""
    yield from (_command(each) for each in findings(document) if not each.accepted)
    yield f"{verdict(document)}."


def _command(finding: Finding) -> str:
    properties = {
        "file": finding.file,
        "line": str(finding.line) if finding.file and finding.line else "",
        "title": " ".join(filter(None, (finding.rule, finding.subject))),
    }
    given = ",".join(f"{key}={_escaped(value, _IN_PROPERTIES)}" for key, value in properties.items() if value)
    message = "\n".join((finding.message, *finding.details))
    return f"::{_COMMANDS[finding.level]} {given}::{_escaped(message, _IN_MESSAGES)}"


def _escaped(text: str, escapes: Mapping[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in readable(text))

"""A page of Markdown for the summary of a CI run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .findings import Document, Finding, findings, grouped, readable, unmanaged, unseen, verdict
from .rules import meaning

LIMIT = 1024 * 1024  # bytes; GitHub's limit for the summary of a step
_SPARE = 256  # for the last line
_SPECIAL = re.compile(r"[\\`*_\[\]<>#|~&@$]")
_TITLES = {"drift": "Drift", "change": "Not applied yet", "diagnostic": "Messages"}


def markdown(document: Document) -> str:
    """The page, at most 1,024 KiB; if it is cut off, its last line says so."""
    found = findings(document)
    lines = [f"## {_escaped(verdict(document))}", "", *_body(document, found)]
    kept = _fitting(lines)
    if kept < len(lines):
        closing = "\n</details>" if _is_open(lines[:kept]) else ""
        return "\n".join(
            [*lines[:kept], f"{closing}\n\n**Cut off here: GitHub's limit for a step summary is 1,024 KiB.**", ""]
        )
    return "\n".join([*lines, ""])


def _fitting(lines: Sequence[str]) -> int:
    """How many of the lines fit."""
    size = 0
    for number, line in enumerate(lines):
        size += len(line.encode()) + 1
        if size > LIMIT - _SPARE:
            return number
    return len(lines)


def _is_open(lines: Sequence[str]) -> bool:
    return sum(line.startswith("<details") for line in lines) > lines.count("</details>")


def _body(document: Document, found: Sequence[Finding]) -> Iterator[str]:
    news = [each for each in found if not each.accepted]
    for kind, title in _TITLES.items():
        groups = list(grouped(each for each in news if each.rule.startswith(f"{kind}/")))
        if groups:
            yield from (f"### {title}", "")
        for rule, group in groups:
            yield from _group(rule, group)
    yield from _accepted([each for each in found if each.accepted])
    yield from _list("In no manifest", unmanaged(document))
    yield from _list("Not looked at", unseen(document))


def _list(title: str, sentences: Sequence[str]) -> Iterator[str]:
    if sentences:
        yield from (f"### {title}", "", *(f"- {_escaped(sentence)}" for sentence in sentences), "")


def _group(rule: str, group: Sequence[Finding]) -> Iterator[str]:
    code = rule.partition("/")[2]
    yield f"<details{' open' if len(group) <= 20 else ''}>"
    yield f"<summary>{_escaped(code)}: {_escaped(meaning(rule))} ({len(group)})</summary>"
    yield from ("", "| what | where |", "|---|---|")
    for each in group:
        text = "<br>".join(map(_escaped, (each.message, *each.details)))
        yield f"| {text} | {_escaped(_place(each))} |"
    yield from ("", "</details>", "")


def _accepted(accepted: Sequence[Finding]) -> Iterator[str]:
    if not accepted:
        return
    yield from ("### Accepted drift", "", "| what | why | where |", "|---|---|---|")
    for each in accepted:
        yield f"| {_escaped(each.message)} | {_escaped(each.accepted)} | {_escaped(_place(each))} |"
    yield ""


def _place(finding: Finding) -> str:
    return f"{finding.file}:{finding.line}" if finding.line else finding.file


def _escaped(text: str) -> str:
    """The text with every character that Markdown, HTML or a table would interpret written as an entity."""
    return _SPECIAL.sub(lambda found: f"&#{ord(found.group())};", " ".join(readable(text).split()))

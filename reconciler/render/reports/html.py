"""One self-contained page: no script, nothing loaded from elsewhere, dark or light as the browser prefers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any, cast

from reconciler.model.harmless import one_line

from .findings import Document, Finding, drifts, findings, grouped, readable, unmanaged, unseen, verdict
from .rules import meaning

_KINDS = (("drift", "Drift"), ("change", "Not applied yet"), ("diagnostic", "Messages"))
_SUMMARY = (("add", "To add"), ("change", "To change"), ("destroy", "To destroy"))
_SELDOM = (("import", "To import"), ("forget", "To forget"), ("deferred", "Deferred"))
_UNFOLDED = 50  # rows; a group with more of them is shown closed

_STYLE = """
:root {
  color-scheme: light dark;
  --text: #1b1f24; --quiet: #59636e; --page: #ffffff; --card: #f6f8fa; --line: #d1d9e0;
  --error: #b3261e; --warning: #8a5a00; --note: #0550ae; --well: #1a7f37;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6edf3; --quiet: #9198a1; --page: #0d1117; --card: #161b22; --line: #30363d;
    --error: #ff8a80; --warning: #e3b341; --note: #79c0ff; --well: #56d364;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1rem; max-width: 72rem; color: var(--text); background: var(--page);
  font: 1rem/1.5 system-ui, sans-serif;
}
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.quiet { color: var(--quiet); }
.verdict { border-left: .3rem solid var(--mark); padding: .4rem 1rem; margin: 1rem 0; background: var(--card); }
.counts { display: flex; flex-wrap: wrap; gap: .75rem; padding: 0; margin: 1rem 0; list-style: none; }
.counts li { border: 1px solid var(--line); border-radius: .5rem; padding: .4rem 1rem; background: var(--card); }
.counts b { font-size: 1.25rem; margin-right: .4rem; }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; overflow-x: auto; }
summary { padding: .5rem 1rem; background: var(--card); cursor: pointer; }
summary code { font-weight: bold; color: var(--mark); }
table { width: 100%; border-collapse: collapse; }
td { padding: .4rem 1rem; border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
td:last-child { width: 30%; color: var(--quiet); }
pre { margin: .25rem 0 0; white-space: pre-wrap; font-size: .875rem; color: var(--quiet); }
code, pre { font-family: ui-monospace, monospace; }
.error { --mark: var(--error); } .warning { --mark: var(--warning); }
.note { --mark: var(--note); } .well { --mark: var(--well); }
"""


def html(document: Document, made: str) -> str:
    """The page, made at this moment. All text is escaped, and a policy stops the browser from running anything."""
    return readable("\n".join([*_head(document), *_body(document, made), "</body>", "</html>", ""]))


def _head(document: Document) -> Iterator[str]:
    yield "<!DOCTYPE html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{_project(document)}: reconciler</title>"
    yield f"<style>{_STYLE}</style>"
    yield "</head>"
    yield "<body>"


def _body(document: Document, made: str) -> Iterator[str]:
    found = findings(document)
    news = [each for each in found if not each.accepted]
    accepted = [each for each in found if each.accepted]
    worst = next((level for level in ("error", "warning", "note") if any(e.level == level for e in news)), "well")
    yield f"<h1>{_project(document)}</h1>"
    yield f'<p class="quiet">{_whose(document)}{escape(made)}</p>'
    yield f'<p class="verdict {worst}">{escape(verdict(document))}</p>'
    yield from _counts(document, news, accepted)
    for kind, title in _KINDS:
        yield from _section(kind, title, [each for each in news if each.rule.startswith(f"{kind}/")])
    if accepted:
        yield from ("<h2>Accepted drift</h2>", *_groups(accepted))
    yield from _list("In no manifest", unmanaged(document))
    yield from _list("Not looked at", unseen(document))
    yield f'<p class="quiet">reconciler {escape(document["tool_version"])}</p>'


def _project(document: Document) -> str:
    """The name of the folder; older documents do not tell whose they are."""
    whose = document.get("at")
    return escape(one_line(os.path.basename(whose["project"]) if whose else "reconciler"))


def _whose(document: Document) -> str:
    kind, whose = "Plan" if "summary" in document else "Drift", document.get("at")
    return escape(one_line(f"{kind} of {whose['project']} on {whose['host']}, " if whose else f"{kind}, "))


def _counts(document: Document, news: Sequence[Finding], accepted: Sequence[Finding]) -> Iterator[str]:
    yield '<ul class="counts">'
    for title, number in (*_changes(document), *_found(document, news, accepted)):
        yield f"<li><b>{number}</b>{title}</li>"
    yield "</ul>"


def _changes(document: Document) -> Iterator[tuple[str, int]]:
    """What an apply would do: of a plan as it counts itself; of a drift check only if it compared the manifests."""
    changes = document["resource_changes"]
    if "summary" in document:
        summary = cast(Mapping[str, Any], document)["summary"]
        yield from ((title, summary[key]) for key, title in _SUMMARY)
        yield from ((title, summary[key]) for key, title in _SELDOM if summary[key])
        yield "Unchanged", sum(change["actions"] == ["no-op"] for change in changes)
    elif changes:
        yield "Not applied yet", len(changes)


def _found(document: Document, news: Sequence[Finding], accepted: Sequence[Finding]) -> Iterator[tuple[str, int]]:
    yield "Drift", len(drifts(document))
    yield "Accepted drift", len(accepted)
    if learned := cast(Mapping[str, Any], document).get("learned"):
        yield "To be recorded", len(learned)
    for level, title in (("error", "Errors"), ("warning", "Warnings")):
        yield title, sum(each.level == level for each in news if each.rule.startswith("diagnostic/"))


def _section(kind: str, title: str, found: Sequence[Finding]) -> Iterator[str]:
    if found:
        yield f'<h2 id="{kind}">{title}</h2>'
        yield from _groups(found)


def _groups(found: Iterable[Finding]) -> Iterator[str]:
    for rule, group in grouped(found):
        code = escape(rule.partition("/")[2])
        yield f'<details class="{group[0].level}"{" open" if len(group) <= _UNFOLDED else ""}>'
        yield f"<summary><code>{code}</code> {escape(meaning(rule))} ({len(group)})</summary>"
        yield "<table>"
        yield from map(_row, group)
        yield "</table>"
        yield "</details>"


def _row(finding: Finding) -> str:
    details = (*finding.details, finding.accepted) if finding.accepted else finding.details
    text = escape("\n".join(details))
    block = f"<pre>{text}</pre>" if details else ""
    place = f"{finding.file}:{finding.line}" if finding.line else finding.file
    return f"<tr><td>{escape(finding.message)}{block}</td><td>{escape(place)}</td></tr>"


def _list(title: str, sentences: Sequence[str]) -> Iterator[str]:
    if sentences:
        yield f"<h2>{title}</h2>"
        yield from ("<ul>", *(f"<li>{escape(sentence)}</li>" for sentence in sentences), "</ul>")

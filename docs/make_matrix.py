"""Write the matrix of the driven versions into `agent-types.md` from tests/real/versions.json: `make matrix`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests" / "real"))

from matrix import STEPS, recorded  # noqa: E402 - beside the file that it reads

PAGE = ROOT / "docs" / "agent-types.md"
HEADING, NEXT = "### What passed\n", "\n## "
_MARKS = {"passed": "yes", "not possible": "n/a", "failed": "**no**", "not reached": "**?**"}


def main() -> None:
    """Write the page."""
    PAGE.write_text(with_matrix(PAGE.read_text("utf-8"), recorded()), "utf-8")


def with_matrix(page: str, rows: list[dict[str, Any]]) -> str:
    """The page with the table and its notes under their heading; the rest of the page stays."""
    before, found, after = page.partition(HEADING)
    if not found:
        raise SystemExit(f"{PAGE.name} has no heading {HEADING.strip()!r}")
    _, cut, rest = after.partition(NEXT)
    return f"{before}{HEADING}\n{_matrix(rows)}{cut}{rest}"  # NEXT begins with the empty line


def _matrix(rows: list[dict[str, Any]]) -> str:
    notes: list[str] = []
    lines = [f"| CLI | driven | {' | '.join(STEPS)} |", f"| --- | --- |{' --- |' * len(STEPS)}"]
    for row in rows:
        cells = [_cell(row["steps"][step], notes) for step in STEPS]
        lines.append(f"| {row['cli']} {row['version']} | {row['date']} | {' | '.join(cells)} |")
    said = "".join(f"{number}. {note}\n" for number, note in enumerate(notes, 1))
    return "\n".join(lines) + "\n" + (f"\n{said}" if said else "")


def _cell(step: dict[str, str], notes: list[str]) -> str:
    """Its mark, with the number of its note."""
    mark, note = _MARKS[step["outcome"]], step.get("seen", "")
    if not note:
        return mark
    if note not in notes:
        notes.append(note)
    return f"{mark} ({notes.index(note) + 1})"


if __name__ == "__main__":
    main()

"""The text of doctor: groups, levels, what was mended, and a verdict that agrees with the exit code."""

from __future__ import annotations

import pytest

from reconciler.model.checkup import CheckName, CheckResult, Cure, Level, Mended
from reconciler.render.doctor import doctor_document, doctor_text
from reconciler.render.terminal import line_style

DONE, HELD = (
    Mended(Cure.FILES, "removed x", done=True),
    Mended(Cure.LOCK, "a lock", done=False, detail="held", exit_code=6),
)
FAILED = Mended(Cure.MODES, "modes", done=False, detail="no", exit_code=1)


def result(level: Level, cure: Cure | None = None) -> CheckResult:
    return CheckResult(
        name=CheckName.CLI, level=level, summary="one\x1b", detail="two\nthree", fix="do this", cure=cure
    )


FINE, NOTE, WARNING = result(Level.OK), result(Level.NOTE), result(Level.WARNING, Cure.FILES)
ERROR, UNKNOWN = result(Level.ERROR), result(Level.UNKNOWN)
OFFER = " `reconciler doctor --fix` mends 1 of them."
VERDICTS = {
    "nothing": ((FINE, NOTE), (), 0, "✓ Everything is in order."),
    "a warning": ((FINE, WARNING), (), 0, f"! 1 warning; nothing prevents the work.{OFFER}"),
    "an error": ((ERROR, WARNING, WARNING), (), 1, "✗ 1 error, 2 warnings. `reconciler doctor --fix` mends 2 of them."),
    "unknown": ((UNKNOWN, UNKNOWN), (), 1, "✗ 2 not known."),
    "all mended": ((FINE,), (DONE,), 0, "✓ Everything is in order."),
    "mended in part": ((ERROR,), (DONE,), 3, "✗ 1 error."),
    "one cure failed": ((WARNING,), (DONE, FAILED), 3, "! 1 warning; nothing prevents the work."),
    "no cure worked": ((WARNING,), (FAILED,), 1, "! 1 warning; nothing prevents the work."),
    "locked": ((WARNING,), (HELD, FAILED), 6, "! 1 warning; nothing prevents the work."),
    "nothing to mend": ((ERROR,), (), 1, "✗ 1 error."),
}


@pytest.mark.parametrize(("checks", "mended", "code", "verdict"), VERDICTS.values(), ids=VERDICTS)
def test_the_verdict_and_the_exit_code(
    checks: tuple[CheckResult, ...], mended: tuple[Mended, ...], code: int, verdict: str
):
    document = doctor_document(checks, mended)
    assert (document["exit_code"], list(doctor_text(document))[-1]) == (code, verdict)
    assert document["healthy"] is not any(check.level in {Level.ERROR, Level.UNKNOWN} for check in checks)


def test_the_lines():
    assert list(doctor_text(doctor_document([FINE, WARNING, UNKNOWN], [DONE, HELD]))) == [
        "agent CLIs",
        "  ✓ one\\x1b",
        "      two",
        "      three",
        "      -> do this",
        "  ! warning: one\\x1b",
        "      two",
        "      three",
        "      -> do this",
        "  ? not known: one\\x1b",
        "      two",
        "      three",
        "      -> do this",
        "",
        "mended",
        "  ✓ removed x",
        "  ✗ not done: a lock",
        "      held",
        "",
        "✗ 1 warning, 1 not known.",
    ]


def test_each_level_has_a_colour_of_its_own():
    lines = list(doctor_text(doctor_document([FINE, NOTE, WARNING, ERROR, UNKNOWN], [])))
    styles = [line_style(line) for line in lines if "one" in line]
    assert styles == ["green", "cyan", "yellow", "red", "magenta"]

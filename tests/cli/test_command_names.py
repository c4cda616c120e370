"""Tab where a command is expected: what typer prints, without typer."""

from __future__ import annotations

import subprocess
import sys

import pytest

from reconciler.cli.command_names import offered_commands
from reconciler.cli.typer_program import run_by_typer

LINES = ["reconciler ", "reconciler s", "reconciler job ", "reconciler broker user r", "reconciler job hooks "]
LEFT_TO_TYPER = [
    "",
    "reconciler -",
    "reconciler -C / ",
    "reconciler nothing",
    "reconciler plan ",
    "reconciler 'st",
    "reconciler stop l",
    "reconciler job submit ",
    "reconciler await",
]
SHELLS = ["bash", "zsh", "fish"]


def asked(shell: str, line: str) -> dict[str, str]:
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(f"{line}|".split()) - 1), "_TYPER_COMPLETE_ARGS": line}
    return {**words, "_TYPER_COMPLETE_FISH_ACTION": "get-args", "_RECONCILER_COMPLETE": f"complete_{shell}"}


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_gets_what_typer_prints(
    shell: str, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {**asked(shell, line), "COLUMNS": "300"}.items():  # typer lets rich break lines
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        run_by_typer([])
    assert capsys.readouterr().out.splitlines() == offered_commands(asked(shell, line))


@pytest.mark.parametrize("line", LEFT_TO_TYPER)
@pytest.mark.parametrize("shell", SHELLS)
def test_all_else_is_left_to_typer(shell: str, line: str) -> None:
    assert offered_commands(asked(shell, line)) is None


def test_typers_other_questions_are_left_to_typer() -> None:
    asking = {**asked("fish", "reconciler s"), "_TYPER_COMPLETE_FISH_ACTION": "is-args"}
    assert offered_commands(asking) is None
    assert offered_commands(asked("powershell", "reconciler s")) is None
    assert offered_commands({"_RECONCILER_COMPLETE": "source_bash"}) is None
    assert offered_commands({**asked("bash", "reconciler s"), "COMP_CWORD": "x"}) is None


@pytest.mark.parametrize("shell", SHELLS)
def test_typer_is_not_loaded(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in asked(shell, "reconciler st").items():
        monkeypatch.setenv(name, value)
    tell = "import sys; from reconciler.cli.run import run; run([]); print('typer' in sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", tell], capture_output=True, text=True, check=True)
    assert "status" in done.stdout
    assert done.stderr == "False\n"

"""The numbers of exit codes stand in one place, and errors have those of the table."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from reconciler.model import errors
from reconciler.model.exit_code import ExitCode

PACKAGE = Path(errors.__file__).parents[1]
CODES = {
    errors.ReconcilerError: 1,
    errors.InvalidManifest: 1,
    errors.RegistryUnreadable: 1,
    errors.Unreachable: 4,
    errors.StalePlan: 5,
    errors.LockHeld: 6,
    errors.Refused: 7,
    errors.UsageError: 64,
}


@pytest.mark.parametrize(("error", "code"), CODES.items(), ids=lambda each: getattr(each, "__name__", None))
def test_each_error_ends_with_the_number_of_the_table(error: type[errors.ReconcilerError], code: int):
    assert error.exit_code == code
    assert isinstance(error.exit_code, ExitCode)


def test_no_error_is_left_out():
    assert set(CODES) == {each for each in vars(errors).values() if isinstance(each, type) and _is_error(each)}


def test_no_number_of_an_exit_code_stands_anywhere_else():
    written = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Assign | ast.AnnAssign) and "exit_code" in ast.unparse(node).partition("=")[0]
        if isinstance(node.value, ast.Constant) and node.value.value is not None
    ]
    assert written == []


def _is_error(each: type) -> bool:
    return issubclass(each, errors.ReconcilerError)

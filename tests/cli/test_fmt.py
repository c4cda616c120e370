"""`reconciler fmt` on files."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.cli.run import run

UNTIDY = "workspaces:\n    w: {path: x}\nversion: 1\n"
TIDY = "version: 1\nworkspaces:\n  w: {path: x}\n"


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "a.yaml").write_text(UNTIDY)
    (tmp_path / "manifests" / "b.yaml").write_text("version: 1\n")
    return tmp_path / "manifests"


def test_it_writes_what_is_untidy_and_names_it(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (lab / "a.yaml").chmod(0o640)

    assert run(["fmt"]) == 0
    assert capsys.readouterr().out == "manifests/a.yaml\n"
    assert (lab / "a.yaml").read_text() == TIDY
    assert (lab / "a.yaml").stat().st_mode & 0o777 == 0o640
    assert run(["fmt"]) == 0
    assert capsys.readouterr().out == ""


def test_check_writes_nothing_and_exits_1(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fmt", "--check"]) == 1
    assert capsys.readouterr().out == "manifests/a.yaml\n"
    assert (lab / "a.yaml").read_text() == UNTIDY
    assert run(["fmt", "--check", "manifests/b.yaml"]) == 0


def test_diff_shows_what_changes(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (lab / "a.yaml").write_text("version:  1")

    assert run(["fmt", "--check", "--diff"]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "--- manifests/a.yaml",
        "+++ manifests/a.yaml",
        "@@ -1 +1 @@",
        "-version:  1",
        "\\ No newline at end of file",
        "+version: 1",
    ]


def test_where_one_file_is_no_yaml_none_is_written(lab: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (lab / "b.yaml").write_text("a: b: c\n")

    assert run(["fmt"]) == 1
    assert "manifests/b.yaml:1:5" in capsys.readouterr().err
    assert (lab / "a.yaml").read_text() == UNTIDY


def test_a_symbolic_link_stays_one(lab: Path) -> None:
    (lab / "c.yaml").symlink_to(lab / "a.yaml")

    assert run(["fmt", "manifests/c.yaml"]) == 0
    assert (lab / "c.yaml").is_symlink()
    assert (lab / "a.yaml").read_text() == TIDY


def test_without_a_manifest_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["fmt"]) == 64

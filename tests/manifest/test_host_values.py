"""reconciler.env.yaml: what `${NAME}` stands for on one host."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.app.project.manifests import load_manifests
from reconciler.app.project.project import find_project
from reconciler.manifest import Source, host_values, host_values_text
from reconciler.model.errors import InvalidManifest

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,9}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF))


def read(text: str) -> dict[str, str]:
    return host_values(Source("reconciler.env.yaml", text.encode()))


@given(st.dictionaries(NAMES, TEXTS, max_size=4))
def test_what_a_push_writes_is_read_back_and_is_yaml(values: dict[str, str]):
    text = host_values_text(values)
    assert read(text) == values
    assert (yaml.load(text, yaml.BaseLoader) or {}) == values  # noqa: S506 - it makes only strings


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("PLACE: plain\n", 1, "not a value of this host"),
        ('PLACE: "a"\nPORT: 80\n', 2, "not a value of this host"),
        ('PLACE: "a"\n\n# x\nPLACE: "b"\n', 4, "`PLACE` is defined twice"),
        ('PLACE: "a\n', 1, "not a value of this host"),
        ('PLACE: "\\q"\n', 1, "not a value of this host"),
        ('9: "a"\n', 1, "not a value of this host"),
        ("- a\n", 1, "not a value of this host"),
    ],
)
def test_a_line_that_is_no_value_is_named_with_its_place(text: str, line: int, said: str):
    with pytest.raises(InvalidManifest) as error:
        read(text)
    (found,) = error.value.diagnostics
    assert found.place
    assert (found.place.file, found.place.line) == ("reconciler.env.yaml", line)
    assert re.search(said, found.summary)


def test_an_empty_file_has_no_values():
    assert read("") == read("# nothing\n{}\n---\n") == {}


def test_the_values_come_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PLACE", "of the environment")
    monkeypatch.setenv("OTHER", "o")
    manifest = 'version: 1\nworkspaces: {w: {path: "${PLACE}/${OTHER}"}}\n'
    (tmp_path / "reconciler.yaml").write_text(manifest)
    at = find_project(str(tmp_path), "")

    def path() -> str:
        (home,) = load_manifests(at, ()).desired.workspaces.values()
        return str(Path(home.path).relative_to(tmp_path))

    assert path() == "of the environment/o"
    (tmp_path / "reconciler.env.yaml").write_text('PLACE: "of this host"\n')
    assert path() == "of this host/o"

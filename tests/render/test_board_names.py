"""How projects of the same name are told apart on the board."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.render.board_words import labelled, projects_of


def _document(*projects: tuple[str, str, str]) -> Any:
    """Projects with their name, folder and registry; each has one agent."""
    rows = [
        {"host": "", "project": name, "folder": folder, "registry": registry} for name, folder, registry in projects
    ]
    return {"hosts": [], "projects": [{**each, "error": None} for each in rows], "agents": rows}


@pytest.mark.parametrize(
    ("projects", "labels"),
    [
        ([("lab", "/a/lab", "1"), ("shop", "/a/shop", "2")], ["lab", "shop"]),
        ([("lab", "/a/lab", "1"), ("lab", "/b/lab", "2")], ["a/lab", "b/lab"]),
        ([("lab", "/a/x/lab", "1"), ("lab", "/b/x/lab", "2"), ("z", "/z", "3")], ["a/x/lab", "b/x/lab", "z"]),
        ([("shop", "/one", "1"), ("shop", "/two", "2")], ["shop (one)", "shop (two)"]),
        ([("lab", "/lab", "/lab/r1.yaml"), ("lab", "/lab", "/lab/r2.yaml")], ["lab (r1.yaml)", "lab (r2.yaml)"]),
        ([("lab", "/lab", "1"), ("lab", "/a/lab", "2")], ["lab", "a/lab"]),
    ],
)
def test_projects_of_the_same_name_are_told_apart(projects: list[tuple[str, str, str]], labels: list[str]) -> None:
    document = labelled(_document(*projects))
    assert [each["project"] for each in document["projects"]] == labels
    assert [each["project"] for each in document["agents"]] == labels
    assert [each["registry"] for each in document["agents"]] == [registry for _, _, registry in projects]


def test_a_project_that_is_left_out_takes_no_name_from_another() -> None:
    document = _document(("lab", "/a/lab", "1"), ("lab", "/b/lab", "2"))
    document["projects"][1]["error"] = {"summary": "its folder is not there"}
    assert projects_of(labelled(document)) == "lab"


def test_a_document_without_such_names_is_not_copied() -> None:
    document = _document(("lab", "/a/lab", "1"))
    assert labelled(document) is document

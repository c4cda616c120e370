from __future__ import annotations

import pytest

from reconciler.agents.catalogue import BUILT_IN, catalogue
from reconciler.agents.declared import declared_profile
from reconciler.agents.launch import with_conversation
from reconciler.agents.storage import StoredHead
from reconciler.agents.subject import AgentEnvironment
from reconciler.model.activity import Activity
from reconciler.model.desired import AgentType

SUBJECT = AgentEnvironment("/lab/[x]", "/home/u", {})


def test_artifacts_are_filled_in_and_relative_ones_start_in_the_workspace() -> None:
    declared = AgentType("mine", ("mine",), artifacts=("/home/u/.mine/{session_id}.json", "log/{session_id}*"))
    assert declared_profile(declared).storage.artifacts(SUBJECT, "b[3]") == (
        "/home/u/.mine/b[[]3].json",
        "/lab/[[]x]/log/b[[]3]*",
    )


def test_the_folder_of_the_workspace_can_stand_inside_an_artifact() -> None:
    declared = AgentType("mine", ("mine",), artifacts=("/var/mine{cwd}/{session_id}",))
    assert declared_profile(declared).storage.artifacts(SUBJECT, "b3a7") == ("/var/mine/lab/[[]x]/b3a7",)


def test_every_conversation_is_looked_for_with_a_wildcard_for_its_id() -> None:
    declared = AgentType("mine", ("mine",), artifacts=("/home/u/.mine/{session_id}.json", "log/{session_id}*"))
    assert declared_profile(declared).storage.stores(SUBJECT) == ("/home/u/.mine/*.json", "/lab/[[]x]/log/*")


@pytest.mark.parametrize(
    ("template", "path", "folder"),
    [
        ("/home/u/.mine/{session_id}.json", "/home/u/.mine/b3a7.json", ""),
        ("log/{session_id}.json", "/lab/[x]/log/b3a7.json", "/lab/[x]"),
        ("{cwd}/{session_id}", "/lab/[x]/b3a7", "/lab/[x]"),
        ("/var/mine{cwd}/{session_id}", "/var/mine/lab/[x]/b3a7", "/lab/[x]"),
        ("/var{cwd}{cwd}/{session_id}", "/var/lab/[x]/lab/[x]/b3a7", "/lab/[x]"),
        ("/m/{session_id}/{session_id}.db", "/m/b3a7/b3a7.db", ""),
        ("/m/*/{session_id}-?.db", "/m/2026/b3a7-1.db", ""),
    ],
)
def test_the_path_of_a_conversation_tells_its_id_and_its_folder(template: str, path: str, folder: str) -> None:
    profile = declared_profile(AgentType("mine", ("mine",), artifacts=(template,)))
    assert profile.storage.read_head(path, b"") == StoredHead("b3a7", folder)


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/m/{session_id}/{session_id}.db", "/m/b3a7/other.db"),
        ("/m/last.db", "/m/last.db"),
        ("/m/{session_id}*", "/m/b3a7.db"),
    ],
)
def test_a_path_that_no_template_explains_is_no_conversation(template: str, path: str) -> None:
    profile = declared_profile(AgentType("mine", ("mine",), artifacts=(template,)))
    assert profile.storage.read_head(path, b"") is None


def test_busy_is_searched_in_the_title() -> None:
    profile = declared_profile(AgentType("mine", ("mine",), busy="work(s|ing)$"))
    assert profile.display.activity("it is working") is Activity.BUSY
    assert profile.display.activity("working hard") is Activity.IDLE
    assert profile.display.tells_activity


def test_without_busy_nothing_is_known_of_the_activity() -> None:
    profile = declared_profile(AgentType("mine", ("mine",)))
    assert profile.display.activity("working") is Activity.UNKNOWN
    assert not profile.display.tells_activity


def test_what_a_type_can_do_follows_from_its_templates() -> None:
    profile = declared_profile(AgentType("mine", ("mine",), new=("--id={session_id}",), resume=("--last",)))
    assert (profile.launch.chooses_id, profile.launch.resumes, profile.storage.keeps_files) == (True, False, False)
    assert with_conversation(profile.launch.new, "b3a7") == ("--id=b3a7",)


def test_the_catalogue_holds_the_built_in_types_and_the_declared_ones() -> None:
    assert catalogue([AgentType("mine", ("mine",))]).keys() == {*BUILT_IN, "mine"}

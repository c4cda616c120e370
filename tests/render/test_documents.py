"""The published documents: one file each, named as the schema."""

from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest

from reconciler.model.action import Verb
from reconciler.model.conversation import ConversationMode
from reconciler.render.documents.change import Modes, Verbs

ROOT = Path(__file__).parents[2]
FILES_THAT_ARE_READ = {"manifest", "registry", "job"}  # their schemas come from the rooms that read them
PUBLISHED = {path.name.removesuffix(".schema.json") for path in (ROOT / "schemas").glob("*.json")} - FILES_THAT_ARE_READ


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_published_document_has_a_file_of_its_name(name: str) -> None:
    module = import_module(f"reconciler.render.documents.{name.replace('-', '_')}")
    assert module.schema()["$id"] == f"{name}.schema.json"
    assert f"`schemas/{name}.schema.json`" in (module.__doc__ or "")


def test_every_file_with_a_schema_is_published() -> None:
    files = (ROOT / "reconciler/render/documents").glob("*.py")
    with_schema = {path.stem.replace("_", "-") for path in files if "def schema()" in path.read_text()}
    assert with_schema == PUBLISHED


def test_the_published_words_of_a_change_are_those_of_the_model() -> None:
    assert set(get_args(Verbs)) == {*Verb} - {Verb.REPLACE}, "a replacement is published as delete and create"
    assert set(get_args(Modes)) == {*ConversationMode}

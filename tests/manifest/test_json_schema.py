import json
import subprocess
import sys
from typing import Annotated

import jsonschema
from typing_extensions import TypedDict

from reconciler.model.schema import Pattern, json_schema

STRICT = {"extra": "forbid", "use_attribute_docstrings": True}


class Leaf(TypedDict):
    """A leaf."""

    __pydantic_config__ = STRICT

    pair: tuple[int, str]


class Tree(TypedDict):
    """A tree."""

    __pydantic_config__ = STRICT

    leaf: Leaf
    """The first leaf."""
    leaves: dict[Annotated[str, Pattern("[a-z]+")], Leaf]
    """More leaves."""


SCHEMA = json_schema(Tree, title="tree", identifier="urn:tree")


def test_the_schema_is_plain_draft_07():
    text = json.dumps(SCHEMA)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert (SCHEMA["$id"], SCHEMA["title"]) == ("urn:tree", "tree")
    assert not [word for word in ("$defs", "prefixItems", "unevaluated") if word in text]
    jsonschema.Draft7Validator.check_schema(SCHEMA)


def test_nothing_stands_beside_a_reference():
    assert SCHEMA["properties"]["leaf"] == {
        "allOf": [{"$ref": "#/definitions/Leaf"}],
        "description": "The first leaf.",
    }


def test_the_schema_accepts_the_document_and_refuses_others():
    leaf = {"pair": [1, "a"]}
    valid = jsonschema.Draft7Validator(SCHEMA).is_valid
    assert valid({"leaf": leaf, "leaves": {"a": leaf}})
    assert not valid({"leaf": leaf, "leaves": {"A": leaf}})
    assert not valid({"leaf": {"pair": [1, "a", 2]}, "leaves": {}})
    assert not valid({"leaf": leaf, "leaves": {}, "other": 1})


def test_the_schema_room_costs_no_pydantic_until_a_schema_is_made():
    program = "import sys, reconciler.model.schema; print('pydantic' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"

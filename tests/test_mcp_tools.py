"""The tools of the MCP server, against their page, and the schemas that clients see."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest

from reconciler.mcp.changing import CHANGING
from reconciler.mcp.reading import READING
from reconciler.mcp.schemas import input_schema, output_schema
from reconciler.mcp.tool import Tool, ToolPermission

TOOLS = (*READING, *CHANGING)
PAGE = (Path(__file__).parents[1] / "docs" / "mcp.md").read_text("utf-8")


def test_the_page_names_every_tool_and_what_allows_it():
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \|(?: `--allow (\w+)`)? \|$", PAGE, re.MULTILINE)
    assert rows == [(tool.name, tool.permission or "") for tool in TOOLS]


def test_each_permission_is_for_a_tool_or_about_the_agent_itself():
    assert set(ToolPermission) == {tool.permission for tool in TOOLS if tool.permission} | {ToolPermission.SELF}


def test_what_changes_something_needs_a_permission():
    assert all(tool.permission for tool in CHANGING)
    assert not any(tool.permission or tool.changes for tool in READING)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_clients_can_use_the_schemas(tool: Tool):
    for schema in (input_schema(tool), output_schema(tool)):
        assert schema["type"] == "object"
        jsonschema.Draft202012Validator.check_schema(schema)
    described = input_schema(tool)["properties"]
    assert all(schema.get("description") for schema in described.values()), described

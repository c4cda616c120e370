"""The collection stays thin, and each file of it has its own licence."""

from __future__ import annotations

import ast
import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = ROOT / "ansible_collections" / "reconciler" / "fleet" / "plugins"
MODULE, CALLBACK = PLUGINS / "modules" / "reconcile.py", PLUGINS / "callback" / "lines.py"


def imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize(
    ("path", "lines", "licence"), [(MODULE, 150, "BSD-2-Clause"), (CALLBACK, 80, "GPL-3.0-or-later")]
)
def test_a_plugin_is_short_and_names_its_licence(path, lines, licence):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) < lines
    assert f"SPDX-License-Identifier: {licence}\n" in text


def test_the_module_uses_only_utilities_under_bsd():
    ansible = {name for name in imported(MODULE) if name.startswith("ansible")}
    assert ansible == {"ansible.module_utils.basic"}
    assert not any(name.startswith("reconciler") for path in (MODULE, CALLBACK) for name in imported(path))


def test_reconciler_itself_imports_nothing_of_ansible():
    assert imported(CALLBACK) >= {"ansible.plugins.callback"}, "this test would notice nothing"
    modules = (ROOT / "reconciler").rglob("*.py")
    assert [str(path) for path in modules if any(name.split(".")[0] == "ansible" for name in imported(path))] == []


@pytest.fixture(scope="module")
def module():
    spec = importlib.util.spec_from_file_location("reconcile_module", MODULE)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


GIVEN = {
    "do": "apply",
    "project": "/lab; rm -rf /",
    "executable": "reconciler",
    "expect": "sha256:ab",
    "targets": ["workspace.lab"],
    "max_destroy": 2,
    "lock_timeout": "5s",
    "login": True,
}


def test_the_module_runs_one_command_and_no_text_becomes_code(module):
    words = module.command(GIVEN, check=False)
    assert words[1:4] == ["-l", "-c", 'exec "$0" "$@"']
    assert words[4:8] == ["reconciler", "-C", "/lab; rm -rf /", "apply"]
    assert words[8:] == [
        *("--json", "--auto-approve", "--lock-timeout=5s", "--target=workspace.lab"),
        *("--expect=sha256:ab", "--max-destroy=2"),
    ]


@pytest.mark.parametrize(("do", "words"), [("apply", ["plan", "--json"]), ("destroy", ["plan", "--json", "--destroy"])])
def test_check_mode_only_plans(module, do, words):
    assert module.command({**GIVEN, "do": do, "targets": [], "login": False}, check=True)[3:] == words


def test_what_comes_before_the_document_is_a_failure(module):
    with pytest.raises(ValueError, match="printed something before the document: Welcome"):
        module.document_in(b'Welcome\n{"format_version": "1.3"}')
    with pytest.raises(ValueError, match="no document"):
        module.document_in(b"")


def test_an_apply_that_was_killed_has_no_end(module):
    lines = [{"type": "version", "sequence": 0}, {"type": "plan", "plan": {"format_version": "1.3"}}]
    document, end = module.document_in("\n".join(map(json.dumps, lines)).encode())
    assert (document, end) == ({"format_version": "1.3"}, {})
    last = {"type": "summary", "changed": True}
    assert module.document_in("\n".join(map(json.dumps, [*lines, last])).encode())[1] == last


def test_a_difference_shows_no_secret(module):
    change = {"path": "env.TOKEN", "op": "replace", "before": "old", "after": "sesame", "sensitive": True}
    plain = {"path": "args", "op": "replace", "before": ["-a"], "after": ["-b"], "sensitive": False}
    document = {"resource_changes": [{"address": "agent.l.c", "actions": ["update"], "changes": [change, plain]}]}
    assert module.difference(document) == {
        "before": 'agent.l.c: now\n  args: ["-a"]\n',
        "after": 'agent.l.c: update\n  args: ["-b"]\n',
    }

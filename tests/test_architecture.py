"""What the design promises about the code itself."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import typer

from reconciler.agents.catalogue import BUILT_IN
from reconciler.cli.run import _COMMANDS
from reconciler.model.action import Reason
from reconciler.model.exit_code import ExitCode
from reconciler.model.observed import Present
from reconciler.ports.files import RealFiles

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "reconciler"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(PACKAGE.rglob("*/__init__.py"))
SCHEMAS = sorted((PROJECT / "schemas").glob("*.schema.json"))
HEAVY = {
    "libtmux",
    "paho",
    "cryptography",
    "deepdiff",
    "jsonschema",
    "rich",
    "jinja2",
    "ruamel",
    "pydantic",
    "hypothesis",
}
ORDINARY_WORDS = {"shell"}  # a CLI of such a name would be found everywhere

# The starter manifest is a text that shows a user what to write.
ALLOWED = {Path("app/project/starter.py")}


# The catalogue lists all of them; agy keeps its files in a folder of another CLI's; a user of the broker is
# called claude-worker.
NAMED_BESIDE = {Path("agents/catalogue.py"), Path("agents/agy.py"), Path("model/broker.py")}


@pytest.mark.parametrize("name", sorted(BUILT_IN.keys() - ORDINARY_WORDS))
def test_an_agent_cli_is_named_in_its_own_file_and_nowhere_else(name: str) -> None:
    own = Path(f"agents/{name.replace('-', '_')}.py")
    places = {path.relative_to(PACKAGE) for path in MODULES if any(name in text for text in _literals(path))}
    assert own in places, "this test would notice nothing"
    assert places - ALLOWED - NAMED_BESIDE == {own} - NAMED_BESIDE


def _literals(path: Path) -> list[str]:
    """The strings of a module, but for its documentation."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    documentation = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    strings = [node for node in nodes if isinstance(node, ast.Constant) and id(node) not in documentation]
    return [node.value for node in strings if isinstance(node.value, str)]


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: path.parent.name)
def test_every_room_says_what_it_promises_in_a_few_lines(path: Path) -> None:
    said = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    assert 2 <= len(said.splitlines()) <= 8


@pytest.mark.parametrize("module", _COMMANDS, ids=lambda module: module.__name__.rpartition(".")[2])
def test_a_file_of_commands_is_named_after_the_first_and_names_them_all(module: ModuleType) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    module.register(app)
    names = {name for name, each in typer.main.get_command(app).commands.items() if not each.hidden}
    listed = re.findall(r"\w+", (module.__doc__ or "").partition(":")[0])
    assert listed[0] == module.__name__.rpartition(".")[2].rstrip("_")
    assert names <= set(listed)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_a_committed_schema_is_what_the_code_prints(path: Path) -> None:
    printed = _run("schema", "print", path.name.removesuffix(".schema.json"))
    assert path.read_text("utf-8") == printed.stdout


def test_the_schema_of_every_document_is_committed() -> None:
    assert {path.name.split(".")[0] for path in SCHEMAS} == {
        "manifest",
        "monitor-diff",
        "registry",
        "plan",
        "event",
        "drift",
        "explanation",
        "conversations",
        "status",
        "broker-status",
        "broker-verify",
        "broker-expiry",
        "job",
        "jobs",
        "history",
        "generation",
        "generation-diff",
        "job-dry-run",
        "job-verify",
        "job-publish",
        "job-answer",
        "job-hooks",
        "job-logs",
        "monitor",
        "monitor-news",
        "monitor-agent",
    }


# --- printing ---------------------------------------------------------------------------------

DOOR = Path("render/door.py")
# `--version` prints our own words before anything is imported; the launcher runs without the package, in a pane.
PRINTING = {DOOR, Path("__main__.py"), Path("ports/launcher.py")}
WAYS_OUT = {"write", "writelines", "buffer", "write_styled", "echo", "secho", "prompt", "confirm", "print_exc"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_is_printed_but_through_the_one_door(path: Path) -> None:
    if path.relative_to(PACKAGE) not in PRINTING:
        assert _prints(ast.parse(path.read_text("utf-8"))) == []


def test_the_search_for_printing_finds_it() -> None:
    source = 'print(1); sys.stdout.write("x"); streams.err.write("x"); typer.echo("x"); input(); os.write(1, b"x")'
    assert len(_prints(ast.parse(source))) == 6
    assert _prints(ast.parse((PACKAGE / DOOR).read_text("utf-8")))


def _prints(tree: ast.AST) -> list[str]:
    """The calls in a module that print, as they are written."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [ast.unparse(call) for call in calls if _is_printing(call)]


def _is_printing(call: ast.Call) -> bool:
    match call.func:
        case ast.Name(id="print" | "input"):
            return True
        case ast.Attribute(value=ast.Name(id="os"), attr="write"):
            return isinstance(call.args[0], ast.Constant)
        case ast.Attribute(value=value, attr=attr) if attr in WAYS_OUT:
            return bool(re.search(r"std(out|err)|typer|click|traceback|stream|terminal", ast.unparse(value)))
        case _:
            return False


# What still prints by itself. A file that no longer does leaves this list.
PRINTS_FOR_NOW = {
    "app/brokers/brokers.py",
    "app/brokers/proof.py",
    "app/history/past.py",
    "app/history/watchdog.py",
    "app/jobs/audits.py",
    "app/jobs/follower.py",
    "app/jobs/jobs.py",
    "app/monitor/monitor.py",
    "app/monitor/subscription.py",
}
_TERMINAL = re.compile(r"\bprint\(|\binput\(|\bsys\.(__)?std(in|out|err)\b")


def test_what_the_product_does_names_no_standard_stream() -> None:
    names = {str(path.relative_to(PACKAGE)): path for path in MODULES if PACKAGE / "app" in path.parents}
    assert {name for name, path in names.items() if _TERMINAL.search(path.read_text("utf-8"))} == PRINTS_FOR_NOW


# --- start-up ---------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["--help"], ["--version"]])
def test_help_and_version_import_nothing_heavy(words: list[str]) -> None:
    assert _heavy_imports(*words) == set()


def test_a_plan_without_changes_imports_nothing_heavy(tmp_path: Path) -> None:
    """The manifest is remembered since the last apply, and so is the registry."""
    socket = tmp_path / "no-server"
    (tmp_path / "reconciler.yaml").write_text(
        f"version: 1\ntmux: {{socket_path: {socket}}}\nworkspaces: {{w: {{path: w}}}}\n"
    )
    _run("-C", str(tmp_path), "apply", "--auto-approve")
    _run("-C", str(tmp_path), "apply", "--auto-approve")
    assert _heavy_imports("-C", str(tmp_path), "plan", "--detailed-exitcode") == set()
    assert isinstance(RealFiles().folder(str(tmp_path / "w")), Present)


_TELL_IMPORTS = """
import json, sys
from reconciler.__main__ import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
finally:
    print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
"""


def _heavy_imports(*words: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", _TELL_IMPORTS, *words], capture_output=True, text=True, check=True)
    return HEAVY & set(json.loads(done.stdout.splitlines()[-1]))


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "reconciler", *words], capture_output=True, text=True, check=True)


# --- documentation ----------------------------------------------------------------------------

REFERENCE = PROJECT / "docs" / "reference.md"


@pytest.mark.parametrize("reason", [reason.value for reason in Reason if reason.value])
def test_every_reason_is_documented(reason: str) -> None:
    assert f"`{reason}`" in REFERENCE.read_text("utf-8")


@pytest.mark.parametrize("code", list(ExitCode), ids=lambda code: code.name)
def test_every_exit_code_is_documented(code: ExitCode) -> None:
    assert re.search(rf"^\| *`?{code.value}`? *\|", REFERENCE.read_text("utf-8"), re.MULTILINE)

"""What the design promises about the code itself."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest
import warm
from waiting import PATIENCE

from reconciler.agents.catalogue import BUILT_IN
from reconciler.cli.catalogue import CATALOGUE, Command
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
    "textual",
    "libtmux",
    "paho",
    "nats",
    "cryptography",
    "deepdiff",
    "jsonschema",
    "rich",
    "jinja2",
    "ruamel",
    "pydantic",
    "hypothesis",
    # of the standard library or beside it: each takes as long as a tenth of a plan, and what brings it is seldom used
    "typer",
    "typing_extensions",
    "inspect",
    "dataclasses",
    "importlib.resources",
    "shutil",
    "tempfile",
    "difflib",
}
ORDINARY_WORDS = {"shell"}  # a CLI of such a name would be found everywhere

# The starter manifest is a text that shows a user what to write.
ALLOWED = {Path("app/project/starter.py")}


# The catalogue lists all of them; agy keeps its files in a folder of another CLI's; a user of the broker is
# called claude-worker, and another tool is called claude-squad.
NAMED_BESIDE = {
    Path("adopt/claude_squad.py"),
    Path("agents/catalogue.py"),
    Path("agents/agy.py"),
    Path("app/adopt/sources.py"),
    Path("model/broker.py"),
}


@pytest.mark.parametrize("name", sorted(BUILT_IN.keys() - ORDINARY_WORDS))
def test_an_agent_cli_is_named_in_its_own_file_and_nowhere_else(name: str) -> None:
    own = Path(f"agents/{name.replace('-', '_')}.py")
    word = re.compile(rf"(?<![a-z]){name}(?![a-z])")  # "declined" names no CLI
    places = {path.relative_to(PACKAGE) for path in MODULES if any(word.search(text) for text in _literals(path))}
    assert own in places, "this test would notice nothing"
    assert places - ALLOWED - NAMED_BESIDE == {own} - NAMED_BESIDE


@cache
def _literals(path: Path) -> list[str]:
    """The strings of a module, but for its documentation. Read once: there is a test for each CLI."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    documentation = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    strings = [node for node in nodes if isinstance(node, ast.Constant) and id(node) not in documentation]
    return [node.value for node in strings if isinstance(node.value, str)]


LONGEST = 40  # lines of a function's body, without its docstring; the options of a command are above it


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_function_fits_on_a_screen(path: Path) -> None:
    long = {name: lines for name, lines in _bodies(path.read_text("utf-8")) if lines > LONGEST}
    assert long == {}


def test_a_long_function_is_found() -> None:
    lines = "\n".join(f"    print({n})" for n in range(LONGEST + 1))
    assert list(_bodies(f'def long():\n    """What it does."""\n{lines}\n')) == [("long", LONGEST + 1)]


def _bodies(source: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body:
                yield node.name, body[-1].end_lineno - body[0].lineno + 1


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: path.parent.name)
def test_every_room_says_what_it_promises_in_a_few_lines(path: Path) -> None:
    said = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    assert 2 <= len(said.splitlines()) <= 8


FILES_OF_COMMANDS = {
    file: [name for name, each in CATALOGUE.items() if getattr(each, "file", "") == file and not each.hidden]
    for file in sorted({each.file for each in CATALOGUE.values() if isinstance(each, Command)})
}


@pytest.mark.parametrize(("file", "names"), FILES_OF_COMMANDS.items(), ids=FILES_OF_COMMANDS)
def test_a_file_of_commands_is_named_after_the_first_and_names_them_all(file: str, names: list[str]) -> None:
    module = import_module(f"reconciler.cli.commands.{file}")
    listed = re.findall(r"[\w-]+", (module.__doc__ or "").partition(":")[0])
    assert listed[0] == file.rstrip("_")
    assert set(names) <= set(listed)


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_a_committed_schema_is_what_the_code_prints(path: Path) -> None:
    words = ("schema", "print", path.name.removesuffix(".schema.json"))
    printed = warm.run(words, PROJECT, {}, PATIENCE)
    assert path.read_text("utf-8") == printed.stdout


def test_the_schema_of_every_document_is_committed() -> None:
    assert {path.name.split(".")[0] for path in SCHEMAS} == {
        "manifest",
        "monitor-diff",
        "registry",
        "plan",
        "adopt",
        "send",
        "answer",
        "event",
        "drift",
        "explanation",
        "conversations",
        "status",
        "drift-all",
        "projects",
        "projects-forget",
        "attach",
        "peek",
        "last",
        "types",
        "usage",
        "diff",
        "broker-status",
        "broker-verify",
        "broker-expiry",
        "broker-operation",
        "broker-env",
        "job",
        "jobs",
        "history",
        "agent-history",
        "generation",
        "generation-diff",
        "job-dry-run",
        "job-dead",
        "runner",
        "job-verify",
        "job-publish",
        "job-answer",
        "job-hooks",
        "job-logs",
        "doctor",
        "reconnect",
        "confirmation",
        "monitor",
        "monitor-news",
        "monitor-agent",
        "board",
        "fleet",
        "fleet-status",
        "fleet-doctor",
        "fleet-work",
    }


# --- printing ---------------------------------------------------------------------------------

DOOR = Path("render/output.py")
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


_TERMINAL = re.compile(r"\bprint\(|\binput\(|\bsys\.(__)?std(in|out|err)\b")


def test_what_the_product_does_names_no_standard_stream() -> None:
    names = {str(path.relative_to(PACKAGE)): path for path in MODULES if PACKAGE / "app" in path.parents}
    assert [name for name, path in names.items() if _TERMINAL.search(path.read_text("utf-8"))] == []


# --- imports ----------------------------------------------------------------------------------


def test_a_class_name_exists_once() -> None:
    trees = [ast.parse(path.read_text("utf-8")) for path in MODULES]
    count = Counter(node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    assert count["Agent"] == 1, "this test would notice nothing"
    assert {name: found for name, found in count.items() if found > 1} == {}


def test_no_modules_know_each_other_in_a_circle() -> None:
    """Imports for type checkers alone, and those inside of functions, count as well; the package exports its API."""
    assert _cycle({_name(path): _imported(path) for path in MODULES if path != PACKAGE / "__init__.py"}) == []


def test_the_search_for_circles_finds_one() -> None:
    assert set(_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}})) == {"b", "c"}
    assert "reconciler.model.plan" in _imported(PACKAGE / "plan" / "diff.py")
    assert "reconciler.agents.launch" in _imported(PACKAGE / "agents" / "profile.py")
    assert "reconciler.model.step" in _imported(PACKAGE / "model" / "action.py"), "it is imported for types alone"


def test_a_profile_brings_no_more_of_the_model_than_it_speaks_of() -> None:
    tell = "import json, sys, reconciler.agents.profile; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", tell], capture_output=True, text=True, check=True)
    model = {name for name in json.loads(done.stdout) if name.startswith("reconciler.model.")}
    words = {"activity", "digits", "event_kind"}
    lines_of_conversations = {"moment", "read_json"}
    assert model == {f"reconciler.model.{name}" for name in words | lines_of_conversations}


def _cycle(graph: Mapping[str, set[str]]) -> list[str]:
    """Modules that lead back to the first of them; empty when there are none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def _name(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__")


def _imported(path: Path) -> set[str]:
    """The modules of ours that a module imports, wherever in its text."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
    bases = [(_base(path, node), node.names) for node in nodes]
    named = {f"{base}.{alias.name}" for base, names in bases for alias in names} & NAMES
    return named | {base for base, names in bases if base in NAMES and not _only_modules(base, names)}


def _base(path: Path, node: ast.ImportFrom) -> str:
    folder = path.relative_to(PROJECT).parts[: -node.level or None] if node.level else ()
    return ".".join([*folder, *filter(None, [node.module])])


def _only_modules(base: str, names: list[ast.alias]) -> bool:
    return all(f"{base}.{alias.name}" in NAMES for alias in names)


NAMES = frozenset(map(_name, MODULES))


# --- values -----------------------------------------------------------------------------------


def test_values_of_more_than_five_fields_are_built_by_keyword() -> None:
    """Two that say what it is, such as address and verb, may stand without."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in MODULES}
    fields = _fields(trees)
    found = {
        path: [name for name, count in _built(path, tree) if fields.get(name, 0) > 5 and count > 2]
        for path, tree in trees.items()
    }
    assert {path.relative_to(PACKAGE): names for path, names in found.items() if names} == {}


def test_the_search_for_values_knows_what_is_built_and_from_how_many_fields() -> None:
    tree = ast.parse(
        "from .plan import Drift\n@dataclass\nclass A:\n    b: int\n    c: ClassVar[int]\nDrift(A(1), 2, *d)"
    )
    path = PACKAGE / "model" / "made.py"
    assert _fields({path: tree}) == {("reconciler.model.made", "A"): 1}
    assert set(_built(path, tree)) == {(("reconciler.model.plan", "Drift"), 3), (("reconciler.model.made", "A"), 1)}


def _fields(trees: Mapping[Path, ast.Module]) -> dict[tuple[str, str], int]:
    """How many fields each dataclass and NamedTuple has of its own."""
    classes = [
        (path, node) for path, tree in trees.items() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    ]
    return {(_name(path), node.name): sum(map(_is_field, node.body)) for path, node in classes if _is_value(node)}


def _is_value(node: ast.ClassDef) -> bool:
    return any("dataclass" in ast.unparse(each) for each in node.decorator_list) or any(
        ast.unparse(base) == "NamedTuple" for base in node.bases
    )


def _is_field(node: ast.stmt) -> bool:
    return isinstance(node, ast.AnnAssign) and "ClassVar" not in ast.unparse(node.annotation)


def _built(path: Path, tree: ast.Module) -> Iterator[tuple[tuple[str, str], int]]:
    """Module and name of what each call calls, as far as an import tells, and how many arguments stand by position."""
    nodes = list(ast.walk(tree))
    imports = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    known = {alias.asname or alias.name: (_base(path, node), alias.name) for node in imports for alias in node.names}
    for call in nodes:
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            yield known.get(call.func.id, (_name(path), call.func.id)), len(call.args)


# --- times ------------------------------------------------------------------------------------

# A day is read in `accept:`. The name of a crash report and what is remembered of a broker have every microsecond.
SPELLING_TIMES = {
    Path("model/moment.py"),
    Path("manifest/values.py"),
    Path("cli/crash.py"),
    Path("broker/running/recognise.py"),
}


def test_the_form_of_a_time_is_spelt_in_one_module() -> None:
    found = {path.relative_to(PACKAGE) for path in MODULES if re.search(r"strftime|isoformat|%Y-", path.read_text())}
    assert found == SPELLING_TIMES


# --- start-up ---------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["job", "--help"]])
def test_help_and_version_import_nothing_heavy(words: list[str]) -> None:
    assert _heavy_imports(*words) == set()


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project without changes: its manifest is remembered since the last apply, and so is its registry."""
    root = tmp_path_factory.mktemp("settled")
    (root / "reconciler.yaml").write_text(
        f"version: 1\ntmux: {{socket_path: {root / 'no-server'}}}\nworkspaces: {{w: {{path: w}}}}\n"
    )
    _run("-C", str(root), "apply", "--auto-approve")
    _run("-C", str(root), "apply", "--auto-approve")
    return root


@pytest.mark.parametrize("words", [["plan", "--detailed-exitcode"], ["status", "--json"], ["drift"]])
def test_a_look_without_changes_imports_nothing_heavy(words: list[str], settled: Path) -> None:
    assert _heavy_imports("-C", str(settled), *words) == set()
    assert isinstance(RealFiles().folder(str(settled / "w")), Present)


# Of the four beyond 164 of `status`, two decide in which group an agent is, and show the groups; one says whose it is,
# and one remembers which files a manifest includes.
@pytest.mark.parametrize(("words", "most"), [(["--help"], 20), (["plan"], 177), (["status"], 168), (["drift"], 177)])
def test_a_start_loads_few_modules_of_ours(words: list[str], most: int, settled: Path) -> None:
    """Each one is paid for at every start: whoever raises a number says what the users get for it."""
    tell = "print(*(name for name in sys.modules if name.startswith('reconciler.')))"
    code = f"import sys; from reconciler.cli.run import run; run({words!r}); {tell}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=settled)
    assert len(done.stdout.splitlines()[-1].split()) <= most


def test_a_start_is_not_searched_for_garbage(tmp_path: Path) -> None:
    (tmp_path / "reconciler.yaml").write_text(f"version: 1\ntmux: {{socket_path: {tmp_path / 'no-server'}}}\n")
    code = (
        "import gc, sys; from reconciler.__main__ import main\n"
        "found = []; gc.callbacks.append(lambda *_: found.append(gc.get_freeze_count()))\n"
        "sys.argv[1:] = ['plan']\ntry: main()\n"
        "except SystemExit: print(0 in found, gc.isenabled(), gc.get_freeze_count() > 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "False True True"


@pytest.mark.parametrize("command", ["plan", "status", "drift"])
def test_what_looks_at_agents_loads_neither_jobs_nor_brokers_nor_the_monitor(command: str, tmp_path: Path) -> None:
    socket = tmp_path / "no-server"
    (tmp_path / "reconciler.yaml").write_text(f"version: 1\ntmux: {{socket_path: {socket}}}\n")
    code = f"import sys; from reconciler.cli.run import run; run(['-C', {str(tmp_path)!r}, {command!r}]); {_TELL_ROOMS}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "reconciler.app.project" in loaded
    assert loaded & {f"reconciler.app.{subject}" for subject in ("jobs", "brokers", "monitor", "history")} == set()


OF_ALL_PROJECTS = {
    "reconciler.app.project.noted",
    "reconciler.app.project.notes",
    "reconciler.model.project_note",
    "reconciler.ports.private_files",
    "reconciler.ports.tmux.shared_look",
    "reconciler.render.all_projects",
    "reconciler.state.project_notes",
}


@pytest.mark.parametrize("words", [["plan"], ["status"], ["drift"], ["status", "--all"]])
def test_only_what_looks_at_all_projects_loads_and_reads_what_is_noted_of_them(
    words: list[str], tmp_path: Path
) -> None:
    socket, state = tmp_path / "no-server", tmp_path / "state"
    (tmp_path / "reconciler.yaml").write_text(
        f"version: 1\ntmux: {{socket_path: {socket}}}\nworkspaces: {{w: {{path: w}}}}\n"
    )
    env = {**os.environ, "XDG_STATE_HOME": str(state)}
    apply = [sys.executable, "-m", "reconciler", "apply", "--auto-approve"]
    subprocess.run(apply, cwd=tmp_path, env=env, capture_output=True, check=True)
    notes = f"name == 'open' and str(given[0]).startswith({str(state)!r})"
    notes = f"sys.addaudithook(lambda name, given: {notes} and print('read'))"
    tell = "print(*(name for name in sys.modules if name.startswith('reconciler.')))"
    code = f"import sys; {notes}; from reconciler.cli.run import run; run({words!r}); {tell}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path, env=env
    )
    *said, loaded = done.stdout.splitlines()
    all_of_them = "--all" in words
    assert set(loaded.split()) & OF_ALL_PROJECTS == (OF_ALL_PROJECTS if all_of_them else set())
    assert ("read" in said) == all_of_them


_TELL_ROOMS = "print(*(name for name in sys.modules if name.startswith('reconciler.app.')))"
_TELL_IMPORTS = """
import json, sys
from reconciler.__main__ import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
finally:
    print(json.dumps(sorted(sys.modules)))
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


def test_imports_stand_inside_of_functions_only_where_a_start_would_be_slower():
    inside = {
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in MODULES
        for function in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    # the last one is nats-py, which only jobs over a NATS server need
    assert len(inside) <= 61

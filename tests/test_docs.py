"""What the pages say is held against the program."""

import importlib.util
import json
import re
import shlex
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import typer
from pages import shown

from reconciler.agents.catalogue import BUILT_IN
from reconciler.board.keys import KEYS
from reconciler.cli.run import _normalised
from reconciler.cli.typer_program import program
from reconciler.manifest import ManifestContext, Source, load
from reconciler.model.action import Reason
from reconciler.model.diagnostic import Severity
from reconciler.model.exit_code import ExitCode
from reconciler.ports.tmux import ALLOWED_ENVIRONMENT
from reconciler.render.reports.rules import CHANGES, DIAGNOSTICS, DRIFT
from reconciler.render.text import _SYMBOLS

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "tests" / "README.md"])
TEXTS = {str(page.relative_to(ROOT)): page.read_text() for page in PAGES}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SCHEMAS = {path.name.split(".")[0]: json.loads(path.read_text()) for path in (ROOT / "schemas").glob("*.json")}
REFERENCE = TEXTS["docs/reference.md"]
AROUND = ManifestContext("/project", "/home/u", {}, "project")
EVERYWHERE = {"--help", "--version", "--chdir", "--registry", "--profile", "--install-completion", "--show-completion"}


def commands(group=None, prefix=""):
    """Every command of the program by its whole name, with its long options."""
    group = group or program()
    for name, command in group.commands.items():
        if command.hidden:  # called by hooks, not by people
            continue
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")
        else:
            options = (option for each in command.params for option in (*each.opts, *each.secondary_opts))
            yield f"{prefix}{name}", {option for option in options if option.startswith("--")}


COMMANDS = dict(commands())


def section(page, heading):
    """What stands under a heading, up to the next one of its rank."""
    mark, _, _ = heading.partition(" ")
    _, found, rest = TEXTS[page].partition(f"\n{heading}\n")
    assert found, f"{page} has no heading {heading!r}"
    return re.split(rf"^#{{1,{len(mark)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def first_cells(text):
    """The code words in the first cell of each row of the tables in `text`."""
    rows = re.findall(r"^\| (.*?) \|", text, re.MULTILINE)
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row)}


# --- links, manifests and command lines of all pages ----------------------------------------------


def anchors(text):
    """The anchors that a reader's browser knows, as GitHub names them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


LINKS = [(page, link) for page, text in TEXTS.items() for link in LINK.findall(text) if "://" not in link]


@pytest.mark.parametrize(("page", "link"), LINKS)
def test_every_link_between_pages_leads_somewhere(page, link):
    path, _, anchor = link.partition("#")
    target = (ROOT / page).parent / path if path else ROOT / page
    assert target.exists()
    assert not anchor or anchor in anchors(target.read_text())


MANIFESTS = [
    pytest.param(content, id=page)
    for page, text in TEXTS.items()
    for language, content in FENCE.findall(text)
    if language == "yaml" and content.startswith("version:")
]


@pytest.mark.parametrize("content", MANIFESTS)
def test_every_manifest_on_a_page_is_valid(content):
    assert load([Source("page.yaml", content.encode())], AROUND, BUILT_IN).desired.files


def command_lines(text):
    """The words after `reconciler` of every command line in code blocks and code spans."""
    for line, _ in shown(text):
        for command in re.split(r"&&|\|\||\|(?= jq)|>", line):
            words = shlex.split(command)
            if words[:1] == ["reconciler"]:
                yield tuple(words[1:])


LINES = sorted({line for text in TEXTS.values() for line in command_lines(text)})


def test_the_pages_show_command_lines():
    assert len(LINES) > 30


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_every_command_line_on_a_page_is_one_that_the_program_knows(line):
    words = list(_normalised(line[2:] if line[0] == "-C" else line))
    name = next((name for name in COMMANDS if words[: len(name.split())] == name.split()), None)
    options = {word for word in words if word.startswith("--")}
    assert options <= EVERYWHERE | COMMANDS.get(name, set())
    about = " ".join(word for word in words if word != "help")  # a command, or a group of them
    is_topic = words == ["help", "TOPIC"]
    assert name or options or is_topic or any(f"{each} ".startswith(f"{about} ") for each in COMMANDS)


def test_every_make_target_on_a_page_is_in_the_makefile():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for text in TEXTS.values() for name in re.findall(r"(?:^ {4}|`)make ([a-z-]+)", text, re.MULTILINE)}
    assert {"demo", "test"} <= named <= targets


# --- README and ARCHITECTURE ------------------------------------------------------------------------


def test_the_readme_shows_a_ten_line_manifest_and_a_picture_of_a_plan():
    [(_, manifest)] = FENCE.findall(TEXTS["README.md"])
    assert len(manifest.splitlines()) <= 11
    assert "](docs/plan.svg)" in TEXTS["README.md"]


def test_the_first_screen_of_the_readme_shows_the_board():
    assert "](docs/board.svg)" in TEXTS["README.md"].partition("\n## ")[0]


def test_the_architecture_names_every_room_and_no_other():
    rooms = {path.name for path in (ROOT / "reconciler").iterdir() if path.is_dir() and path.name[0] not in "_."}
    assert first_cells(section("ARCHITECTURE.md", "## Rooms")) - {"reconciler/"} == rooms


def test_the_glossary_is_short_enough_to_be_read():
    rows = re.search(r"\| word \| meaning \|\n\|---\|---\|\n((?:\|.*\n)+)", TEXTS["ARCHITECTURE.md"])[1].splitlines()
    assert 20 < len(rows) <= 30


def test_the_architecture_names_files_that_exist():
    named = re.findall(r"`(\w+(?:/\w+)*\.py)`", TEXTS["ARCHITECTURE.md"])
    assert len(named) > 10
    assert [name for name in named if not (ROOT / "reconciler" / name).exists()] == []


# --- the picture ------------------------------------------------------------------------------------


def test_the_picture_shows_what_a_plan_says_today():
    spec = importlib.util.spec_from_file_location("make_picture", ROOT / "docs" / "make_picture.py")
    make_picture = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_picture)
    today = make_picture.drawn(make_picture.plan_after_a_crash())
    assert words_of(make_picture.PICTURE.read_text()) == words_of(today)


def words_of(picture):
    # another release of rich may draw the same words differently
    return "".join(ET.fromstring(picture).itertext()).replace("\xa0", " ").split("}")[-1].split()  # noqa: S314 - our own


def test_the_picture_asks_no_other_host_for_anything():
    for name in ("plan.svg", "board.svg"):
        assert not re.search(r"url\(['\"]?http|href", (ROOT / "docs" / name).read_text()), name


def test_the_picture_of_the_board_has_its_columns_and_keys_of_today():
    text = "".join(ET.fromstring((ROOT / "docs" / "board.svg").read_text()).itertext()).replace("\xa0", " ")  # noqa: S314
    assert re.search(r"STATE +FOR +AGENT +SAYS +BRANCH +TODAY", text)
    *_, last = text.strip().splitlines()
    words = [f"{each.key} {each.word}" for each in KEYS if each.word]
    shown = re.split(r" {2,}", last.strip())
    assert shown == [each for each in words if each in shown]
    assert len(shown) > 8


# --- the manifest's page ----------------------------------------------------------------------------

SECTIONS = {
    "WorkspaceDoc": "## `workspaces`",
    "GitDoc": "## `git`",
    "AgentDoc": "## `agents`",
    "FromEnv": "## `env`",
    "FromFile": "## `env`",
    "FromCommand": "## `env`",
    "TmuxDoc": "## `tmux`",
    "DefaultsDoc": "## `defaults`",
    "AgentTypeDoc": "## `agent_types`",
    "TypeTrustDoc": "### `trust`",
    "CommandLineDoc": "### `command_line`",
    "HeadDoc": "### `head`",
    "DatabaseDoc": "### `database`",
    "MessagesDoc": "### `messages`",
    "NotesDoc": "### `notes`",
    "TitlesDoc": "### `titles`",
    "ScreenDoc": "### `screens`",
    "BoxDoc": "### `box`",
    "TypePermissionDoc": "### `permission`",
    "TypeHooksDoc": "### `hooks`",
    "TypeTokensDoc": "### `usage`",
    "BrokerDoc": "## `broker`",
    "ListenerDoc": "### `listeners`",
    "BrokerUserDoc": "### `users`",
    "TlsDoc": "### `tls`",
    "CaDoc": "### `tls`",
    "LimitsDoc": "### `limits`",
    "AcceptDoc": "## `accept`",
    "BudgetDoc": "## `budget`",
    "JobsSettingsDoc": "## `jobs`",
}
BLOCKS = [("## Top level", SCHEMAS["manifest"])] + [
    (SECTIONS[name], definition) for name, definition in SCHEMAS["manifest"]["definitions"].items()
]


@pytest.mark.parametrize(("heading", "block"), BLOCKS)
def test_every_key_of_a_manifest_is_described_with_an_example(heading, block):
    described = section("docs/manifest.md", heading)
    assert set(block["properties"]) <= first_cells(described)
    assert FENCE.findall(described)


def test_no_key_is_described_that_a_manifest_does_not_have():
    headings = {heading for heading, _ in BLOCKS}
    described = {key for heading in headings for key in first_cells(section("docs/manifest.md", heading))}
    assert described == {key for _, block in BLOCKS for key in block["properties"]}


# --- the reference ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_lists_exactly_the_options_of_a_command(name):
    heading = re.search(rf"^### `reconciler {name}( [^`]*)?`$", REFERENCE, re.MULTILINE)
    assert heading, f"no section about {name}"
    listed = {cell.split(" ")[0] for cell in first_cells(section("docs/reference.md", heading[0]))}
    assert {option for option in listed if option.startswith("--")} == COMMANDS[name] - EVERYWHERE


def test_the_reference_lists_the_options_of_all_commands():
    listed = first_cells(section("docs/reference.md", "## Options of all commands"))
    assert {cell.split(" ")[0] for cell in listed} >= EVERYWHERE


def test_the_reference_has_no_command_that_is_gone():
    named = re.findall(r"^### `reconciler ([a-z -]+?)(?: [^a-z`][^`]*)?`$", REFERENCE, re.MULTILINE)
    assert sorted(named) == sorted(COMMANDS)


def test_the_reference_lists_the_exit_codes():
    listed = re.findall(r"^\| (\d+) \|", section("docs/reference.md", "## Exit codes"), re.MULTILINE)
    assert {int(code) for code in listed} == set(ExitCode)


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("## Reason codes", {reason.value for reason in Reason if reason.value}),
        ("## Drift classes", set(DRIFT)),
        ("## Diagnostics", {severity.value for severity in Severity}),
        ("### Events", set(SCHEMAS["event"]["properties"]["type"]["enum"])),
        ("## Symbols and actions", {*_SYMBOLS.values(), *(json.dumps(list(verbs)) for verbs in _SYMBOLS), '["no-op"]'}),
    ],
)
def test_the_reference_lists_exactly_the_published_words(heading, words):
    text = section("docs/reference.md", heading)
    cells = {word for row in re.findall(r"^\|.*\|$", text, re.MULTILINE) for word in re.findall(r"`([^`]+)`", row)}
    assert words <= cells
    if heading != "## Symbols and actions":
        assert first_cells(text) == words


@pytest.mark.parametrize(
    ("heading", "told"), [("## Reason codes", CHANGES), ("## Drift classes", DRIFT), ("## Diagnostics", DIAGNOSTICS)]
)
def test_the_reference_and_the_reports_explain_a_word_alike(heading, told):
    rows = re.findall(r"^\| `([^`]+)` \|(?:.*\|)? ([^|]+) \|$", section("docs/reference.md", heading), re.MULTILINE)
    assert dict(rows) == told


def test_the_reference_links_every_schema():
    linked = {Path(link).name.split(".")[0] for link in LINK.findall(REFERENCE) if link.startswith("../schemas/")}
    assert linked == set(SCHEMAS)


# --- other pages ------------------------------------------------------------------------------------


def test_the_page_on_secrets_lists_the_allowed_environment():
    text = section("docs/secrets.md", "## A clean environment")
    listed = next(line.split() for line in text.splitlines() if line.startswith("    "))
    assert listed == [name.replace(r"\w+", "*") for name in ALLOWED_ENVIRONMENT.pattern.split("|")]


DECISIONS = sorted(page for page in TEXTS if re.match(r"docs/adr/\d", page))


@pytest.mark.parametrize("page", DECISIONS)
def test_every_decision_says_why_what_follows_and_what_would_change_it(page):
    parts = ("**Context.**", "**Decision.**", "**Consequences.**", "**What would change it.**")
    assert [part for part in parts if part in TEXTS[page]] == list(parts)
    number = int(Path(page).name[:4])
    assert TEXTS[page].startswith(f"# {number}. ")


def test_the_decisions_are_numbered_without_a_gap():
    numbers = [int(Path(page).name[:4]) for page in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_index_lists_every_decision_with_its_title():
    listed = re.findall(
        r"^\| \[(\d+)\]\((\S+)\) \| (.+) \| \d{4}-\d\d-\d\d \| holds", TEXTS["docs/adr/README.md"], re.MULTILINE
    )
    assert [f"# {number}. {title}" for number, _, title in listed] == [
        TEXTS[page].splitlines()[0] for page in DECISIONS
    ]
    assert [f"docs/adr/{name}" for _, name, _ in listed] == DECISIONS


def test_every_file_of_tests_that_is_named_anywhere_exists():
    """`make test-tmux`, for one, runs the files of a list; it is run too seldom to tell that one is gone."""
    code = [path for folder in ("tests", "bench", ".ci") for path in (ROOT / folder).rglob("*") if path.is_file()]
    texts = [path.read_text() for path in [*code, *PAGES, ROOT / "Makefile"] if path.suffix in {".py", ".md", ""}]
    named = {name for text in texts for name in re.findall(r"\btests/[\w/]+\.py\b", text)}
    assert len(named) > 15
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_page_on_tests_lists_every_folder_of_tests():
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert {
        each.strip("/") for each in first_cells(section("tests/README.md", "## Which folder tests what"))
    } == folders


def groups(group=None, name="reconciler"):
    """Every group of commands with its name, the whole program first."""
    group = group or program()
    yield name, group
    for each, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from groups(command, each)


GROUPS = dict(groups())


@pytest.mark.parametrize(("name", "group"), GROUPS.items(), ids=GROUPS)
def test_a_list_of_commands_says_whole_sentences_in_80_columns(name, group):
    narrow = typer.Context(group, info_name=name, terminal_width=80)
    cut = [line for line in group.get_help(narrow).splitlines() if line.startswith("  ") and line.endswith("...")]
    assert cut == []

"""The page for owners of the original scripts names everything that their documents name.

`names.txt` is what `extract.py` found in the documents; they are not part of this project.
"""

from __future__ import annotations

import re
from pathlib import Path

import extract
import pytest

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
PAGE = (DOCS / "from-the-scripts.md").read_text("utf-8")
NAMES = [tuple(line.split(": ", 1)) for line in (HERE / "names.txt").read_text("utf-8").splitlines()]
VARIABLE = re.compile(r"^\| `MQTT_\w+` \|.*\|$", re.MULTILINE)


def cells(text: str) -> str:
    """The rows of all tables, which is where an owner of the scripts looks."""
    return "\n".join(line for line in text.splitlines() if line.startswith("|"))


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_the_page_has_a_row_for_each_name_in_the_documents(kind: str, name: str) -> None:
    if kind == "exit code":
        number = name.split(maxsplit=1)[0]
        assert re.search(rf"^\| `{number}` \|", PAGE.partition("## Exit codes")[2], re.MULTILINE)
    elif kind == "drift class":
        assert f"\n| `{name}` |" in PAGE
    else:
        assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", cells(PAGE))


def test_every_kind_of_name_was_found_in_the_documents() -> None:
    assert {kind for kind, _ in NAMES} == set(extract.RULES)
    assert len(NAMES) > 200


def test_the_variables_of_the_broker_are_described_as_on_its_own_page() -> None:
    told = VARIABLE.findall(PAGE)
    assert len(told) == 9
    assert told == VARIABLE.findall((DOCS / "broker.md").read_text("utf-8"))


# --- the rules, on a text of our own ----------------------------------------------------------

TEXT = """\
Call it.sh, or itwith skills tmux-agent-orchestrate-paint and delegate-job. There are paint_it.py and inpaint_it.py.
name, description, colour
the strings have values (wet/dry)
Z. nothing
B. too thin -> paint again
    # say: ${COLOUR:-red}, $PAINT_ROOT/x/wall.yaml.bak, .paint/pots, /mosquitto/auth/passwd, python/mqtt/pots/+
    WIDTH=5; TIMEOUT=30; LEVEL="thin"
    mix) cmd_mix "$@";;
    ""|-h|--help|help) usage;;
    scripts/paint_it.py" --registry-dir x stir --event dried --wait-long, or --wait-longif
    echo "ERROR: no paint in '$POT' today, sorry"; exit 3
Exit codes: 0 dry, 4 wet.
acl_file /x
topic read a/b
kanban_paint and kanban_paintif paint() stirs_it() status=wet termination_mode auth_tokenis (default 12)
"host": 1, <slug>-creator-<agent>, broker.hivemq.com, openssl
"""


def test_each_rule_takes_names_and_no_sentences() -> None:
    assert extract.names(TEXT) == [
        "script: it.sh",
        "script: paint_it.py",
        "skill: delegate-job",
        "skill: tmux-agent-orchestrate-paint",
        "option: --event",
        "option: --help",
        "option: --registry-dir",
        "option: --wait-long",
        "variable: COLOUR",
        "variable: PAINT_ROOT",
        "variable: POT",
        "subcommand: help",
        "subcommand: mix",
        "subcommand: stir",
        "printed: no paint in",
        "exit code: 0 dry",
        "exit code: 3",
        "exit code: 4 wet",
        "file: wall.yaml.bak",
        "folder: .paint/pots",
        "folder: /mosquitto/auth/passwd",
        "function: stirs_it()",
        "kanban call: kanban_paint",
        "key: auth_token",
        "key: host",
        "key: termination_mode",
        "value: dry",
        "value: wet",
        "drift class: B",
        "event: dried",
        "topic: python/mqtt/pots/+",
        "line of mosquitto.conf: acl_file",
        "line of the ACL: topic read",
        "tool: openssl",
        "default: 12",
        "default: 30",
        "default: thin",
        "front matter: colour",
        "server: broker.hivemq.com",
        "session: <slug>-creator-<agent>",
    ]

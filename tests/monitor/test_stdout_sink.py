"""News on standard output."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from jsonschema import Draft7Validator
from passes import AT, UNKNOWN, agent, gone, seen

from reconciler.monitor.sinks.stdout import Stdout
from reconciler.render.watch import news_document, sight_document

SCHEMAS = Path(__file__).parents[2] / "schemas"


def told(*passes, as_json=False):
    out = io.StringIO()
    sink = Stdout(out, {}, as_json=as_json)
    assert [sink.tell(each) for each in passes] == [""] * len(passes)
    return out.getvalue()


def test_a_drift_is_one_line_with_its_time_and_its_class():
    assert told(seen(gone())) == f"{AT}  A  lab-creator-claude: tmux gone.\n"


def test_what_was_told_before_says_how_often():
    assert told(seen(gone(), count=3)) == f"{AT}  A  lab-creator-claude: tmux gone. (again, 3 times)\n"


def test_nothing_is_printed_of_a_pass_without_news():
    assert told(seen()) == ""


def test_a_message_cannot_steer_the_terminal():
    assert "\x1b" not in told(seen(gone("\x1b[2J")))


def test_a_trouble_is_told_once_for_as_long_as_it_lasts():
    lines = told(seen(diagnostics=[UNKNOWN]), seen(diagnostics=[UNKNOWN]), seen(), seen(diagnostics=[UNKNOWN]))
    assert lines.count(UNKNOWN.summary) == 2


def test_json_lines_begin_with_the_version_and_are_numbered_and_valid():
    lines = [json.loads(line) for line in told(seen(gone()), seen(diagnostics=[UNKNOWN]), as_json=True).splitlines()]
    assert [(line["type"], line["sequence"]) for line in lines] == [("version", 0), ("drift", 1), ("diagnostic", 2)]
    schema = Draft7Validator(json.loads((SCHEMAS / "monitor.schema.json").read_text()))
    assert [error.message for line in lines for error in schema.iter_errors(line)] == []


@pytest.mark.parametrize("as_json", [True, False])
def test_nobody_who_reads_is_a_reason_to_stop(as_json):
    class Closed(io.StringIO):
        def flush(self):
            raise BrokenPipeError

    assert "nobody reads" in Stdout(Closed(), {}, as_json=as_json).tell(seen(gone()))


def test_what_others_are_handed_is_as_published():
    documents = {"monitor-news": news_document(seen(gone())), "monitor-agent": sight_document(agent(), AT)}
    for name, document in documents.items():
        schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
        assert not list(Draft7Validator(schema).iter_errors(document)), name
        assert set(document) == set(schema["properties"]), name

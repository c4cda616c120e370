"""News on standard output."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from jsonschema import Draft7Validator
from msgspec.structs import replace
from passes import AT, UNKNOWN, agent, gone, seen

from reconciler.monitor.sinks.stdout import NewsFormat, OutputStreams, Stdout
from reconciler.render.output import SafeStream
from reconciler.render.watch import news_document, observation_document

SCHEMAS = Path(__file__).parents[2] / "schemas"


def printed(form, *passes):
    out, err = io.StringIO(), io.StringIO()
    sink = Stdout(OutputStreams(out, err, {}), form)
    assert [sink.tell(each) for each in passes] == [""] * len(passes)
    return out.getvalue(), err.getvalue()


def test_a_drift_is_one_line_with_its_time_and_its_class():
    assert printed(NewsFormat.TEXT, seen(gone())) == (f"{AT}  A  lab-creator-claude: tmux gone.\n", "")


def test_with_several_projects_each_line_names_its_own_and_each_has_its_own_troubles():
    first, second = (replace(seen(gone(), diagnostics=[UNKNOWN]), project=name) for name in ("/a", "/b"))
    out, err = printed(NewsFormat.TEXT, first, second, first)
    assert [line.split("  ")[1] for line in out.splitlines()] == ["/a: A", "/b: A", "/a: A"]
    assert [err.count(f"{name}: {UNKNOWN.summary}") for name in ("/a", "/b")] == [1, 1]
    lines = [json.loads(line) for line in printed(NewsFormat.LINES, first, second)[0].splitlines()]
    assert [(line["sequence"], line.get("project")) for line in lines] == [
        (0, None),
        (1, "/a"),
        (2, "/a"),
        (3, "/b"),
        (4, "/b"),
    ]
    assert json.loads(printed(NewsFormat.DOCUMENT, second)[0])["project"] == "/b"


def test_what_was_told_before_says_how_often():
    assert printed(NewsFormat.TEXT, seen(gone(), count=3))[0].endswith("tmux gone. (again, 3 times)\n")


@pytest.mark.parametrize("form", [NewsFormat.TEXT, NewsFormat.DOCUMENTS])
def test_nothing_is_printed_of_a_pass_without_news(form):
    assert printed(form, seen()) == ("", "")


def test_a_single_pass_has_its_document_in_any_case():
    out, _ = printed(NewsFormat.DOCUMENT, seen())
    assert json.loads(out)["drifts"] == []


def test_a_message_cannot_steer_the_terminal():
    assert "\x1b" not in printed(NewsFormat.TEXT, seen(gone("\x1b[2J")))[0]


@pytest.mark.parametrize("form", [NewsFormat.TEXT, NewsFormat.DOCUMENTS])
def test_a_trouble_is_told_once_for_as_long_as_it_lasts_and_on_standard_error(form):
    out, err = printed(form, *(seen(diagnostics=each) for each in ([UNKNOWN], [UNKNOWN], [], [UNKNOWN])))
    assert (out, err.count(UNKNOWN.summary)) == ("", 2)


def test_json_lines_begin_with_the_version_and_are_numbered_and_valid():
    out, err = printed(NewsFormat.LINES, seen(gone()), seen(diagnostics=[UNKNOWN]))
    lines = [json.loads(line) for line in out.splitlines()]
    assert [(line["type"], line["sequence"]) for line in lines] == [("version", 0), ("drift", 1), ("diagnostic", 2)]
    schema = Draft7Validator(json.loads((SCHEMAS / "monitor.schema.json").read_text()))
    assert [error.message for line in lines for error in schema.iter_errors(line)] == []
    assert err == ""


@pytest.mark.parametrize("form", list(NewsFormat))
def test_nobody_who_reads_is_a_reason_to_stop(form):
    class Closed(io.StringIO):
        def flush(self):
            raise BrokenPipeError

    assert "its output was closed" in Stdout(OutputStreams(SafeStream(Closed()), io.StringIO(), {}), form).tell(
        seen(gone())
    )


def test_what_others_are_handed_is_as_published():
    one = replace(seen(gone()), project="/lab")
    documents = {"monitor-news": news_document(one), "monitor-agent": observation_document(agent(), AT)}
    for name, document in documents.items():
        schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
        assert not list(Draft7Validator(schema).iter_errors(document)), name
        assert set(document) == set(schema["properties"]), name

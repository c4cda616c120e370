"""From words to sinks."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest
from fakes.clock import FakeClock
from msgspec.structs import replace
from passes import gone, seen

from reconciler.model.broker import Connection
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.monitor.sinks import retained
from reconciler.monitor.sinks.catalogue import SinkOptions, sinks
from reconciler.monitor.sinks.context import SinkContext
from reconciler.monitor.state_folder import StateFolder
from reconciler.ports.files import RealFiles
from reconciler.ports.processes import RealProcesses


@pytest.fixture
def context():
    env = {"PATH": os.environ["PATH"], "MQTT_BROKER": "localhost"}
    return SinkContext(env, RealFiles(), RealProcesses(), FakeClock(), io.StringIO())


def names(wanted, context):
    made = sinks(wanted, context)
    for each in made:
        each.close()
    return [each.name for each in made]


def test_every_form_makes_its_sink(context, tmp_path):
    words = ("exec:sh -c 'cat'", "mqtt:lab/agents", "webhook:https://example.org/x", f"file:{tmp_path}/x.prom")
    sh = RealProcesses().find("sh", os.environ["PATH"]).value
    assert names(SinkOptions(words, notify=True), context) == [
        f"exec:{sh}",
        "mqtt:lab/agents",
        "webhook:https://example.org",
        f"file:{tmp_path}/x.prom",
        "--notify",
    ]


def test_a_sink_that_is_asked_for_is_told(context, tmp_path):
    for each in sinks(SinkOptions((f"exec:tee {tmp_path}/heard",)), context):
        each.tell(seen(gone()))
        each.close()
    assert "lab-creator-claude" in (tmp_path / "heard").read_text()
    assert context.err.getvalue() == ""


def test_a_failure_is_a_warning(context):
    for each in sinks(SinkOptions(("exec:false",)), context):
        each.tell(seen(gone()))
        each.close()
    assert context.err.getvalue().startswith("Warning: exec:")


def test_who_is_told_news_may_be_owed_them_and_who_is_told_states_may_not(context, tmp_path):
    context = replace(context, state_folder=StateFolder(str(tmp_path), context.files, context.clock))
    words = ("exec:true", "mqtt:lab/agents", "webhook:https://example.org", f"file:{tmp_path}/x.prom")
    made = sinks(SinkOptions(words, notify=True), context)
    for each in made:
        each.close()
    owed = [each._file.sink for each in made if each._file]
    assert owed == [each.name for each in made if each.name.startswith(("exec:", "webhook:", "--notify"))]
    assert len(owed) == 3


def test_without_a_state_folder_nothing_is_written_down(context, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for each in sinks(SinkOptions(("exec:false",)), context):
        each.tell(seen(gone()))
        each.close()
    assert list(tmp_path.iterdir()) == []


def test_a_word_that_is_said_twice_counts_once(context):
    assert len(names(SinkOptions(("exec:true", "exec:true")), context)) == 1


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("email:me", "exec:COMMAND, mqtt:TOPIC, webhook:URL, file:PATH"),
        ("exec", "exec:COMMAND"),
        ("exec:", "exec:COMMAND"),
        ("exec:'open", "quote"),
        ("exec: ", "names no program"),
        ("exec:no-such-program-here x", "program not found: no-such-program-here"),
        ("mqtt:lab/#", "wildcards"),
        ("mqtt:$SYS/x", "wildcards"),
        ("mqtt:/lab", "wildcards"),
        ("mqtt:lab/", "wildcards"),
        ("webhook:gopher://x", "http or https"),
        ("file:/no/such/folder/x.prom", "does not exist"),
    ],
)
def test_a_word_that_means_nothing_is_told_with_what_is_possible(context, word, told):
    with pytest.raises(UsageError) as error:
        sinks(SinkOptions((word,)), context)
    assert told in f"{error.value.summary} {error.value.fix}"


@pytest.mark.parametrize("task", ["--help", "t 1", "$(id)"])
def test_a_card_is_an_id_and_no_option(context, task):
    with pytest.raises(UsageError, match="not a card id"):
        sinks(SinkOptions(card=task), context)


def test_agents_are_never_told_of_on_the_public_broker(context):
    context.env.pop("MQTT_BROKER")
    with pytest.raises(ReconcilerError, match="no broker to publish to"):
        sinks(SinkOptions(("mqtt:lab",)), context)


def test_a_broker_is_reached_as_its_settings_say(context, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "reconciler.monitor.sinks.retained.connect", lambda connection, will: asked.append((connection, will))
    )
    retained.sink("lab", context)._connect("will")
    ((connection, will),) = asked
    assert (connection, will) == (Connection(host="localhost"), "will")


def test_nothing_heavy_is_imported_for_what_nobody_asked_for():
    code = (
        "import sys, reconciler.monitor.sinks.catalogue; print({'paho', 'urllib.request', 'rich'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"

"""From words to sinks."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from fakes.clock import FakeClock
from passes import gone, seen

from reconciler.model.broker import Connection
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.monitor.notebook import Notebook
from reconciler.monitor.sinks import catalogue
from reconciler.monitor.sinks.catalogue import Around, Wanted, sinks
from reconciler.ports.files import RealFiles
from reconciler.ports.processes import RealProcesses


@pytest.fixture
def around():
    env = {"PATH": os.environ["PATH"], "MQTT_BROKER": "localhost"}
    return Around(env, RealFiles(), RealProcesses(), FakeClock(), io.StringIO())


def names(wanted, around):
    made = sinks(wanted, around)
    for each in made:
        each.close()
    return [each.name for each in made]


def test_every_form_makes_its_sink(around, tmp_path):
    words = ("exec:sh -c 'cat'", "mqtt:lab/agents", "webhook:https://example.org/x", f"file:{tmp_path}/x.prom")
    sh = RealProcesses().find("sh", os.environ["PATH"]).value
    assert names(Wanted(words, notify=True), around) == [
        f"exec:{sh}",
        "mqtt:lab/agents",
        "webhook:https://example.org",
        f"file:{tmp_path}/x.prom",
        "--notify",
    ]


def test_a_sink_that_is_asked_for_is_told(around, tmp_path):
    for each in sinks(Wanted((f"exec:tee {tmp_path}/heard",)), around):
        each.tell(seen(gone()))
        each.close()
    assert "lab-creator-claude" in (tmp_path / "heard").read_text()
    assert around.err.getvalue() == ""


def test_a_failure_is_a_warning(around):
    for each in sinks(Wanted(("exec:false",)), around):
        each.tell(seen(gone()))
        each.close()
    assert around.err.getvalue().startswith("Warning: exec:")


def test_who_is_told_news_may_be_owed_them_and_who_is_told_states_may_not(around, tmp_path):
    around = replace(around, notebook=Notebook(str(tmp_path), around.files, around.clock))
    words = ("exec:true", "mqtt:lab/agents", "webhook:https://example.org", f"file:{tmp_path}/x.prom")
    made = sinks(Wanted(words, notify=True), around)
    for each in made:
        each.close()
    owed = [each._account.sink for each in made if each._account]
    assert owed == [each.name for each in made if each.name.startswith(("exec:", "webhook:", "--notify"))]
    assert len(owed) == 3


def test_without_a_notebook_nothing_is_written_down(around, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for each in sinks(Wanted(("exec:false",)), around):
        each.tell(seen(gone()))
        each.close()
    assert list(tmp_path.iterdir()) == []


def test_a_word_that_is_said_twice_counts_once(around):
    assert len(names(Wanted(("exec:true", "exec:true")), around)) == 1


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("email:me", "exec:COMMAND, mqtt:TOPIC, webhook:URL, file:PATH"),
        ("exec", "exec:COMMAND"),
        ("exec:", "exec:COMMAND"),
        ("exec:'open", "quote"),
        ("exec: ", "names no program"),
        ("exec:no-such-program-here x", "no program no-such-program-here"),
        ("mqtt:lab/#", "wildcards"),
        ("mqtt:$SYS/x", "wildcards"),
        ("mqtt:/lab", "wildcards"),
        ("mqtt:lab/", "wildcards"),
        ("webhook:gopher://x", "http or https"),
        ("file:/no/such/folder/x.prom", "is not there"),
    ],
)
def test_a_word_that_means_nothing_is_told_with_what_is_possible(around, word, told):
    with pytest.raises(UsageError) as error:
        sinks(Wanted((word,)), around)
    assert told in f"{error.value.summary} {error.value.fix}"


@pytest.mark.parametrize("task", ["--help", "t 1", "$(id)"])
def test_a_card_is_an_id_and_no_option(around, task):
    with pytest.raises(UsageError, match="no card"):
        sinks(Wanted(card=task), around)


def test_agents_are_never_told_of_on_the_public_broker(around):
    around.env.pop("MQTT_BROKER")
    with pytest.raises(ReconcilerError, match="no broker to publish to"):
        sinks(Wanted(("mqtt:lab",)), around)


def test_a_broker_is_reached_as_its_settings_say(around, monkeypatch):
    asked = []
    monkeypatch.setattr("reconciler.ports.mqtt.connect", lambda connection, will: asked.append((connection, will)))
    catalogue._mqtt("lab", around)._connect("will")
    ((connection, will),) = asked
    assert (connection, will) == (Connection(host="localhost"), "will")


def test_nothing_heavy_is_imported_for_what_nobody_asked_for():
    code = (
        "import sys, reconciler.monitor.sinks.catalogue; print({'paho', 'urllib.request', 'rich'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"

"""What was changed by hand in a broker's files is told in the terms of those files, and no secret with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bus import NOW, broker, made, runner
from msgspec.structs import replace

from reconciler.broker import make, offline
from reconciler.broker.files import layout, passwords
from reconciler.broker.files.hand_edits import hand_edits
from reconciler.kinds.broker.decide import drifts
from reconciler.kinds.broker.edited import edit_words
from reconciler.model.broker import JOB_EVENTS, Broker, HandEdit, Listener, Survey
from reconciler.model.observed import Present
from reconciler.render.document import drift_facts

LAYOUT = "same meaning, other layout"
ENTRY = passwords.entry("sesame", b"123456789012")
HERMES = re.compile(r"^hermes:.*$", re.MULTILINE)


@pytest.fixture
def bus(tmp_path: Path) -> Broker:
    two = (Listener(8883, "127.0.0.1"), Listener(8884, "127.0.0.1"))
    made(broker(tmp_path, listeners=two))
    return broker(tmp_path, listeners=two)


def edit(bus: Broker, path: str, change: Callable[[str], str]) -> None:
    file = Path(bus.directory, path)
    before = file.read_text()
    file.write_text(change(before))
    assert file.read_text() != before, "nothing would be tested"


def edits(bus: Broker) -> tuple[HandEdit, ...]:
    found = make.look(bus, NOW)
    return hand_edits(found.edited, found.files, make.plan(bus, found, runner(), NOW).files, found.written)


def swap(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


def with_line(line: str) -> Callable[[str], str]:
    return lambda text: f"{text}{line}\n"


def before_all(line: str) -> Callable[[str], str]:
    return lambda text: f"{line}\n{text}"


def reordered(text: str) -> str:
    """The options of all listeners in another order, without comments; what stands under a listener stays there."""
    head, *rest = re.split(r"(?m)^(?=listener )", text)
    lines = [line for line in head.splitlines() if line and not line.startswith("#")]
    return "\n".join([*reversed(lines), "", *reversed(rest)])


EDITS: dict[str, tuple[str, Callable[[str], str], list[tuple[str, str, str]], str]] = {
    # what: the file, the edit; path, operation and words of each difference
    "a port": (
        layout.CONF,
        swap("listener 8883 127.0.0.1", "listener 1883 127.0.0.1"),
        [("listener", "replace", "8883 1883")],
        "listener 8883 -> 1883",
    ),
    "an address": (
        layout.CONF,
        swap("listener 8883 127.0.0.1", "listener 8883 0.0.0.0"),
        [("listener.8883.bind", "replace", "127.0.0.1 0.0.0.0")],
        "listener 8883 bind 127.0.0.1 -> 0.0.0.0",
    ),
    "every address": (
        layout.CONF,
        swap("listener 8883 127.0.0.1", "listener 8883"),
        [("listener.8883.bind", "remove", "127.0.0.1 None")],
        "listener 8883 bind 127.0.0.1 removed",
    ),
    "a limit": (
        layout.CONF,
        swap("max_keepalive 300", "max_keepalive 600"),
        [("max_keepalive", "replace", "300 600")],
        "max_keepalive 300 -> 600",
    ),
    "an option of one listener": (
        layout.CONF,
        with_line("use_username_as_clientid true"),
        [("listener.8884.use_username_as_clientid", "add", "None true")],
        "listener 8884 use_username_as_clientid true added",
    ),
    "an option that may stand again": (
        layout.CONF,
        before_all("log_type debug"),
        [("log_type[0]", "add", "None debug")],
        "log_type debug added",
    ),
    "anonymous clients": (
        layout.CONF,
        swap("allow_anonymous false", "allow_anonymous true"),
        [("allow_anonymous", "replace", "false true")],
        "allow_anonymous false -> true",
    ),
    "one listener more": (
        layout.CONF,
        with_line("listener 1884"),
        [("listener", "add", "None 1884")],
        "listener 1884 added",
    ),
    "a password": (
        layout.CONF,
        with_line("remote_password sesame"),
        [("listener.8884.remote_password", "add", "None None")],
        "listener 8884 remote_password added",
    ),
    "an option of a plugin": (
        layout.CONF,
        with_line("auth_opt_pg_secret sesame"),
        [("listener.8884.auth_opt_pg_secret", "add", "None None")],
        "listener 8884 auth_opt_pg_secret added",
    ),
    "another order": (layout.CONF, reordered, [], LAYOUT),
    "a comment": (layout.CONF, with_line("# by hand"), [], LAYOUT),
    "a right": (
        layout.ACL,
        swap("topic read", "topic readwrite"),
        [
            ("acl.hermes", "remove", "read python/mqtt/jobs/+/events None"),
            ("acl.hermes", "add", "None readwrite python/mqtt/jobs/+/events"),
        ],
        "; ".join(
            f"user hermes: topic {line}" for line in (f"read {JOB_EVENTS} removed", f"readwrite {JOB_EVENTS} added")
        ),
    ),
    "a right for everybody": (
        layout.ACL,
        with_line("pattern read #"),
        [("acl.everybody", "add", "None read #")],
        "everybody: topic read # added",
    ),
    "a right for the nameless": (
        layout.ACL,
        before_all("topic read #"),
        [("acl.clients without a name", "add", "None read #")],
        "clients without a name: topic read # added",
    ),
    "a line that is none": (
        layout.ACL,
        before_all("tpic read #"),
        [("acl", "add", "None line 1: 'tpic' is not a keyword of an ACL file")],
        "line 1: 'tpic' is not a keyword of an ACL file",
    ),
    "a comment in the ACL": (layout.ACL, with_line("# by hand"), [], LAYOUT),
    "a user": (
        layout.PASSWORDS,
        with_line(f"bob:{ENTRY}"),
        [("users.bob", "add", "None may log in")],
        "user bob added",
    ),
    "a user less": (
        layout.PASSWORDS,
        lambda text: HERMES.sub("", text).replace("\n\n", "\n").lstrip(),
        [("users.hermes", "remove", "may log in None")],
        "user hermes removed",
    ),
    "another password": (
        layout.PASSWORDS,
        lambda text: HERMES.sub(f"hermes:{ENTRY}", text),
        [("users.hermes.password", "replace", "None None")],
        "user hermes: another password",
    ),
    "users in another order": (
        layout.PASSWORDS,
        lambda text: "\n".join(reversed(text.splitlines())),
        [],
        LAYOUT,
    ),
    "a password in clear": (
        layout.PASSWORDS,
        with_line("bob:sesame"),
        [
            (
                "users",
                "add",
                "None line 3: the entry of bob begins with neither $7$ nor $6$, the forms of Mosquitto 2",
            )
        ],
        "line 3: the entry of bob begins with neither $7$ nor $6$, the forms of Mosquitto 2",
    ),
    "a key": (layout.SERVER_KEY, with_line("x"), [("", "replace", "None None")], "its content was replaced"),
}


@pytest.mark.parametrize(("path", "change", "expected", "words"), EDITS.values(), ids=EDITS)
def test_an_edit_is_told_in_the_terms_of_its_file(
    bus: Broker, path: str, change: Callable[[str], str], expected: list[tuple[str, str, str]], words: str
) -> None:
    edit(bus, path, change)
    (found,) = edits(bus)
    assert [(each.path, each.op, f"{each.before} {each.after}") for each in found.changes] == expected
    assert (found.path, edit_words(found), found.against_now) == (path, words, False)
    assert "sesame" not in repr(found)
    assert ENTRY not in repr(found)


def test_files_that_come_and_go_are_told(bus: Broker) -> None:
    Path(bus.directory, layout.ACL).unlink()
    Path(bus.directory, "clients/mine").write_text("sesame")
    told = {found.path: edit_words(found) for found in edits(bus)}
    assert told == {layout.ACL: "it was removed", "clients/mine": "it was not written by reconciler"}


def test_files_as_they_were_written_are_told_of_nothing(bus: Broker) -> None:
    assert edits(bus) == ()


def test_many_edits_are_told_in_part(bus: Broker) -> None:
    edit(bus, layout.ACL, with_line("user hermes\n" + "\n".join(f"topic read t/{number}" for number in range(9))))
    (found,) = edits(bus)
    assert len(found.changes) == 9
    assert edit_words(found).endswith("t/4 added; 4 more")


def test_what_the_settings_changed_since_is_not_taken_for_an_edit(bus: Broker) -> None:
    edit(bus, layout.ACL, with_line("# by hand"))
    grown = replace(bus, demo_topic=True)
    (found,) = edits(grown)
    assert found.against_now
    line = "everybody: topic readwrite python/mqtt/sample removed"
    assert edit_words(found) == f"unlike the settings of now, {line}"
    edit(bus, layout.ACL, with_line("pattern readwrite python/mqtt/sample"))
    (found,) = edits(grown)
    assert (found.changes, edit_words(found)) == ((), "it means what the settings say now")


@pytest.mark.parametrize("path", [layout.CONF, layout.ACL])
def test_files_alone_tell_the_same(bus: Broker, path: str) -> None:
    edit(bus, path, with_line("# by hand"))
    found = offline.survey(bus)
    assert isinstance(found, Present)
    assert found.value.hand_edits == edits(bus) == (HandEdit(path),)


def _drifts(bus: Broker, survey: Survey) -> Iterator[tuple[str, object]]:
    for drift in drifts(bus, Present(survey)):
        facts = drift_facts(drift)
        yield facts["message"], facts.get("changes")


def test_the_drift_names_what_was_edited(bus: Broker) -> None:
    edit(bus, layout.CONF, swap("max_keepalive 300", "max_keepalive 600"))
    found = edits(bus)
    (told,) = _drifts(bus, Survey(made=True, edited=(layout.CONF,), hand_edits=found))
    change = {"path": "max_keepalive", "op": "replace", "before": "300", "after": "600", "sensitive": False}
    words = f"broker.bus: {layout.CONF} was changed by hand: max_keepalive 300 -> 600."
    assert told == (words, [change])


def test_a_drift_without_a_comparison_names_the_file_alone(bus: Broker) -> None:
    (told,) = _drifts(bus, Survey(made=True, edited=(layout.CONF,)))
    assert told == (f"broker.bus: {layout.CONF} was changed by hand.", None)

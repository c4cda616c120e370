from __future__ import annotations

import re
from typing import NamedTuple

import pytest
from bus import broker, made

from reconciler.broker.files import effect, layout
from reconciler.broker.files.effect import EffectReasons
from reconciler.broker.files.file_set import File
from reconciler.model.broker import Effect, Listener

Files = dict[str, File]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    bus = broker(tmp_path_factory.mktemp("bus"), listeners=(Listener(8883, mtls=True),))
    return dict(made(bus).files)


def _edit(files: Files, path: str, pattern: str, text: str) -> Files:
    edited, count = re.subn(pattern, text, files[path].data.decode(), count=1, flags=re.MULTILINE)
    assert count == 1
    return {**files, path: File(edited.encode())}


class Case(NamedTuple):
    path: str
    pattern: str
    text: str
    effect: Effect = Effect.NOTHING
    reason: str = ""


_RELOAD, _RESTART = Effect.RELOAD, Effect.RESTART
CASES = [
    Case(layout.CONF, r"^# Made by.*", "# other words"),
    Case(layout.CONF, r"^max_keepalive .*", "max_keepalive 60", _RELOAD, "max_keepalive has changed"),
    Case(layout.CONF, r"^listener 8883", "listener 8884", _RESTART, "listener is read at the start only"),
    Case(layout.CONF, r"^user .*", "user other", _RESTART, "user is read at the start only"),
    Case(
        layout.CONF, r"^max_connections .*", "max_connections 5", _RESTART, "max_connections is read at the start only"
    ),
    Case(layout.ACL, r"^# Made by.*", "# other words"),
    Case(layout.ACL, r"^topic write", "topic readwrite", _RELOAD, "the ACL has changed"),
    Case(layout.PASSWORDS, r"^hermes:.*\n", "", _RELOAD, "users or passwords have changed"),
    Case(layout.SERVER_CERTIFICATE, r"\Z", "\n", _RELOAD, "the server has another certificate"),
    Case(layout.SERVER_KEY, r"\Z", "\n", _RELOAD, "the server has another certificate"),
    Case(layout.TRUSTED, r"\Z", "\n", _RESTART, "the CAs of client certificates are read at the start only"),
    Case(layout.CA_CERTIFICATE, r"\Z", "\n"),
    Case(layout.environment("hermes"), r"\Z", "\n"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.path} {case.pattern}")
def test_a_change_means_no_more_than_it_must_in_both_directions(case: Case, files: Files) -> None:
    other = _edit(files, case.path, case.pattern, case.text)
    found = effect.meaning(files, other)
    assert found.effect is case.effect
    assert found.reasons == ((case.reason,) if case.reason else ())
    assert effect.unread(effect.prints(files), other) is case.effect
    assert effect.meaning(other, files).effect is case.effect


def test_an_acl_that_was_broken_is_read_again_even_when_its_other_lines_are_the_same(files: Files) -> None:
    broken = _edit(files, layout.ACL, r"\Z", "nonsense\n")
    assert effect.meaning(broken, files).effect is Effect.RELOAD


def test_the_trusted_cas_are_nothing_to_a_broker_that_asks_for_no_certificate(files: Files) -> None:
    plain = _edit(files, layout.CONF, "^require_certificate true", "require_certificate false")
    assert effect.meaning(plain, _edit(plain, layout.TRUSTED, r"\Z", "\n")) == EffectReasons(Effect.NOTHING)


def test_the_first_set_needs_a_start(files: Files) -> None:
    assert effect.meaning({}, files).effect is Effect.RESTART

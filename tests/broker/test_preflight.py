from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from bus import NOW, broker, made
from msgspec.structs import replace

from reconciler.broker import make, preflight
from reconciler.broker.files import conf, layout
from reconciler.broker.files.conf import Version
from reconciler.broker.files.file_set import File, below
from reconciler.broker.keys import pki
from reconciler.broker.keys.pki import Leaf, Purpose
from reconciler.broker.preflight import BrokerLocation
from reconciler.model.broker import KeyKind, Listener, Tls

DIR = "/bus/etc/mosquitto"
HERE = BrokerLocation(DIR, "localhost", Version.V2_0)
Files = dict[str, File]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """A set that nothing is wrong with, moved to where no test writes."""
    bus = broker(tmp_path_factory.mktemp("good"), listeners=(Listener(8883, mtls=True), Listener(8884)))
    files = below(made(bus).files, layout.SET)
    text = files["mosquitto.conf"].data.replace(bus.directory.encode(), b"/bus")
    return {**files, "mosquitto.conf": File(text)}


@pytest.mark.parametrize("version", list(Version))
def test_a_made_set_passes_for_every_version(version: Version, good: Files) -> None:
    assert preflight.check(good, replace(HERE, version=version), NOW) == ()


def _conf(pattern: str, text: str) -> Callable[[Files], Files]:
    return _edit("mosquitto.conf", pattern, text)


def _edit(path: str, pattern: str, text: str) -> Callable[[Files], Files]:
    def plant(files: Files) -> Files:
        edited, count = re.subn(pattern, text, files[path].data.decode(), count=1, flags=re.MULTILINE)
        assert count == 1
        return {**files, path: replace(files[path], data=edited.encode())}

    return plant


def _mode(path: str, mode: int) -> Callable[[Files], Files]:
    return lambda files: {**files, path: replace(files[path], mode=mode)}


def _without(path: str) -> Callable[[Files], Files]:
    return lambda files: {name: file for name, file in files.items() if name != path}


def _server(names: tuple[str, ...], days: int = 90, *, foreign: bool = False) -> Callable[[Files], Files]:
    def plant(files: Files) -> Files:
        authority = pki.new_authority("bus", Tls(), NOW)
        identity = pki.issue(authority, Leaf("x", names, Purpose.SERVER, KeyKind.ECDSA_P256, days), NOW)
        trusted = files["certs/ca.crt"].data if foreign else authority.trusted[0]
        return {
            **files,
            "certs/ca.crt": File(trusted, 0o644),
            "certs/server.crt": File(identity.certificate, 0o644),
            "certs/server.key": File(identity.key),
        }

    return plant


def _foreign_key(files: Files) -> Files:
    return {**files, "certs/server.key": File(pki.new_authority("x", Tls(), NOW).key)}


FAULTS: list[tuple[Callable[[Files], Files], str, str]] = [
    (_conf(r"^allow_anonymous false", "allow_anonymous true"), "mosquitto.conf:8", "anyone can connect"),
    (_conf(r"^allow_anonymous false", "allow_anonymos false"), "mosquitto.conf:8", "not an option of Mosquitto"),
    (_conf(r"^allow_anonymous false", "allow_anonymous no"), "mosquitto.conf:8", "must be true or false"),
    (_conf(r"^allow_anonymous false", "allow_anonymous"), "mosquitto.conf:8", "has no value"),
    (_conf(r"^allow_anonymous false", "global_max_clients 5"), "mosquitto.conf:8", "needs Mosquitto 2.1"),
    (_conf(r"^allow_anonymous false", " # indented"), "mosquitto.conf:8", "'#' is not an option"),
    (_conf(r"^max_queued_messages .*", "max_queued_messages 0"), "mosquitto.conf:25", "outside of 1"),
    (_conf(r"^max_queued_messages .*", "max_queued_messages many"), "mosquitto.conf:25", "must be a number"),
    (_conf(r"^listener 8884", "listener 88840"), "mosquitto.conf:58", "not a port"),
    (_conf(r"^# Nobody enters.*", "user other"), "mosquitto.conf:7", "is set twice"),
    (_conf(r"^acl_file .*", ""), "mosquitto.conf", "no acl_file is set"),
    (_conf(r"^password_file .*", ""), "mosquitto.conf", "no password_file is set"),
    (_conf(r"\Z", "listener 1883\n"), "mosquitto.conf", "listener 1883 has no certfile and no keyfile"),
    (_conf(r"^acl_file .*", f"acl_file {DIR}/other"), "mosquitto.conf:10", "not in the set"),
    (_without("mosquitto.conf"), "mosquitto.conf", "is missing"),
    (_without("acl"), "mosquitto.conf:10", "not in the set"),
    (_without("passwd"), "mosquitto.conf:9", "not in the set"),
    (_edit("acl", r"^topic write", "topic wriet"), "acl:5", "not one of read"),
    (_edit("passwd", r"^hermes:.*", "hermes:secret"), "passwd:2", "begins with neither"),
    (lambda files: {**files, "acl": File(b"user a\n\xff\n")}, "acl:2", "not UTF-8"),
    (_mode("passwd", 0o644), "passwd", "mode is 0644"),
    (_mode("acl", 0o640), "acl", "mode is 0640"),
    (_mode("certs/server.key", 0o604), "certs/server.key", "mode is 0604"),
    (_foreign_key, "certs/server.crt", "key does not belong"),
    (lambda files: {**files, "certs/server.crt": File(b"")}, "certs/server.crt", "no certificate that can be read"),
    (_server(("localhost",), foreign=True), "certs/server.crt", "no CA that clients trust"),
    (_server(("mqtt.internal",)), "certs/server.crt", "not for localhost, but for mqtt.internal"),
    (_server(("localhost",), days=0), "certs/server.crt", "expired"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("plant", "place", "part"), FAULTS, ids=[f"{part} {n}" for n, (_, _, part) in enumerate(FAULTS)]
)
def test_each_fault_is_told_with_its_place_and_a_way_out(
    plant: Callable[[Files], Files], place: str, part: str, good: Files
) -> None:
    found = preflight.check(plant(good), HERE, NOW)
    told = [str(each.place) for each in found if part in each.summary and each.fix]
    assert f"{DIR}/{place}" in told, found


def test_faults_are_told_all_at_once(good: Files) -> None:
    files = _foreign_key(_mode("passwd", 0o666)(_edit("acl", "^user hermes", "usr hermes")(good)))
    assert [str(each.place).removeprefix(f"{DIR}/") for each in preflight.check(files, HERE, NOW)] == [
        "passwd",
        "acl:7",
        "certs/server.crt",
    ]


def test_an_address_is_for_the_host_however_it_is_written(good: Files) -> None:
    assert preflight.check(good, replace(HERE, host="0:0:0:0:0:0:0:1"), NOW) == ()


def test_a_certificate_of_tomorrow_is_told(good: Files) -> None:
    found = preflight.check(good, HERE, NOW - timedelta(days=1))
    assert ["begins on" in each.summary for each in found] == [True]


def test_the_live_files_are_checked_with_their_links_and_modes(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    assert make.check_live(bus, Version.V2_0, NOW) == ()
    acl, passwd = (Path(bus.directory) / path for path in (layout.ACL, layout.PASSWORDS))
    passwd.chmod(0o644)
    acl.rename(tmp_path / "acl")
    acl.symlink_to(tmp_path / "acl")
    summaries = [each.summary for each in make.check_live(bus, Version.V2_1, NOW)]
    assert ["symbolic link" in summaries[0], "not in the set" in summaries[1], "0644" in summaries[2]] == [True] * 3


def test_options_of_plugins_are_theirs(good: Files) -> None:
    files = _conf(r"^allow_anonymous false", "plugin /x.so\nplugin_opt_any thing\nallow_anonymous false")(good)
    assert preflight.check(files, HERE, NOW) == ()


def test_every_option_that_the_manual_of_this_machine_names_is_known() -> None:
    example = Path("/usr/share/doc/mosquitto/examples/mosquitto.conf")
    if not example.exists():
        pytest.skip("the example configuration of Mosquitto is not installed")
    named = set(re.findall(r"^#([a-z][a-z0-9_.]+)(?: \S+)?$", example.read_text(), re.MULTILINE))
    assert len(named) > 50
    unknown = {
        option for option in named if option not in conf._OPTIONS and not option.startswith(("auth_opt", "plugin_opt"))
    }
    assert unknown == set()

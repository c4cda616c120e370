"""A broker that was made by hand: what is recognised of its files, as data, and what is made of them."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from hashlib import sha512
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from broker.mosquitto import Authority, new_key
from bus import NOW, broker, made, runner
from cryptography.x509.oid import ExtendedKeyUsageOID
from msgspec.structs import replace

from reconciler.broker import make
from reconciler.broker.by_hand.folder import candidates, hand_made
from reconciler.broker.by_hand.reading import reading, recognised
from reconciler.broker.by_hand.takeover import Takeover, takeover
from reconciler.broker.files import layout, passwords
from reconciler.broker.files.conf import Version
from reconciler.broker.keys import material
from reconciler.broker.make import BrokerFilePlan
from reconciler.model.broker import Broker, BrokerUser, Role
from reconciler.model.errors import ReconcilerError

EVENTS = "python/mqtt/jobs/+/events"
CONF = """\
persistence true
persistence_location /mosquitto/data/
password_file /mosquitto/auth/passwd
acl_file /mosquitto/auth/acl
allow_anonymous false
listener 8883
cafile /mosquitto/certs/ca.crt
certfile /mosquitto/certs/server.crt
keyfile /mosquitto/certs/server.key
"""
ACL = f"""\
# claude-worker: may publish job events, may not read others' streams
user claude-worker
topic write {EVENTS}
# hermes: observes every job's events
user hermes
topic read {EVENTS}
pattern readwrite python/mqtt/sample
"""
SECRETS = {"hermes": "one of hermes", "claude-worker": "one of the worker"}
_SALT64 = bytes(range(64))


def _plain(secret: str) -> str:
    """An entry as Mosquitto 1 wrote it."""
    salt = bytes(range(12))
    key = sha512(secret.encode() + salt).digest()
    return f"$6${b64encode(salt).decode()}${b64encode(key).decode()}"


def _costly(secret: str, iterations: int, salt: bytes) -> str:
    key = passwords._derive(secret, salt, iterations)
    return f"$7${iterations}${b64encode(salt).decode()}${b64encode(key).decode()}"


ENTRIES = {"hermes": _costly(SECRETS["hermes"], 101, bytes(12)), "claude-worker": _plain(SECRETS["claude-worker"])}
PASSWD = "".join(f"{name}:{entry}\n" for name, entry in ENTRIES.items())
RECIPE: Mapping[str, str | None] = {"mosquitto.conf": CONF, "auth/acl": ACL, "auth/passwd": PASSWD}


@cache
def _certificates(names: tuple[str, ...] = ("mqtt.internal", "10.0.0.5"), days: float = 60) -> Mapping[str, str]:
    """Of a CA whose key is kept elsewhere, as by a careful user."""
    with TemporaryDirectory() as folder:
        Authority(Path(folder)).issue("server", names, (-30, days), ExtendedKeyUsageOID.SERVER_AUTH)
        return {f"certs/{path.name}": path.read_text() for path in Path(folder).iterdir()}


def _with(root: Path, files: Mapping[str, str | None]) -> Path:
    """The recipe's folder, with other texts for some of its files; None leaves one out."""
    for name, text in {**RECIPE, **_certificates(), **files}.items():
        if text is not None:
            path = root / "broker" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return root / "broker"


def _folder(root: Path) -> Path:
    return _with(root, {})


def _seen(folder: Path) -> Takeover:
    found = hand_made(str(folder))
    assert found
    return takeover(found, NOW)


def _broker(folder: Path, **fields: Any) -> Broker:
    found = hand_made(str(folder))
    assert found
    return replace(recognised(reading(found)), **fields)


def _taken(bus: Broker) -> BrokerFilePlan:
    found = make.look(bus, NOW)
    making = make.plan(bus, found, runner(), NOW)
    assert make.check(bus, making, Version.V2_1, NOW) == ()
    make.write(bus, making)
    return making


def _left(seen: Takeover) -> list[str]:
    return [each.what for each in seen.left_alone]


# --- rights -----------------------------------------------------------------------------------

RIGHTS: Mapping[str, tuple[str, object]] = {
    "reads": (f"user hermes\ntopic read {EVENTS}", "observer"),
    "writes": (f"user hermes\ntopic write {EVENTS}", "worker"),
    "both at once": (f"user hermes\ntopic readwrite {EVENTS}", "reconciler"),
    "both without a word": (f"user hermes\ntopic {EVENTS}", "reconciler"),
    "one after the other": (f"user hermes\ntopic read {EVENTS}\n# and\n\ntopic write {EVENTS}", "reconciler"),
    "twice the same": (f"user hermes\ntopic read {EVENTS}\nuser hermes\ntopic read {EVENTS}", "observer"),
    "indented, with CRLF": (f"user hermes\r\n  topic read {EVENTS}\r\n", "observer"),
    "more": (f"user hermes\ntopic read {EVENTS}\ntopic read lab/#", {"acl": [f"read {EVENTS}", "read lab/#"]}),
    "wider": ("user hermes\ntopic read python/#", {"acl": ["read python/#"]}),
    "less": (f"user hermes\ntopic read {EVENTS}\ntopic deny python/mqtt/jobs/7/events", {
        "acl": [f"read {EVENTS}", "deny python/mqtt/jobs/7/events"]}),
    "by pattern": (f"pattern read {EVENTS}", "observer"),
    "by a pattern with the name": (f"user hermes\ntopic read {EVENTS}\npattern write home/%u/#", {
        "acl": [f"read {EVENTS}", "write home/hermes/#"]}),
    "only the demo topic": ("pattern readwrite python/mqtt/sample", {"acl": ["readwrite python/mqtt/sample"]}),
    "nothing": ("user other\ntopic read #", {"acl": ["deny #"]}),
    "by client id": (f"user hermes\ntopic read {EVENTS}\npattern write home/%c/#", "observer"),
    "about the broker": (f"user hermes\ntopic read {EVENTS}\npattern read $SYS/#", "observer"),
}  # fmt: skip


@pytest.mark.parametrize(("rules", "role"), RIGHTS.values(), ids=RIGHTS.keys())
def test_the_lines_of_an_acl_are_a_role_or_stay_lines(rules: str, role: object, tmp_path: Path) -> None:
    folder = _with(tmp_path, {"auth/acl": f"{rules}\n", "auth/passwd": f"hermes:{ENTRIES['hermes']}\n"})
    assert _seen(folder).block["users"] == {"hermes": role}


RUNNER = f"""\
user hermes
topic write {EVENTS}
topic readwrite python/mqtt/jobs/hosts/hermes/jobs/+
topic write python/mqtt/jobs/hosts/hermes/cancels/+
topic read python/mqtt/jobs/hosts/hermes/cancels/+
topic write python/mqtt/jobs/hosts/hermes/dead/+
"""
HOSTS = "".join(f"topic readwrite python/mqtt/jobs/hosts/+/{each}/+\n" for each in ("jobs", "cancels", "dead"))
RUNNERS: Mapping[str, tuple[str, object, object]] = {
    "beside a user of all boxes": (f"{RUNNER}user claude-worker\ntopic {EVENTS}\n{HOSTS}", "runner", "reconciler"),
    "beside a user of events alone": (
        f"{RUNNER}user claude-worker\ntopic {EVENTS}\n", "runner", {"acl": [f"readwrite {EVENTS}"]}),
    "beside an observer": (f"{RUNNER}user claude-worker\ntopic read {EVENTS}\n", "runner", "observer"),
}  # fmt: skip


@pytest.mark.parametrize(("rules", "hermes", "other"), RUNNERS.values(), ids=RUNNERS.keys())
def test_a_runner_is_recognised_and_nobody_else_gets_more_by_it(
    rules: str, hermes: object, other: object, tmp_path: Path
) -> None:
    seen = _seen(_with(tmp_path, {"auth/acl": rules}))
    assert seen.block["users"] == {"hermes": hermes, "claude-worker": other}


def test_the_lines_of_a_runner_of_another_host_stay_lines(tmp_path: Path) -> None:
    lines = RUNNER.replace("hosts/hermes", "hosts/other")
    users = _seen(_with(tmp_path, {"auth/acl": f"{lines}{HOSTS}"})).block["users"]
    assert isinstance(users, dict)
    assert set(users["hermes"]) == {"acl"}


def test_other_topics_of_job_events_are_recognised(tmp_path: Path) -> None:
    folder = _with(tmp_path, {"auth/acl": ACL.replace("python/mqtt/jobs", "lab/jobs")})
    block = _seen(folder).block
    assert block["topics"] == ["lab/jobs/+/events"]
    assert block["users"] == {"hermes": "observer", "claude-worker": "worker"}


def test_without_an_acl_rights_stay_and_are_told(tmp_path: Path) -> None:
    seen = _seen(_with(tmp_path, {"mosquitto.conf": CONF.replace("acl_file", "#"), "auth/acl": None}))
    assert seen.block["users"] == {name: {"acl": ["readwrite #"]} for name in SECRETS}
    assert "no acl_file is set" in _left(seen)


LISTENING = "mosquitto.conf:10"
LEFT: Mapping[str, tuple[dict[str, str | None], str, str]] = {
    "a user without a password": (
        {"auth/acl": f"{ACL}user gone\ntopic read #\n"}, "the ACL lines of gone", "auth/acl:8",
    ),
    "rights of nobody": ({"auth/acl": f"topic read #\n{ACL}"}, "ACL lines above the first user", "auth/acl:1"),
    "a name of another kind": ({"auth/passwd": f"{PASSWD}a.b:{ENTRIES['hermes']}\n"}, "user a.b", "auth/passwd:3"),
    "an entry that none can check": (
        {"auth/passwd": f"{PASSWD}ada:$argon2id$v=19$m=47104$a$b\n"}, "a line of the password file", "auth/passwd:3",
    ),
    "a pattern of client ids": ({"auth/acl": f"{ACL}pattern read %c/#\n"}, "pattern read %c/#", "auth/acl:8"),
    "a pattern about the broker": ({"auth/acl": f"{ACL}pattern read $SYS/#\n"}, "pattern read $SYS/#", "auth/acl:8"),
    "a pattern that forbids": ({"auth/acl": f"{ACL}pattern deny x/#\n"}, "pattern deny x/#", "auth/acl:8"),
    "a port without TLS": ({"mosquitto.conf": f"{CONF}listener 1883\n"}, "listener 1883", "mosquitto.conf:10"),
    "websockets": ({"mosquitto.conf": f"{CONF}listener 9001\nprotocol websockets\n"}, "listener 9001", LISTENING),
    "a socket": ({"mosquitto.conf": f"{CONF}listener 0 /run/m.sock\n"}, "listener 0 /run/m.sock", "mosquitto.conf:10"),
    "a bridge": (
        {"mosquitto.conf": f"connection up\naddress there:1883\ntopic # both\n{CONF}"}, "connection up",
        "mosquitto.conf:1",
    ),
    "a plugin": ({"mosquitto.conf": f"plugin /x.so\n{CONF}"}, "plugin /x.so", "mosquitto.conf:1"),
    "another line": ({"mosquitto.conf": f"sys_interval 5\n{CONF}"}, "sys_interval 5", "mosquitto.conf:1"),
    "a database elsewhere": (
        {"mosquitto.conf": CONF.replace("mosquitto/data", "mosquitto/store"), "store/mosquitto.db": "x"},
        "the retained events of the old broker", "store/mosquitto.db",
    ),
    "a key that is elsewhere": ({}, "the CA's key", "certs/server.crt"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "what", "place"), LEFT.values(), ids=LEFT.keys())
def test_what_is_not_taken_over_is_told_with_its_place_and_reason(
    files: dict[str, str | None], what: str, place: str, tmp_path: Path
) -> None:
    folder = _with(tmp_path, files)
    seen = _seen(folder)
    [left] = [each for each in seen.left_alone if each.what == what]
    assert str(left.place) == f"{folder}/{place}"
    assert left.why
    assert seen.problems == ()
    assert not any(each.what.startswith(("address", "topic")) for each in seen.left_alone), "they belong to the bridge"


# --- settings ---------------------------------------------------------------------------------


def test_the_recipe_is_recognised_whole(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    seen = _seen(folder)
    assert seen.problems == ()
    assert seen.block == {
        "dir": str(folder),
        "host": "mqtt.internal",
        "names": ["10.0.0.5"],
        "listeners": [{"port": 8883}],
        "users": {"hermes": "observer", "claude-worker": "worker"},
        "demo_topic": True,
    }
    assert [(user.name, user.entry) for user in seen.users] == [("hermes", "$7$"), ("claude-worker", "$6$")]
    assert seen.kept[0] == "the passwords of hermes, claude-worker"
    assert all(entry not in repr(seen) for entry in ENTRIES.values())


BLOCKS: Mapping[str, tuple[str, dict[str, object]]] = {
    "limits and persistence": (
        CONF.replace("persistence true", "persistence false\nmax_keepalive 60\nmax_queued_messages 0")
        + "max_connections 40\n",
        {"persistence": False, "limits": {"connections": 40, "keepalive": 60}},
    ),
    "an address": (CONF.replace("listener 8883", "listener 8884 10.0.0.5"), {
        "listeners": [{"port": 8884, "bind": "10.0.0.5"}]}),
    "an old listener": (CONF.replace("listener 8883", "port 8884"), {"listeners": [{"port": 8884}]}),
    "certificates": (f"{CONF}require_certificate true\nuse_identity_as_username true\n", {
        "listeners": [{"port": 8883, "mtls": True}]}),
    "no TLS": ("\n".join(CONF.splitlines()[:5]) + "\nlistener 1883\n", {
        "listeners": [{"port": 8883}], "host": "localhost"}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), BLOCKS.values(), ids=BLOCKS.keys())
def test_settings_are_recognised(text: str, expected: dict[str, object], tmp_path: Path) -> None:
    block = _seen(_with(tmp_path, {"mosquitto.conf": text})).block
    assert {key: block.get(key) for key in expected} == expected


def test_files_that_are_included_count(tmp_path: Path) -> None:
    first, second = "\n".join(CONF.splitlines()[:5]), "\n".join(CONF.splitlines()[5:])
    files = {"mosquitto.conf": f"{first}\ninclude_dir /mosquitto/conf.d\n", "conf.d/tls.conf": f"{second}\n"}
    seen = _seen(_with(tmp_path, {**files, "conf.d/notes.txt": "listener 1883\n"}))
    assert seen.block["host"] == "mqtt.internal"
    assert not [each for each in seen.left_alone if each.what.startswith("listener")]


@pytest.mark.parametrize("place", ["", "config/", "/srv/b/"])
def test_files_are_found_beside_each_other_and_wherever_a_container_has_them(place: str, tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    text = CONF.replace("/mosquitto/auth/", place).replace("/mosquitto/certs/", place)
    inside = "config" if place == "config/" else ""
    certificates = {f"{inside}/{name.rpartition('/')[2]}": each for name, each in _certificates().items()}
    for name, each in {
        f"{inside}/mosquitto.conf": text,
        f"{inside}/acl": ACL,
        f"{inside}/passwd": PASSWD,
        **certificates,
    }.items():
        path = folder / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(each)
    seen = _seen(folder)
    assert seen.problems == ()
    assert seen.block["users"] == {"hermes": "observer", "claude-worker": "worker"}


# --- hardening --------------------------------------------------------------------------------


def test_what_becomes_stricter_is_shown(tmp_path: Path) -> None:
    text = CONF.replace("allow_anonymous false", "allow_anonymous true\nmax_keepalive 0") + "listener 1883\n"
    folder = _with(tmp_path, {"mosquitto.conf": text})
    (folder / "auth/passwd").chmod(0o644)
    (folder / "auth/acl").chmod(0o600)
    told = {(each.path, each.op): (each.before, each.after) for each in _seen(folder).hardened}
    assert told["etc/mosquitto/passwd mode", "replace"] == ("0644 (auth/passwd)", "0600")
    assert ("etc/mosquitto/acl mode", "replace") not in told
    assert told["mosquitto.conf allow_anonymous", "replace"] == ("true", "false")
    assert told["mosquitto.conf max_keepalive", "replace"] == ("0", "300")
    assert told["mosquitto.conf max_packet_size", "add"] == (None, "262144")
    assert told["mosquitto.conf listener", "remove"] == ("1883, without TLS", None)
    assert not [path for path, _ in told if path.startswith("acl.")], "the rights are the same"


def test_another_declaration_shows_what_it_changes(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    found = hand_made(str(folder))
    assert found
    users = (BrokerUser("hermes", Role.RECONCILER), BrokerUser("ci", Role.WORKER))
    told = [
        (each.path, each.before, each.after) for each in takeover(found, NOW, _broker(folder, users=users)).hardened
    ]
    assert ("users.ci", None, "worker, with a new password") in told
    assert ("users.hermes", None, "reconciler, with the password that it has") in told
    assert ("users.claude-worker", "can log in", None) in told
    assert ("acl.hermes", None, f"readwrite {EVENTS}") in told


def test_a_user_with_a_certificate_keeps_that(tmp_path: Path) -> None:
    text = f"{CONF.replace('password_file', '#')}require_certificate true\nuse_identity_as_username true\n"
    seen = _seen(_with(tmp_path, {"mosquitto.conf": text, "auth/passwd": None}))
    assert seen.problems == ()
    told = {each.path: each.after for each in seen.hardened}
    assert told["users.hermes"] == "observer, with the certificate that it has"


# --- what cannot be taken over ----------------------------------------------------------------

STRICT = f"{CONF}require_certificate true\n"
PROBLEMS: Mapping[str, tuple[dict[str, str | None], str, str]] = {
    "no password file": ({"auth/passwd": None}, "password_file names /mosquitto/auth/passwd", "mosquitto.conf:3"),
    "no certificate": ({"certs/server.crt": None}, "certfile names", "mosquitto.conf:8"),
    "certificate and password": ({"mosquitto.conf": STRICT}, "a certificate and a password", "mosquitto.conf:10"),
    "revoked certificates": ({"mosquitto.conf": f"{CONF}crlfile /crl\n"}, "revoked", "mosquitto.conf:10"),
    "a mount point": ({"mosquitto.conf": f"{CONF}mount_point x/\n"}, "mount_point", "mosquitto.conf:10"),
    "users by listener": (
        {"mosquitto.conf": f"per_listener_settings true\n{CONF}listener 8884\npassword_file /other\n"},
        "several files for different listeners", "mosquitto.conf:12",
    ),
    "a bad ACL": ({"auth/acl": f"{ACL}topic wriet x\n"}, "not one of read", "auth/acl:8"),
    "another key": ({"certs/server.key": new_key()}, "does not belong", "certs/server.crt"),
    "no PEM": ({"certs/server.crt": "x"}, "no certificate that can be read", "certs/server.crt"),
    "expired": (dict(_certificates(days=-1)), "expired on", "certs/server.crt"),
    "another CA": ({"certs/ca.crt": _certificates(("other",))["certs/ca.crt"]}, "has issued it", "certs/server.crt"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "what", "place"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_what_is_in_the_way_is_told_with_its_place_and_a_way_out(
    files: dict[str, str | None], what: str, place: str, tmp_path: Path
) -> None:
    folder = _with(tmp_path, files)
    [problem] = [each for each in _seen(folder).problems if what in each.summary]
    assert str(problem.place) == f"{folder}/{place}"
    assert problem.fix


def test_a_certificate_for_another_name_is_in_the_way_of_that_host_only(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    found = hand_made(str(folder))
    assert found
    [problem] = takeover(found, NOW, _broker(folder, host="other.internal")).problems
    assert "not for other.internal, but for mqtt.internal, 10.0.0.5" in problem.summary
    assert "--reissue" in problem.fix


@pytest.mark.parametrize("plant", ["link", "pipe"])
def test_a_file_that_is_none_is_not_read(plant: str, tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    path = folder / "auth/passwd"
    path.unlink()
    if plant == "link":
        path.symlink_to(folder / "auth/acl")
    else:
        subprocess.run(["mkfifo", str(path)], check=True)
    assert [str(each.place) for each in _seen(folder).problems] == [str(path)]


# --- making -----------------------------------------------------------------------------------


def test_entries_certificates_and_originals_stay_byte_for_byte(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    bus = _broker(folder)
    making = _taken(bus)
    assert making.renewals == ()
    assert {path: path.read_bytes() for path in before} == before
    entries = (folder / layout.PASSWORDS).read_text().splitlines()
    assert sorted(entries) == sorted(PASSWD.splitlines())
    assert (folder / layout.SERVER_CERTIFICATE).read_bytes() == before[folder / "certs/server.crt"]
    assert not (folder / layout.CA_KEY).exists()
    assert not list((folder / "clients").glob("*.password"))
    assert "MQTT_PASSWORD" not in (folder / "clients/hermes.env").read_text()


def test_what_was_taken_over_stays_until_it_is_asked_for_another(tmp_path: Path) -> None:
    bus = _broker(_folder(tmp_path))
    _taken(bus)
    for days in (0, 45):  # the certificate is due by then
        now = NOW + timedelta(days=days)
        again = make.plan(bus, make.look(bus, now), runner(), now)
        assert (again.changes, again.renewals) == ((), ())


def test_without_the_note_of_what_is_kept_nobody_gets_a_new_password(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    bus = _broker(folder)
    _taken(bus)
    (folder / layout.KEPT).unlink()
    (folder / "clients/hermes.env").unlink()
    again = make.plan(bus, make.look(bus, NOW), runner(), NOW)
    assert again.passwords == ()


def test_killed_before_the_last_set_it_starts_from_the_same_files(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    bus = _broker(folder)
    _taken(bus)
    expected = {path: path.read_bytes() for path in (folder / layout.SET).rglob("*") if path.is_file()}
    subprocess.run(["rm", "-r", str(folder / "etc")], check=True)
    _taken(bus)
    assert {path: path.read_bytes() for path in expected} == expected


def test_a_given_password_is_stored_and_its_entry_stays(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    bus = _broker(folder)
    _taken(bus)
    for name, secret in SECRETS.items():
        found = make.look(bus, NOW)
        assert passwords.verifies(found.material.entries[name], secret)
        assert not passwords.verifies(found.material.entries[name], f"{secret}!")
        known = replace(found, material=material.with_secret(found.material, name, secret))
        make.write(bus, make.plan(bus, known, runner(), NOW))
    assert sorted((folder / layout.PASSWORDS).read_text().splitlines()) == sorted(PASSWD.splitlines())
    assert (folder / "clients/hermes.password").read_text() == f"{SECRETS['hermes']}\n"
    assert make.plan(bus, make.look(bus, NOW), runner(), NOW).changes == ()


def test_a_user_who_asks_gets_a_new_password(tmp_path: Path) -> None:
    bus = _broker(_folder(tmp_path))
    _taken(bus)
    found = make.look(bus, NOW)
    rotated = replace(found, material=material.without_secret(found.material, "hermes"))
    assert make.plan(bus, rotated, runner(), NOW).passwords == ("hermes",)


def test_certificates_that_cannot_stay_are_issued_anew_on_request(tmp_path: Path) -> None:
    folder = _with(tmp_path, dict(_certificates(days=-1)))
    bus = _broker(folder)
    found = make.look(bus, NOW)
    stale = make.plan(bus, found, runner(), NOW)
    assert any("expired" in each.summary for each in make.check(bus, stale, Version.V2_1, NOW))
    fresh = replace(found, material=material.reissued(found.material, NOW))
    making = make.plan(bus, fresh, runner(), NOW)
    assert [each.kind for each in making.renewals] == ["ca", "server"], "without its key, the CA signs nothing"
    assert make.check(bus, making, Version.V2_1, NOW) == ()
    assert making.passwords == ()


def test_what_reconciler_has_made_is_not_issued_anew_in_place_of_what_was_made_by_hand(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    found = make.look(bus, NOW)
    asked = replace(found, material=material.reissued(found.material, NOW))
    assert make.plan(bus, asked, runner(), NOW).changes == ()


def test_a_ca_without_its_key_signs_nothing_and_says_so(tmp_path: Path) -> None:
    bus = _broker(_folder(tmp_path))
    _taken(bus)
    found = make.look(bus, NOW)
    with pytest.raises(ReconcilerError, match="its key was not among the files"):
        make.plan(bus, replace(found, material=material.without_server(found.material)), runner(), NOW)


def test_a_long_salt_is_for_mosquitto_2_1_alone(tmp_path: Path) -> None:
    folder = _with(tmp_path, {"auth/passwd": f"hermes:{_costly('x', 1000, _SALT64)}\n"})
    bus = _broker(folder)
    making = make.plan(bus, make.look(bus, NOW), runner(), NOW)
    assert make.check(bus, making, Version.V2_1, NOW) == ()
    [problem] = make.check(bus, making, Version.V2_0, NOW)
    assert "Mosquitto 2.0 would drop the user" in problem.summary


# --- candidates -------------------------------------------------------------------------------


def test_candidates_are_the_folders_with_a_configuration_by_hand(tmp_path: Path) -> None:
    for name in ("broker/mosquitto.conf", "mosquitto/config/mosquitto.conf", "a/b/c/mosquitto.conf"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(CONF)
    for name in ("node_modules/x/mosquitto.conf", ".git/mosquitto.conf", "notes/other.conf"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(CONF)
    (tmp_path / "link").symlink_to(tmp_path / "broker")
    assert candidates(str(tmp_path)) == tuple(str(tmp_path / name) for name in ("a/b/c", "broker", "mosquitto"))


def test_a_broker_of_ours_is_no_candidate(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    assert candidates(str(tmp_path)) == (str(folder),)
    _taken(_broker(folder))
    assert candidates(str(tmp_path)) == ()
    assert hand_made(str(folder)) is None


def test_an_empty_folder_is_none(tmp_path: Path) -> None:
    assert hand_made(str(tmp_path / "missing")) is None
    assert hand_made(str(tmp_path)) is None

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from bus import NOW, broker, contents, made, plan, runner
from killing import killed_after
from msgspec.structs import replace

from reconciler.broker import make
from reconciler.broker.files import layout, passwords, sets
from reconciler.broker.files.conf import Version
from reconciler.broker.files.file_set import InvalidBrokerFiles
from reconciler.broker.keys import material, pki
from reconciler.broker.keys.expiry import expiries
from reconciler.broker.make import FileAction
from reconciler.broker.wanted import Runner
from reconciler.model.broker import (
    Access,
    Broker,
    BrokerUser,
    Effect,
    Grant,
    KeyKind,
    Limits,
    Listener,
    Role,
    Target,
    Tls,
)
from reconciler.model.errors import ReconcilerError

MTLS = (Listener(8883, "127.0.0.1", mtls=True),)
VARIANTS: dict[str, dict[str, object]] = {
    "plain": {},
    "rsa": {"tls": Tls(key=KeyKind.RSA_2048)},
    "mtls": {"listeners": MTLS},
    "docker": {"target": Target.DOCKER, "listeners": (Listener(8883, "::1"), Listener(8884))},
    "systemd": {"target": Target.SYSTEMD, "listeners": (Listener(883),)},
    "everything": {"demo_topic": True, "names": ("mqtt.internal", "10.0.0.1"), "persistence": False},
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_making_twice_changes_no_byte(variant: str, tmp_path: Path) -> None:
    bus = broker(tmp_path, **VARIANTS[variant])
    assert made(bus).meaning.effect is Effect.RESTART
    before = contents(bus)
    again = made(bus, days=30)
    assert again.changes == ()
    assert again.renewals == ()
    assert again.meaning.effect is Effect.NOTHING
    assert contents(bus) == before


@pytest.mark.parametrize("variant", VARIANTS)
def test_nothing_secret_can_be_read_by_others(variant: str, tmp_path: Path) -> None:
    bus = broker(tmp_path, **VARIANTS[variant])
    made(bus)
    opened = {path for path, (_, mode) in contents(bus).items() if mode & 0o077}
    assert all(path.endswith((".crt", ".yaml", ".service")) for path in opened)
    assert {path.stat().st_mode & 0o777 for path in Path(bus.directory).rglob("*") if path.is_dir()} == {0o700}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_plan_shows_no_secret(variant: str, tmp_path: Path) -> None:
    bus = broker(tmp_path, **VARIANTS[variant])
    making = made(bus)
    shown = repr((making, making.files, make.look(bus, NOW)))
    assert "PRIVATE KEY" not in shown
    for path, file in making.files.items():
        if path.endswith((".password", "passwd")):
            assert [line for line in file.data.decode().splitlines() if line in shown] == []


def test_the_first_plan_tells_all_that_will_be_and_writes_nothing(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    making = plan(bus)
    assert making.users_added == ("claude-worker", "hermes")
    assert [renewal.kind for renewal in making.renewals] == ["ca", "server"]
    assert {change.action for change in making.changes} == {FileAction.CREATE}
    assert not Path(bus.directory).exists()


def test_what_was_planned_is_what_is_written(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    making = made(bus)
    written = {path: data for path, (data, _) in contents(bus).items() if not path.endswith(sets.DIGESTS)}
    assert written == {path: file.data for path, file in making.files.items()}


def test_the_ca_key_is_nowhere_in_the_folder_that_the_broker_sees(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    files = {path: data for path, (data, _) in contents(bus).items()}
    holding = [path for path, data in files.items() if data == files[layout.CA_KEY]]
    assert holding == [layout.CA_KEY]


def test_a_user_more_costs_nobody_else_anything(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    before = contents(bus)
    more = replace(bus, users=(*bus.users, BrokerUser("auditor", Role.CUSTOM, (Grant(Access.READ, "audit/#"),))))
    making = made(more)
    assert making.users_added == ("auditor",)
    assert making.passwords == ()
    assert [change.grant.topic for change in making.grants] == ["audit/#"]
    assert making.meaning.effect is Effect.RELOAD
    entries = contents(more)[layout.PASSWORDS][0].decode()
    assert set(before[layout.PASSWORDS][0].decode().splitlines()) < set(entries.splitlines())
    changed = {path for path, file in contents(more).items() if before.get(path) != file and "/last-good" not in path}
    assert {path for path in changed if not path.startswith("last-good")} == {
        *(f"clients/{name}" for name in ("auditor.env", "auditor.password", sets.DIGESTS)),
        *(f"{layout.SET}/{name}" for name in ("acl", "passwd", sets.DIGESTS)),
    }


def test_a_user_less_loses_its_files(tmp_path: Path) -> None:
    bus = broker(tmp_path, listeners=MTLS)
    made(bus)
    making = made(replace(bus, users=bus.users[:1]))
    assert making.users_removed == ("hermes",)
    assert {change.path for change in making.changes if change.action is FileAction.REMOVE} == {
        f"clients/hermes.{end}" for end in ("crt", "env", "key", "password")
    }
    assert not list((Path(bus.directory) / "clients").glob("hermes.*"))


def test_a_changed_password_file_of_a_user_gives_another_entry_to_it_alone(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    (Path(bus.directory) / layout.password("hermes")).write_text("chosen by the user\n")
    making = made(bus)
    assert making.passwords == ("hermes",)
    entries, _ = passwords.parse(contents(bus)[layout.PASSWORDS][0].decode(), "")
    assert passwords.verifies(entries["hermes"], "chosen by the user")
    assert b"'chosen by the user'" in contents(bus)["clients/hermes.env"][0]


def test_edits_by_hand_are_told_and_undone(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    acl = Path(bus.directory) / layout.ACL
    acl.write_text(acl.read_text().replace("topic read", "topic readwrite"))
    (Path(bus.directory) / layout.PASSWORDS).chmod(0o644)
    found = make.look(bus, NOW)
    making = make.plan(bus, found, runner(), NOW)
    assert found.edited == (layout.ACL,)
    shown = {change.path: change.diff for change in making.changes}
    assert "-topic readwrite python/mqtt/jobs/+/events" in shown[layout.ACL]
    assert shown[layout.PASSWORDS] == ("mode 0644 -> 0600",)
    assert [(change.user, change.grant.access, change.added) for change in making.grants] == [
        ("hermes", Access.READWRITE, False),
        ("hermes", Access.READ, True),
    ]
    make.write(bus, making)
    assert make.look(bus, NOW).edited == ()


def test_certificates_that_are_due_are_renewed_and_told(tmp_path: Path) -> None:
    bus = broker(tmp_path, listeners=MTLS)
    made(bus)
    due = [each for each in expiries(make.look(bus, NOW).files, NOW + timedelta(days=70)) if each.due]
    assert {each.kind for each in due} == {"server", "client"}
    making = made(bus, days=70)
    assert [(each.kind, each.user) for each in making.renewals] == [
        ("server", ""),
        ("client", "claude-worker"),
        ("client", "hermes"),
    ]
    assert making.meaning.effect is Effect.RELOAD
    assert not [each for each in expiries(make.look(bus, NOW).files, NOW + timedelta(days=70)) if each.due]


def test_expiry_counts_days_and_tells_when_it_is_over(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    server, ca = expiries(make.look(bus, NOW).files, NOW + timedelta(days=91))
    assert (server.kind, server.expired, server.days_left) == ("server", True, -2)
    assert (ca.kind, ca.due, ca.expired) == ("ca", False, False)


# --- rotation ---------------------------------------------------------------------------------


def _rotated(bus: Broker, change: object) -> make.BrokerFilePlan:
    found = make.look(bus, NOW)
    making = make.plan(bus, replace(found, material=change(found.material)), runner(), NOW)  # type: ignore[operator]
    make.write(bus, making)
    return making


def test_a_rotated_server_has_another_certificate_and_the_users_keep_theirs(tmp_path: Path) -> None:
    bus = broker(tmp_path, listeners=MTLS)
    made(bus)
    making = _rotated(bus, material.without_server)
    assert {change.path for change in making.changes} == {layout.SERVER_CERTIFICATE, layout.SERVER_KEY}
    assert making.meaning.effect is Effect.RELOAD


def test_a_rotated_user_has_another_password_or_certificate(tmp_path: Path) -> None:
    bus = broker(tmp_path, listeners=MTLS)
    made(bus)
    assert _rotated(bus, lambda found: material.without_secret(found, "hermes")).passwords == ("hermes",)
    making = _rotated(bus, lambda found: material.without_client(found, "hermes"))
    assert {change.path for change in making.changes} == {layout.certificate("hermes"), layout.key("hermes")}


def test_a_ca_is_rolled_over_in_three_steps_that_survive_on_disk(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    first = contents(bus)[layout.CA_CERTIFICATE][0]
    renewed = []
    for _ in range(3):
        making = _rotated(bus, lambda found: material.roll_ca(found, bus, NOW))
        renewed.append([each.kind for each in making.renewals])
        assert made(bus).changes == ()
    assert renewed == [[], ["server"], []]
    last = contents(bus)
    assert last[layout.CA_CERTIFICATE][0] != first
    assert layout.CA_NEXT_KEY not in last


def test_with_client_certificates_only_the_steps_that_change_the_trust_need_a_restart(tmp_path: Path) -> None:
    bus = broker(tmp_path, listeners=MTLS)
    made(bus)
    effects = [_rotated(bus, lambda found: material.roll_ca(found, bus, NOW)).meaning.effect for _ in range(3)]
    assert effects == [Effect.RESTART, Effect.RELOAD, Effect.RESTART]


# --- killed in between ------------------------------------------------------------------------


def test_killed_at_any_point_the_broker_has_a_set_it_can_run_on_and_making_again_completes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)  # a kill loses nothing of what the kernel has
    bus = broker(tmp_path, listeners=MTLS)
    made(bus)
    shutil.copytree(bus.directory, tmp_path / "first")
    change = replace(bus, names=("mqtt.internal",), users=(*bus.users[1:], BrokerUser("new", Role.WORKER)))
    making = plan(change)
    for point in range(0, 1000, 3):
        shutil.rmtree(bus.directory)
        shutil.copytree(tmp_path / "first", bus.directory)
        killed = killed_after(point, lambda: make.write(change, making))
        assert make.check_live(change, Version.V2_0, NOW) == ()
        assert made(change).users_added in ((), ("new",))
        assert plan(change).changes == ()
        if not killed:
            return
    pytest.fail("it never came to its end")


# --- a CA of one's own ------------------------------------------------------------------------


def _given(folder: Path) -> Tls:
    authority = pki.new_authority("given", Tls(), NOW)
    (folder / "own.crt").write_bytes(authority.trusted[0])
    (folder / "own.key").write_bytes(authority.key)
    return Tls(ca_cert=str(folder / "own.crt"), ca_key=str(folder / "own.key"))


def test_a_given_ca_signs_and_its_key_is_not_copied(tmp_path: Path) -> None:
    bus = broker(tmp_path, tls=_given(tmp_path))
    made(bus)
    assert made(bus).changes == ()
    files = contents(bus)
    assert files[layout.CA_CERTIFICATE][0] == (tmp_path / "own.crt").read_bytes()
    assert all(data != (tmp_path / "own.key").read_bytes() for data, _ in files.values())


def test_without_the_settings_that_gave_a_ca_one_is_made(tmp_path: Path) -> None:
    given = broker(tmp_path, tls=_given(tmp_path))
    made(given)
    own = replace(given, tls=Tls())
    assert [(each.kind, each.reason) for each in made(own).renewals] == [
        ("ca", "a new one is needed"),
        ("server", "another CA issued it"),
    ]
    assert plan(own).changes == ()
    (Path(own.directory) / layout.CA_KEY).unlink()
    with pytest.raises(ReconcilerError, match="the CA is damaged"):
        plan(own)


def test_a_given_ca_that_is_not_there_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(ReconcilerError, match="cannot be read") as caught:
        plan(broker(tmp_path, tls=Tls(ca_cert=str(tmp_path / "no.crt"), ca_key=str(tmp_path / "no.key"))))
    assert caught.value.fix


@pytest.mark.parametrize("damage", ["lost key", "lost certificate", "other key", "garbage"])
def test_a_damaged_ca_is_never_replaced_by_itself(damage: str, tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    certificate, key = (Path(bus.directory) / path for path in (layout.CA_CERTIFICATE, layout.CA_KEY))
    match damage:
        case "lost key":
            key.unlink()
        case "lost certificate":
            certificate.unlink()
        case "other key":
            key.write_bytes(pki.new_authority("other", Tls(), NOW).key)
        case _:
            certificate.write_text("garbage")
    with pytest.raises(ReconcilerError, match="the CA is damaged") as caught:
        plan(bus)
    assert "rotate ca" in caught.value.fix
    _rotated(bus, lambda found: material.roll_ca(found, bus, NOW))
    assert made(bus).changes == ()


# --- what is refused --------------------------------------------------------------------------

BAD: list[tuple[dict[str, object], str]] = [
    ({"directory": "relative"}, "not an absolute path"),
    ({"directory": "/a\nlistener 1883"}, "cannot be written in a configuration file"),
    ({"directory": "/a/$HOME"}, "cannot be written in a configuration file"),
    ({"host": "a b"}, "not a host name"),
    ({"host": "x\nallow_anonymous true"}, "not a host name"),
    ({"names": ("-x",)}, "not a host name"),
    ({"listeners": ()}, "no listener"),
    ({"listeners": (Listener(99999),)}, "99999 is not a port"),
    ({"listeners": (Listener(1), Listener(1))}, "two listeners have the port"),
    ({"listeners": (Listener(1, "x\ny"),)}, "not an address to listen on"),
    ({"users": (BrokerUser("a\nuser b", Role.WORKER),)}, "not a user name"),
    ({"users": (BrokerUser("a", Role.WORKER), BrokerUser("a", Role.OBSERVER))}, "declared twice"),
    ({"users": (BrokerUser("a", Role.CUSTOM),)}, "0 ACL lines"),
    ({"topics": ("a\nuser b",)}, "control character"),
    ({"topics": ("a/b+",)}, "only a part of its level"),
    ({"topics": (" a",)}, "begins or ends with a space"),
    ({"tls": Tls(ca_cert="/x")}, "only one is named"),
    ({"tls": Tls(leaf_days=0)}, "valid for at least a day"),
    ({"limits": Limits(queued_messages=0)}, "queued_messages is 0"),
]


@pytest.mark.parametrize(("fields", "part"), BAD, ids=[part for _, part in BAD])
def test_settings_that_make_no_sense_or_would_break_out_of_their_line_are_refused(
    fields: dict[str, object], part: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidBrokerFiles) as caught:
        plan(replace(broker(tmp_path), **fields))  # type: ignore[arg-type]
    assert [part in each.summary for each in caught.value.diagnostics] == [True]
    assert caught.value.diagnostics[0].fix
    assert caught.value.diagnostics[0].address == "broker.bus"


def test_all_mistakes_of_the_settings_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidBrokerFiles) as caught:
        plan(broker(tmp_path, host="a b", listeners=(), topics=("#/a",)))
    assert len(caught.value.diagnostics) == 3


def test_a_link_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    made(bus)
    secret = Path(bus.directory) / layout.password("hermes")
    secret.unlink()
    secret.symlink_to("/etc/hostname")
    with pytest.raises(InvalidBrokerFiles, match="cannot be used"):
        plan(bus)


# --- the files for other programs -------------------------------------------------------------


def test_a_container_sees_the_set_as_a_folder_and_neither_the_ca_key_nor_the_passwords(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    bus = broker(tmp_path, **VARIANTS["docker"])
    making = made(bus)
    service = yaml.safe_load(making.files[layout.COMPOSE].data)["services"]["bus"]
    assert service["ports"] == ["[::1]:8883:8883", "8884:8884"]
    assert [(each["source"], each.get("read_only", False)) for each in service["volumes"]] == [
        ("./etc", True),
        ("./data", False),
    ]
    assert b"listener 8883\n" in making.files[layout.CONF].data, "the container has not the machine's addresses"


def test_a_path_with_a_space_stays_one_word_of_the_unit(tmp_path: Path) -> None:
    bus = broker(tmp_path / "a b", **VARIANTS["systemd"])
    unit = plan(bus).files["bus.service"].data.decode()
    assert f'-c "{bus.directory}/etc/mosquitto/mosquitto.conf"\n' in unit
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE" in unit


def test_a_dotenv_file_is_also_one_for_a_shell(tmp_path: Path) -> None:
    bus = broker(tmp_path / "with space", listeners=MTLS)
    made(bus)
    script = f'. \'{bus.directory}/clients/hermes.env\'; cat "$MQTT_CA_CERTS" "$MQTT_CERTFILE" "$MQTT_KEYFILE"'
    shown = subprocess.run(["sh", "-c", script], capture_output=True, check=True).stdout
    assert shown.count(b"-----BEGIN ") == 3


def test_another_owner_of_the_files_runs_the_broker(tmp_path: Path) -> None:
    bus = broker(tmp_path)
    making = make.plan(bus, make.look(bus, NOW), Runner("ann", 1000, 1000, "/bin/mosquitto"), NOW)
    assert b"\nuser ann\n" in making.files[layout.CONF].data


@pytest.mark.parametrize("variant", ["plain", "mtls"])
def test_a_user_who_returns_gets_back_what_it_had_and_a_new_one_gets_its_own(variant: str, tmp_path: Path) -> None:
    bus = broker(tmp_path, **VARIANTS[variant])
    made(bus)
    before = make.look(bus, NOW).material
    made(replace(bus, users=tuple(user for user in bus.users if user.name != "hermes")))

    returned, new = (make.look(bus, NOW, returning=returning).material for returning in (True, False))
    assert returned.secrets == before.secrets
    assert returned.clients == before.clients
    assert "hermes" not in new.secrets
    assert "hermes" not in new.clients

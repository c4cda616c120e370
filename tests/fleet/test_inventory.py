"""Which hosts are meant, and what is refused before any host is asked."""

from __future__ import annotations

import os

import pytest

from reconciler.fleet.hosts import FleetHost
from reconciler.fleet.inventory import FleetChoice, hosts_of, inventory_path
from reconciler.fleet.operations import batch_size
from reconciler.model.errors import ReconcilerError

LAB = "~/lab"


def named(inventory: str, **choice: str) -> list[FleetHost]:
    return hosts_of(inventory, FleetChoice(inventory, **{"project": LAB, **choice}), os.environ)


def refusal(inventory: str, **choice: str) -> ReconcilerError:
    with pytest.raises(ReconcilerError) as error:
        named(inventory, **choice)
    assert error.value.exit_code == 64
    return error.value


def test_hosts_of_ssh_are_taken_as_they_are_written():
    one, two = named("ssh:two,u@one.example.org")
    assert one == FleetHost("two", "two", project=LAB)
    assert two == FleetHost("u@one.example.org", "one.example.org", user="u", project=LAB)


def test_a_limit_keeps_the_named_hosts():
    assert [each.name for each in named("ssh:a,b,c", limit="c,a")] == ["a", "c"]


@pytest.mark.parametrize("word", ["-oProxyCommand=x", "a b", "a/b", "a#b", "a*", "a>b", "\x1b[2J", "a:22", "@a", "ü"])
def test_a_word_that_cannot_be_a_host_is_refused(word):
    assert "is not a host" in refusal(f"ssh:{word}").summary


def test_two_names_of_one_project_are_both_named():
    assert refusal("ssh:a,a").summary == "a and a are the same project on the same host"


@pytest.mark.parametrize("limit", ["nobody", "a*"])
def test_a_limit_that_matches_nobody_is_a_mistake(limit):
    assert "no host matches" in refusal("ssh:a", limit=limit).summary


def test_an_empty_list_is_a_mistake():
    assert "no host matches" in refusal("ssh:").summary


def test_a_host_without_a_project_is_named():
    error = refusal("ssh:a", project="")
    assert "nothing says where the project is on a" in error.summary
    assert "--project" in error.fix


def test_the_inventory_of_the_project_is_the_standard_one(tmp_path):
    with pytest.raises(ReconcilerError) as error:
        inventory_path(FleetChoice(), str(tmp_path))
    assert error.value.exit_code == 64
    assert "ssh:one,two" in error.value.fix
    (tmp_path / "fleet.yml").write_text("all: {hosts: {a: {}}}\n")
    assert inventory_path(FleetChoice(), str(tmp_path)) == str(tmp_path / "fleet.yml")
    with pytest.raises(ReconcilerError):
        inventory_path(FleetChoice(str(tmp_path / "missing.yml")), str(tmp_path))


def test_an_ansible_inventory_is_read_by_ansible(tmp_path):
    path = tmp_path / "hosts.yml"
    path.write_text(
        "all:\n  vars: {reconciler_project: /srv/lab}\n  children:\n"
        "    web: {hosts: {w1: {ansible_host: 10.0.0.1, ansible_port: 2222}, w2: {ansible_user: u}}}\n"
        "    db: {hosts: {d1: {}}}\n"
    )
    assert named(str(path), project="", limit="web") == [
        FleetHost("w1", "10.0.0.1", port=2222, project="/srv/lab"),
        FleetHost("w2", "w2", user="u", project="/srv/lab"),
    ]


@pytest.mark.parametrize("text", ["", "all: [broken\n", "all: {hosts: {}}\n"])
def test_a_broken_or_empty_inventory_is_told_in_ansibles_own_words(tmp_path, text):
    path = tmp_path / "hosts.yml"
    path.write_text(text)
    error = refusal(str(path))
    assert "matches" in error.summary
    assert error.detail or "broken" not in text


def test_without_the_extra_the_command_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("reconciler.fleet.inventory.find_spec", lambda _name: None)
    path = tmp_path / "hosts.yml"
    path.write_text("all: {hosts: {a: {}}}\n")
    with pytest.raises(ReconcilerError) as error:
        named(str(path))
    assert error.value.exit_code == 4
    assert error.value.summary == "Ansible is not installed: pip install 'agent-reconciler[fleet]'"


@pytest.mark.parametrize(
    ("serial", "count", "size"), [("", 7, 7), ("", 0, 1), ("2", 7, 2), ("25%", 40, 10), ("1%", 7, 1)]
)
def test_a_batch_has_a_number_or_a_share_of_the_hosts(serial, count, size):
    assert batch_size(serial, count) == size


@pytest.mark.parametrize("serial", ["x", "0", "-1", "1.5", "٣"])
def test_what_is_no_number_of_hosts_is_a_mistake(serial):
    with pytest.raises(ReconcilerError) as error:
        batch_size(serial, 4)
    assert error.value.exit_code == 64

"""fleet install on one host: offline, without root, and once."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from lab_hosts import MANIFEST
from machines import Machine, Rig
from typed import chosen, document, hosts, outcomes, said
from wheel_tar import wheel_tar

from reconciler import __version__

pytest.importorskip("ansible")
ONE = chosen("one")
VERSIONS = ".local/share/reconciler"


def install(rig: Rig, *words: str, code: int = 0):
    return document(rig.type("fleet", "install", *ONE[:2], *words, "--json"), code, "fleet-work")


def without(wheels: Path, name: str, folder: Path) -> Path:
    """The same tar without the wheel of one package, as it is for a host of another platform."""
    with tarfile.open(wheels) as tar, tarfile.open(folder / "other.tar", "w") as made:
        for member in tar:
            if not member.name.startswith(f"{name}-"):
                made.addfile(member, tar.extractfile(member))
    return folder / "other.tar"


def version(host: Machine) -> str:
    return host.run("bash", "-lc", "readlink ~/.local/bin/reconciler; reconciler --version").stdout


def test_one_host_gets_one_version_offline_and_only_once(rig: Rig, tmp_path: Path):
    wheels = wheel_tar(rig)
    one = rig.hosts["one"]
    (one.home / ".local/bin/reconciler").unlink()
    tar = rig.controller.folder / "tmp" / "w.tar"
    tar.write_bytes(without(wheels, "msgspec", tmp_path).read_bytes())
    failed = install(rig, "--wheels", "/tmp/w.tar", code=3)
    assert outcomes(failed) == {"one": "failed"}
    assert said(failed)["one"].startswith("msgspec: the wheels have none of it for /usr/bin/python3")
    assert not (one.home / ".local/bin/reconciler").is_symlink()
    tar.write_bytes(wheels.read_bytes())
    done = install(rig, "--wheels", "/tmp/w.tar")
    assert [(each["outcome"], each["changed"]) for each in done["hosts"]] == [("ok", True)], done
    assert version(one).splitlines() == [
        f"../share/reconciler/{__version__}/bin/reconciler",
        f"reconciler {__version__}",
    ]
    assert list((one.folder / "tmp").glob("*wheels*")) == []
    planned = document(rig.type("fleet", "plan", *hosts(rig, "one", manifest=MANIFEST), "--json"), 0)
    assert planned["groups"][0]["summary"]["add"] == 2
    one.write(f"{VERSIONS}/0.0.1/bin/reconciler", "#!/bin/sh\n", 0o755)
    used = one.write(f"{VERSIONS}/0.0.2/bin/python", "", 0o755)
    used.write_bytes(Path("/bin/sleep").read_bytes())
    with one.start(f"/home/agents/{VERSIONS}/0.0.2/bin/python", "1000") as running:
        again = install(rig, "--wheels", "/tmp/w.tar", "--prune")
        versions = sorted(each.name for each in (one.home / VERSIONS).iterdir())
        one.end_work()
        running.communicate()
    assert versions == ["0.0.2", __version__], "what a process uses stays"
    assert again["hosts"][0]["changed"] is True
    assert install(rig, "--wheels", "/tmp/w.tar")["hosts"][0]["changed"] is False

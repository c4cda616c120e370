"""docs/fleet.md leads from two machines with ssh to a running fleet in five commands; here they are typed."""

from __future__ import annotations

import re
import tarfile

import pytest
from machines import ROOT, Rig
from typed import SESSION
from wheel_tar import wheel_tar

pytest.importorskip("ansible")
HEAD = "## From two machines with ssh to a fleet"


def five_commands() -> list[str]:
    """The first block below the heading."""
    text = (ROOT / "docs" / "fleet.md").read_text()
    block = re.search(r"(?:^    .+\n)+", text[text.index(HEAD) :], re.MULTILINE)
    assert block
    return [line.strip() for line in block.group().splitlines()]


def test_the_five_commands_of_the_page_make_a_running_fleet(rig: Rig):
    commands = five_commands()
    assert len(commands) == 5
    for name in ("one", "two"):  # two machines with ssh, and nothing of ours
        (rig.hosts[name].home / ".local/bin/reconciler").unlink()
    controller = rig.controller
    controller.write("lab/reconciler.yaml", (ROOT / "tests" / "rig" / "lab.yaml").read_text())
    index = controller.folder / "tmp" / "index"  # what stands for the internet
    with tarfile.open(wheel_tar(rig)) as tar:
        tar.extractall(index, filter="data")
    env = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/tmp/index"}
    for command in commands:
        # a terminal, on which somebody answers yes
        done = controller.run("script", "-qec", f"cd lab && {command}", "/dev/null", given="yes\n", **env)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    for name in ("one", "two"):
        assert rig.hosts[name].sessions() == [SESSION]
        assert re.search(rf"^{name}\s+w\.s\s+running\s+alive", done.stdout, re.MULTILINE)

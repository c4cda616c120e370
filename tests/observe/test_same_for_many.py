"""What many agents share is looked up once in a look, and is the same for each of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from fakes.processes import FakeProcesses
from on_disk import OnDisk, project_in

from reconciler.app.agents.look import look
from reconciler.model.observed import Present
from reconciler.ports.files import RealFiles

MANIFEST = """\
workspaces:
  linked:
    path: linked
    agents:
      one: {type: claude, trust: true}
      two: {type: claude, trust: true}
      three: {type: codex}
"""


@pytest.fixture
def project(tmp_path: Path) -> OnDisk:
    made = project_in(tmp_path)
    (tmp_path / "real").mkdir()
    (Path(made.root) / "linked").symlink_to(tmp_path / "real")
    manifest = Path(made.root) / "reconciler.yaml"
    manifest.write_text(manifest.read_text() + MANIFEST)
    return made


def test_a_program_and_a_folder_are_looked_up_once(project: OnDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: Counter[str] = Counter()
    find, real = FakeProcesses.find, RealFiles.real
    monkeypatch.setattr(FakeProcesses, "find", lambda self, name, path: asked.update([name]) or find(self, name, path))
    monkeypatch.setattr(RealFiles, "real", lambda self, path: asked.update([path]) or real(self, path))
    seen = look(project)
    assert set(seen.snapshot.executables.values()) == {
        Present("/usr/bin/claude"),
        Present("/usr/bin/codex"),
    }
    assert [asked[name] for name in ("claude", "codex", f"{project.root}/linked")] == [1, 1, 1]


def test_each_agent_gets_the_real_folder(project: OnDisk, tmp_path: Path) -> None:
    folders = [folder for _file, folder in look(project).snapshot.untrusted.values()]
    assert folders == [str(tmp_path / "real")] * 2

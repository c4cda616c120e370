"""What an agent changed in its folder, asked of git."""

from __future__ import annotations

from pathlib import Path

from jsonschema import Draft7Validator
from project import Project, git

from reconciler.state.schemas import load_schema


def work(project: Project, repo: Path) -> Path:
    """An agent in a worktree on a branch of its own, which is ahead of its base, and has uncommitted work."""
    workspace = {"path": "work", "git": {"repo": str(repo), "branch": "wt", "base": "stable"}}
    project.write({"lab": {**workspace, "agents": {"shell": {}}}})
    project.apply()
    folder = project.root / "work"
    (folder / "old.txt").write_text("1\n2\n")
    (folder / "moved.txt").write_text("same\n" * 20)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "work")
    git(folder, "mv", "moved.txt", "new name.txt")
    (folder / "old.txt").write_text("1\n3\n4\n")
    (folder / "pic").write_bytes(b"\0\1")
    git(folder, "add", "pic")
    (folder / "x\x1b]0;PWNED\x07").write_text("evil")
    return folder


def test_branch_files_and_lines_are_told(project: Project, repo: Path):
    folder = work(project, repo)
    git(repo, "checkout", "-q", "stable")
    git(repo, "commit", "-q", "--allow-empty", "-m", "further")
    document = project.json("diff", "shell", code=0)
    Draft7Validator(load_schema("diff")).validate(document)
    facts = {key: document[key] for key in ("folder", "branch", "against", "ahead", "behind")}
    assert facts == {"folder": str(folder), "branch": "wt", "against": "stable", "ahead": 1, "behind": 1}
    assert document["commit"] == git(folder, "rev-parse", "HEAD")
    statuses = {each["path"]: each["status"] for each in document["uncommitted"]}
    assert statuses == {"new name.txt": "R.", "old.txt": ".M", "pic": "A.", "x\x1b]0;PWNED\x07": "??"}
    changed = {each["path"]: (each["added"], each["removed"]) for each in document["changed"]}
    assert changed == {"new name.txt": (20, 0), "old.txt": (3, 0), "pic": (None, None)}
    told = project.attempt("diff", "shell", "--stat").stdout
    assert told.startswith(f"wt: 1 ahead, 1 behind stable  ({folder})\n4 uncommitted:\n")
    assert "3 files changed since stable, +23 -0\n" in told
    assert "  +3 -0          old.txt\n" in told
    assert r"?? x\x1b]0;PWNED\x07" in told


def test_no_program_of_the_repository_runs(project: Project, repo: Path):
    folder = work(project, repo)
    trap = f"touch {project.home}/ran; cat"
    for name in ("core.fsmonitor", "diff.external", "diff.evil.command", "diff.evil.textconv", "filter.evil.clean"):
        git(repo, "config", name, trap)
    git(repo, "config", "core.pager", trap)
    (folder / ".gitattributes").write_text("* diff=evil filter=evil\n")
    (folder / "old.txt").write_text("another length\n")
    assert "old.txt" in project.run("diff", "shell", "--stat")
    assert not (project.home / "ran").exists()


def test_a_branch_without_an_upstream_is_compared_with_the_main_branch(project: Project):
    project.declare(shell={})
    project.apply()
    folder = project.root / "lab"
    git(folder, "init", "-q", "-b", "main")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    alone = project.json("diff", "shell", code=0)
    assert (alone["branch"], alone["against"], alone["ahead"]) == ("main", None, None)
    git(folder, "checkout", "-q", "-b", "topic")
    (folder / "a").write_text("1\n")
    git(folder, "add", "a")
    git(folder, "commit", "-q", "-m", "second")
    assert project.attempt("diff", "shell").stdout.startswith(f"topic: 1 ahead, 0 behind main  ({folder})\n")


def test_without_git_or_without_a_commit_it_says_so(project: Project):
    project.declare(shell={})
    project.apply()
    assert "the folder of agent.lab.shell is not under git" in project.run("diff", "shell", code=1)
    git(project.root / "lab", "init", "-q", "-b", "main")
    (project.root / "lab" / "a").write_text("1\n")
    document = project.json("diff", "shell", code=0)
    assert (document["branch"], document["commit"], document["against"]) == ("main", None, None)
    assert document["uncommitted"] == [{"status": "??", "path": "a"}]
    (project.root / "lab" / ".git" / "HEAD").write_text("damaged")
    assert "not under git" in project.run("diff", "shell", code=1)
    assert "there is no agent nobody" in project.run("diff", "nobody", code=64)

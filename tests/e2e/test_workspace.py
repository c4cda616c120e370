"""Folders and worktrees are made when missing, never overwritten, and removed only without loss."""

from __future__ import annotations

import shutil
from pathlib import Path

from project import Project, git
from waiting import wait_until


def test_a_missing_folder_is_made_and_only_that_one_counts_as_ours(project: Project):
    (project.root / "old").mkdir()
    project.write({"old": {"path": "old"}, "new": {"path": "deep/new"}})
    project.apply()
    assert (project.root / "deep" / "new").is_dir()
    rows = project.recorded()["workspaces"]
    assert rows["new"]["created"] is True
    assert not rows.get("old", {}).get("created", False)


def test_only_empty_folders_of_ours_are_removed(project: Project):
    (project.root / "old").mkdir()
    before = {"old": {"path": "old", "agents": {"claude": {}}}, "full": {"path": "full"}, "empty": {"path": "empty"}}
    project.write(before)
    project.apply()
    (project.root / "full" / "work").write_text("precious")
    project.write({})
    said = project.run("plan")
    assert f"{project.root}/full stays: it is not empty" in said
    assert f"{project.root}/old stays: reconciler did not make it" in said
    project.apply("--max-destroy", "1")
    assert (project.root / "full" / "work").read_text() == "precious"
    assert [(project.root / name).is_dir() for name in ("old", "full", "empty")] == [True, True, False]
    assert project.actions() == {}


def test_a_workspace_is_a_worktree_on_a_branch_that_starts_at_base(project: Project, repo: Path):
    _declare(project, repo, tree="wt/tree")
    assert f"(worktree of {repo}, branch wt/tree)" in project.run("plan")
    project.apply()
    tree = project.root / "tree"
    assert git(tree, "branch", "--show-current") == "wt/tree"
    assert git(tree, "rev-parse", "HEAD") == git(repo, "rev-parse", "stable")
    assert str(tree) in git(repo, "worktree", "list")
    assert project.pane("tree-creator-claude").cwd == str(tree)
    assert project.recorded()["workspaces"]["tree"]["git"] == {"repo": str(repo), "branch": "wt/tree"}
    assert project.actions() == {}


def test_worktrees_with_unsaved_work_are_kept_and_clean_ones_removed(project: Project, repo: Path):
    _declare(project, repo, agents={}, clean="c", dirty="d", ahead="a")
    project.apply()
    (project.root / "dirty" / "draft").write_text("not committed")
    git(project.root / "ahead", "commit", "-q", "--allow-empty", "-m", "nowhere else")
    project.write({})
    said = project.run("plan")
    assert "dirty stays: 1 file not committed" in said
    assert "ahead stays: 1 commit on a and nowhere else" in said
    project.apply()
    assert [(project.root / name).exists() for name in ("clean", "dirty", "ahead")] == [False, True, True]
    assert (project.root / "dirty" / "draft").read_text() == "not committed"
    assert "c" in git(repo, "branch", "--format=%(refname:short)").split()


def test_a_worktree_that_was_deleted_by_hand_comes_back_with_its_conversation(project: Project, repo: Path):
    _declare(project, repo, tree="wt/tree", beside="wt/beside")
    project.apply()
    said = project.identities("tree")["claude"]["session_id"]
    project.type("tree-creator-claude", "hello")
    wait_until(lambda: any(said in name for name in project.transcripts()))
    project.reboot()
    for name in ("tree", "beside"):
        shutil.rmtree(project.root / name)

    project.apply("--target", "workspace.tree")

    assert git(project.root / "tree", "branch", "--show-current") == "wt/tree"
    assert project.identities("tree")["claude"]["session_id"] == said
    assert "resumed" in project.row("tree-creator-claude")["last_visible_note"]
    assert str(project.root / "beside") in git(repo, "worktree", "list")  # nobody asked for that one
    project.apply()
    assert project.actions() == {}


def test_an_existing_folder_that_is_not_the_worktree_is_refused(project: Project, repo: Path):
    tree = project.root / "tree"
    tree.mkdir()
    (tree / "mine").write_text("precious")
    _declare(project, repo, tree="wt/tree")
    for command in ("plan", "apply"):
        said = project.run(command, *(["--auto-approve"] if command == "apply" else []), code=7)
        assert f"{tree} exists and is not a worktree of {repo} on branch wt/tree" in said
        assert "reconciler never overwrites it" in said
    assert [path.name for path in tree.iterdir()] == ["mine"]
    assert project.live() == {}


def test_a_path_that_is_a_file_is_an_error(project: Project):
    (project.root / "lab").write_text("precious")
    project.declare(claude={})
    assert f"{project.root}/lab is a file" in project.run("validate", code=1)
    for said in (project.run("plan", code=1), project.apply(code=1)):
        assert f"{project.root}/lab is a file" in said
        assert "will be created" not in said
    assert (project.root / "lab").read_text() == "precious"
    assert project.live() == {}


def test_a_worktree_that_cannot_be_made_is_told_by_the_plan_with_its_line_and_the_way_out(project: Project, repo: Path):
    (project.root / "plain").mkdir()
    (project.root / "empty").mkdir()
    git(project.root / "empty", "init", "-q")
    gits = {
        "a": ({"repo": "nowhere"}, f"the repository {project.root}/nowhere does not exist", "correct `git.repo`"),
        "b": ({"repo": "plain"}, f"{project.root}/plain is not a usable git repository", "not a git repository"),
        "c": ({"base": "no-such"}, f"base 'no-such' does not exist in {repo}", "(`git.base`)"),
        "d": ({"branch": "main"}, f"branch main of {repo} is checked out in {repo}", "choose another `git.branch`"),
        "e": ({"repo": "empty"}, f"{project.root}/empty has no commit yet", "make a first commit"),
    }
    for name, (git_block, summary, hint) in gits.items():
        block = {"repo": str(repo), "branch": f"wt/{name}", **git_block}
        project.write({name: {"path": name, "git": block, "agents": {"claude": {}}}})
        for said in (project.run("plan", code=1), project.apply(code=1), project.run("validate", code=0)):
            assert summary in said
            assert hint in said
            assert "reconciler.yaml:7" in said
            assert "will be created" not in said
    assert project.live() == {}


def test_a_workspace_that_cannot_be_made_holds_back_itself_and_its_agents_alone(project: Project, repo: Path):
    (project.root / "file").write_text("precious")
    gone = {"path": "gone", "git": {"repo": "nowhere", "branch": "wt/gone"}, "agents": {"claude": {}}}
    below = {"path": "file/below", "agents": {"claude": {}}}
    project.write({"below": below, "gone": gone, "lab": {"path": "lab", "agents": {"claude": {}}}})
    assert "2 to add, 0 to change, 0 to destroy, 4 deferred. The deferred actions wait" in project.run("plan", code=1)
    said = project.apply(code=3)
    assert "workspace.gone: Skipped: the repository" in said
    assert "-> correct `git.repo`, or clone the repository: git clone URL" in said
    assert "agent.gone.claude: Skipped: it needs workspace.gone" in said
    assert "Not done: workspace.below, workspace.gone, agent.below.claude, agent.gone.claude." in said
    assert list(project.live()) == ["lab-creator-claude"]
    assert "Nothing can be applied until the 2 errors above are fixed." in project.apply(code=1)
    repo.rename(project.root / "nowhere")
    project.apply(code=3)
    assert sorted(project.live()) == ["gone-creator-claude", "lab-creator-claude"]


def test_two_new_worktrees_of_one_branch_stop_everything_and_both_places_are_named(project: Project, repo: Path):
    _declare(project, repo, one="wt/x", two="wt/x")
    wanted = f"workspace.one and workspace.two are worktrees of one branch: wt/x of {repo}"
    for said in (project.run("plan", code=1), project.run("validate", code=1), project.apply(code=1)):
        assert wanted in said
        assert "reconciler.yaml:7" in said
        assert "workspace.one has it in reconciler.yaml:" in said
    assert project.live() == {}
    assert not (project.root / "one").exists()


def test_a_worktree_whose_repository_was_moved_is_told_how_to_be_repaired(project: Project, repo: Path):
    _declare(project, repo, tree="wt/tree")
    project.apply()
    moved = repo.rename(repo.parent / "moved")
    _declare(project, moved, tree="wt/tree")
    repair = f"git -C {moved} worktree repair {project.root}/tree"
    for said in (project.run("plan", code=1), project.run("validate", code=1)):
        assert "is a git worktree whose repository is not where it was" in said
        assert repair in said
    git(moved, "worktree", "repair", str(project.root / "tree"))
    assert project.actions() == {}


def test_a_folder_that_cannot_be_made_is_told_by_the_plan(project: Project):
    (project.root / "file").write_text("precious")
    project.write({"lab": {"path": "file/below/lab", "agents": {"claude": {}}}})
    for said in (project.run("plan", code=1), project.apply(code=1), project.run("validate", code=0)):
        assert f"{project.root}/file/below/lab cannot be made: {project.root}/file is not a folder" in said
    assert project.live() == {}


def _declare(project: Project, repo: Path, agents: object = None, **branches: str) -> None:
    agents = {"claude": {}} if agents is None else agents
    project.write(
        {
            name: {"path": name, "git": {"repo": str(repo), "branch": branch, "base": "stable"}, "agents": agents}
            for name, branch in branches.items()
        }
    )

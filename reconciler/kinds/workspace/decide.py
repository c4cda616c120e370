"""What to do about one workspace: create it, record it, leave it alone, or remove it."""

from __future__ import annotations

from shlex import quote

from msgspec.structs import astuple

from reconciler.kinds.decision import Decision, held_back, nothing, withheld
from reconciler.model.action import Action, Reason, Verb
from reconciler.model.address import workspace_address
from reconciler.model.change import Change
from reconciler.model.desired import Git, Workspace
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.observed import Absent, Observed, Present, Unknown
from reconciler.model.obstacle import Obstacle, ObstacleKind, describe_obstacle
from reconciler.model.problem import Problem
from reconciler.model.record import Json, RowEdit, Section, WorkspaceRow
from reconciler.model.snapshot import Folder, Worktree
from reconciler.model.step import AddWorktree, MakeFolder, RemoveFolder, RemoveWorktree, Step, WriteRows

from .case import WorkspaceCase, settled


def decide(case: WorkspaceCase) -> Decision:
    """Decide what a declared workspace needs."""
    if settled(case):
        return nothing(case.spec.address)
    match case.folder:
        case Unknown(reason):
            problem = Problem(f"cannot look at {case.spec.path}", reason, "make the folder readable, then plan again")
            return held_back(case.spec.address, Severity.ERROR, problem, case.spec.place)
        case Absent():
            return _missing(case)
        case Present(folder):
            return _existing(case, folder)


def _missing(case: WorkspaceCase) -> Decision:
    """Create the workspace, unless something is in the way."""
    spec = case.spec
    if case.rival:
        return withheld(spec.address, Severity.ERROR, _one_branch(spec, case.rival), spec.place)
    if _has_vanished(case):
        return held_back(spec.address, Severity.REFUSAL, _vanished(spec), spec.place)
    return _obstructed(spec, case.obstacle) if case.obstacle else Decision(_create(case))


def _obstructed(spec: Workspace, obstacle: Obstacle) -> Decision:
    """Defer the workspace because of the obstacle; a mistake in the manifest stops the whole plan."""
    stop = withheld if obstacle.is_manifest_error else held_back
    problem = Problem(*astuple(describe_obstacle(obstacle, spec.path, spec.git)))
    return stop(spec.address, Severity.ERROR, problem, spec.place)


def _one_branch(spec: Workspace, rival: Workspace) -> Problem:
    """The problem of two workspaces that want worktrees of one branch. The message names both places."""
    git = spec.git or Git("", "")
    where = f" in {rival.place}" if rival.place else ""
    return Problem(
        f"{rival.address} and {spec.address} are worktrees of one branch: {git.branch} of {git.repo}",
        f"git checks out a branch in one worktree only; {rival.address} has it{where}",
        f"choose another `git.branch` for one of them, or declare the agents of both in one workspace: {rival.path}",
    )


def _has_vanished(case: WorkspaceCase) -> bool:
    """True when agents worked in a folder that reconciler did not create and that is not there now."""
    row = case.row
    return row is not None and row.managed and not row.created and row.path == case.spec.path and not case.spec.git


def _vanished(spec: Workspace) -> Problem:
    return Problem(
        f"{spec.path} is not there any more, and reconciler did not make it",
        "it may be on a disk that is not mounted: agents would not find their work in an empty folder of that name",
        f"mount its disk, correct `path`, or make the folder: mkdir -p {spec.path}",
    )


def _create(case: WorkspaceCase) -> Action:
    spec = case.spec
    step: Step = AddWorktree(spec.path, spec.git) if spec.git else MakeFolder(spec.path)
    return Action(
        address=spec.address,
        verb=Verb.CREATE,
        reason=Reason.DECLARED,
        changes=_new_fields(spec),
        steps=(step, WriteRows((_row_edit(spec, created=True),))),
        note=_left_behind(case),
        basis="absent",
    )


def _existing(case: WorkspaceCase, folder: Folder) -> Decision:
    spec = case.spec
    mistake = _unusable(case, folder)
    if mistake:
        return held_back(spec.address, Severity.ERROR, mistake, spec.place)
    problem = _mismatch(case, folder)
    if problem:
        return held_back(spec.address, Severity.REFUSAL, problem, spec.place)
    warnings = _other_branch(case, folder)
    changes = _row_changes(case)
    if not changes:
        return Decision(nothing(spec.address).action, warnings)
    step = WriteRows((_row_edit(spec, created=_still_ours(case)),))
    action = Action(
        address=spec.address,
        verb=Verb.UPDATE,
        reason=Reason.SPEC_CHANGED,
        changes=changes,
        steps=(step,),
        note=_left_behind(case),
        basis="present",
    )
    return Decision(action, warnings)


def _row_changes(case: WorkspaceCase) -> tuple[Change, ...]:
    """The changes to the registry row for a folder that is there already."""
    if case.row is None:
        return ()
    fields: tuple[tuple[str, Json, Json], ...] = (
        ("path", case.row.path, case.spec.path),
        ("managed", case.row.managed, True),
    )
    return tuple(Change(path, "replace", before, after) for path, before, after in fields if before != after)


def _still_ours(case: WorkspaceCase) -> bool:
    return case.row is not None and case.row.created and not _moved_from(case)


def _moved_from(case: WorkspaceCase) -> str:
    return case.row.path if case.row and case.row.path != case.spec.path else ""


def _left_behind(case: WorkspaceCase) -> str:
    """A note about the folder that reconciler created where the workspace was before; empty without one."""
    moved_from = _moved_from(case)
    return f"the old folder {moved_from} stays" if moved_from and case.row and case.row.created else ""


def _unusable(case: WorkspaceCase, folder: Folder) -> Problem | None:
    """Return why agents cannot work in what is at the path; None when they can."""
    spec = case.spec
    if not folder.is_folder:
        return Problem(
            f"{spec.path} is a file", "a workspace is a folder", "choose another path, or move the file away"
        )
    if spec.git is None or not folder.lost:
        return None
    moved = case.obstacle is not None and case.obstacle.kind is ObstacleKind.NO_REPO
    repo, first = ("NEW-REPO", "correct `git.repo`, then type: ") if moved else (quote(spec.git.repo), "")
    return Problem(
        f"{spec.path} is a git worktree whose repository is not where it was",
        f"its .git file names {folder.lost}, which does not exist",
        f"{first}git -C {repo} worktree repair {quote(spec.path)}",
    )


def _mismatch(case: WorkspaceCase, folder: Folder) -> Problem | None:
    """Return why what is at the path cannot be this workspace; None when it can."""
    spec = case.spec
    if spec.git is None:
        return None
    wanted = f"a worktree of {spec.git.repo} on branch {spec.git.branch}"
    fix = "choose another path, or move the folder away; reconciler never overwrites it"
    if folder.worktree is None:
        return Problem(f"{spec.path} exists and is not {wanted}", "it is an ordinary folder", fix)
    if folder.worktree.repo != (case.repo or spec.git.repo):
        detail = f"it is a worktree of {folder.worktree.repo}"
        return Problem(f"{spec.path} exists and is not {wanted}", detail, fix)
    # With a row, the worktree is ours and an agent may have switched its branch: `_other_branch` warns about it.
    if folder.worktree.branch != spec.git.branch and case.row is None:
        detail = f"it is on branch {folder.worktree.branch}"
        return Problem(
            f"{spec.path} exists and is not {wanted}", detail, f"git switch {spec.git.branch} in it, or {fix}"
        )
    return None


def _other_branch(case: WorkspaceCase, folder: Folder) -> tuple[Diagnostic, ...]:
    """Warn about a worktree of ours on another branch. An agent may have switched it, so nothing is changed."""
    git, tree = case.spec.git, folder.worktree
    if git is None or tree is None or tree.branch == git.branch:
        return ()
    summary = f"{case.spec.path} is on branch {tree.branch}, the manifest says {git.branch}"
    fix = "switch the branch back, or change `branch` in the manifest"
    return (
        Diagnostic(
            severity=Severity.WARNING,
            summary=summary,
            detail="",
            fix=fix,
            address=str(case.spec.address),
            place=case.spec.place,
        ),
    )


def remove(row: WorkspaceRow, folder: Observed[Folder], *, in_use: bool, reason: Reason) -> Decision:
    """Decide about a workspace that no manifest declares any more, or that the user wants to destroy."""
    address = workspace_address(row.name)
    if in_use:
        return nothing(address, reason=Reason.KEPT_IN_USE, note="kept: it is still in use")
    if not row.managed:
        return nothing(address)
    if isinstance(folder, Unknown):
        problem = Problem(f"cannot look at {row.path}", folder.reason, "make the folder readable, then plan again")
        return held_back(address, Severity.ERROR, problem)
    kept = _why_kept(row, folder)
    if kept:
        return Decision(_forget(row, *kept))
    return Decision(_delete(row, reason))


def _why_kept(row: WorkspaceRow, folder: Absent | Present[Folder]) -> tuple[Reason, str] | None:
    """The reason to leave the folder alone, with a phrase for the user; None if it may be removed."""
    if isinstance(folder, Absent):
        return Reason.NOT_DECLARED, "its folder is already gone"
    if not row.created:
        return Reason.KEPT_NOT_OURS, f"{row.path} stays: reconciler did not make it"
    if row.git_repo:
        return _unfinished_work(row, folder.value.worktree)
    if not folder.value.empty:
        return Reason.KEPT_NOT_EMPTY, f"{row.path} stays: it is not empty"
    return None


def _unfinished_work(row: WorkspaceRow, tree: Worktree | None) -> tuple[Reason, str] | None:
    if tree is None or tree.dirty is None or tree.unpushed is None:
        return Reason.UNCERTAIN, f"{row.path} stays: git could not tell whether work in it is saved"
    if tree.dirty:
        files = "1 file" if tree.dirty == 1 else f"{tree.dirty} files"
        return Reason.KEPT_DIRTY, f"{row.path} stays: {files} not committed"
    if tree.unpushed:
        commits = "1 commit" if tree.unpushed == 1 else f"{tree.unpushed} commits"
        return Reason.KEPT_UNPUSHED, f"{row.path} stays: {commits} on {tree.branch} and nowhere else"
    return None


def _forget(row: WorkspaceRow, reason: Reason, note: str) -> Action:
    edit = RowEdit(section=Section.WORKSPACES, name=row.name, fields={"managed": False})
    return Action(
        address=workspace_address(row.name),
        verb=Verb.FORGET,
        reason=reason,
        steps=(WriteRows((edit,)),),
        note=note,
        basis=reason.value,
    )


def _delete(row: WorkspaceRow, reason: Reason) -> Action:
    step: Step = RemoveWorktree(row.path, row.git_repo, row.git_branch) if row.git_repo else RemoveFolder(row.path)
    edit = RowEdit(section=Section.WORKSPACES, name=row.name, fields={"managed": False, "created": False})
    changes = (Change("path", "remove", row.path),)
    return Action(
        address=workspace_address(row.name),
        verb=Verb.DELETE,
        reason=reason,
        changes=changes,
        steps=(step, WriteRows((edit,))),
        basis="present clean",
    )


def _row_edit(spec: Workspace, *, created: bool) -> RowEdit:
    fields: dict[str, Json] = {"path": spec.path, "created": created, "managed": True}
    if spec.git:
        fields["git"] = _git_fields(spec.git)
    return RowEdit(section=Section.WORKSPACES, name=spec.address.workspace, fields=fields)


def _git_fields(git: Git) -> dict[str, Json]:
    return {"repo": git.repo, "branch": git.branch}


def _new_fields(spec: Workspace) -> tuple[Change, ...]:
    fields: dict[str, Json] = {"path": spec.path}
    if spec.git:
        fields |= {f"git.{name}": value for name, value in _git_fields(spec.git).items()}
        if spec.git.base:
            fields["git.base"] = spec.git.base
    return tuple(Change(path, "add", None, value) for path, value in fields.items())

"""What an agent changed in its folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.app.agents.look import ProjectView, look
from reconciler.app.agents.names import resolve_names
from reconciler.app.project.project import Project
from reconciler.model.address import Address, workspace_address
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import Present, Unknown
from reconciler.observe.agents import subject_of
from reconciler.render.diff import diff_document

if TYPE_CHECKING:
    from reconciler.render.documents.diff import DiffDoc


def diff(at: Project, name: str) -> DiffDoc:
    """The branch, the uncommitted files and the changes in the folder of the agent that `name` stands for.

    Raises:
        UsageError: There is no such agent, or several.
        ReconcilerError: Its folder is not under git, or git cannot tell.
    """
    seen = look(at, everyone=False)
    (address,) = resolve_names(seen, [name])
    return diff_of(at, seen, address)


def diff_of(at: Project, seen: ProjectView, address: Address) -> DiffDoc:
    """The same of an agent in a view. Raises ReconcilerError if its folder is not under git, or git cannot tell."""
    case = seen.cases.get(address)
    folder = subject_of(case, seen.snapshot, at.files, at.caller).cwd if case else ""
    if not folder:
        raise ReconcilerError(f"no folder is known of {address}", fix="see what is recorded: reconciler show")
    workspace = seen.desired.workspaces.get(workspace_address(address.workspace))
    base = workspace.git.base if workspace and workspace.git else ""
    match at.files.work(folder, base):
        case Present(work):
            return diff_document(address, work)
        case Unknown(reason):
            raise ReconcilerError(f"git cannot tell what {address} changed", detail=reason)
    raise ReconcilerError(f"the folder of {address} is not under git", detail=folder, fix=f"cd {folder} && git init")

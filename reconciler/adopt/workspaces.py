"""Decide in which workspace each agent is declared, and which folder that workspace has."""

from __future__ import annotations

import os.path
from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.model.address import workspace_address
from reconciler.model.adoption import FoundAgent
from reconciler.model.adoption_plan import AdoptedWorkspace
from reconciler.model.desired import Desired

from .names import valid_name


@dataclass(slots=True)
class Workspaces:
    """The declared workspaces and the new ones, by name. Each name has one folder."""

    desired: Desired
    chosen: dict[str, AdoptedWorkspace] = field(default_factory=dict)

    def place(self, found: FoundAgent) -> str:
        """The name of the agent's workspace. An agent that works in another folder gets its own workspace."""
        name = valid_name(found.workspace or os.path.basename(found.path))
        self._add(name, found)
        here = self.chosen[name]
        if found.row or not found.path or not here.path or is_inside(found.path, here.path):
            return name
        apart = next(each for each in self._others(name, found.path) if self._is_free(each, found.path))
        self._add(apart, found)
        return apart

    def path(self, name: str) -> str:
        """The absolute folder of a workspace; empty if it is not known."""
        return self.chosen[name].path

    def _add(self, name: str, found: FoundAgent) -> None:
        declared = self.desired.workspaces.get(workspace_address(name))
        if declared:
            self.chosen.setdefault(name, AdoptedWorkspace(name, declared.path, declared=True))
            return
        known = self.chosen.get(name)
        if known is None or not known.path:
            self.chosen[name] = AdoptedWorkspace(name, found.path, git=found.git)

    def _is_free(self, name: str, path: str) -> bool:
        declared = self.desired.workspaces.get(workspace_address(name))
        taken = declared.path if declared else self.chosen[name].path if name in self.chosen else ""
        return taken in {"", path}

    def _others(self, name: str, path: str) -> Iterable[str]:
        yield f"{name}-{valid_name(os.path.basename(path))}"
        number = 2
        while True:
            yield f"{name}-{number}"
            number += 1


def is_inside(path: str, folder: str) -> bool:
    """Whether an absolute path is the folder, or is inside it."""
    return path == folder or path.startswith(f"{folder.rstrip(os.sep)}{os.sep}")

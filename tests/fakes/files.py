"""Folders, files and worktrees in memory."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from posixpath import dirname

from msgspec.structs import replace

from reconciler.model.desired import Git
from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Observed, Present, Unknown
from reconciler.model.obstacle import Obstacle, ObstacleKind, describe_obstacle
from reconciler.model.snapshot import Folder, Worktree
from reconciler.model.stored import Entry, EntryKind

WILD = frozenset("*?[")
BAD_BRANCH = re.compile(r"^-|^$|[\s~^:?*\[\\]|\.\.|//|@\{|\.lock$|[./]$")  # as git check-ref-format refuses them


@dataclass
class FakeFiles:
    """`repos` maps a repository to its branches; a path in `unreadable` answers Unknown. `tables` maps a
    database to the rows that any question finds, as far as they hold the parameters; `changed` says when
    a file was written, in Unix seconds, 0 unless said; `strange` maps a path to what makes its entry one
    that nobody may delete; a path in `unmarked` has no mark; `distrusted` says of a path why another user may
    have written it. In a path that is `full`, git finds no room for a worktree.

    Use `make_folder`, `put` and `add_repo` to fill it: they add the folders above, too.
    """

    folders: set[str] = field(default_factory=lambda: {"/", "/tmp"})  # noqa: S108 - not a real one
    files: dict[str, bytes] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    worktrees: dict[str, Worktree] = field(default_factory=dict)
    repos: dict[str, set[str]] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    strange: dict[str, dict[str, object]] = field(default_factory=dict)
    tables: dict[str, list[tuple[object, ...]]] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)
    unmarked: set[str] = field(default_factory=set)
    distrusted: dict[str, str] = field(default_factory=dict)
    full: set[str] = field(default_factory=set)

    def put(self, path: str, data: bytes) -> None:
        self.make_folder(dirname(path))
        self.write(path, data)

    def add_repo(self, path: str, *branches: str) -> None:
        self.make_folder(path)
        self.put(f"{path}/.git/HEAD", b"ref: refs/heads/main\n")
        self.repos[path] = self.repos.get(path, set()) | {"main", *branches}

    def change_worktree(self, path: str, dirty: int = 0, unpushed: int = 0) -> None:
        self.worktrees[path] = replace(self.worktrees[path], dirty=dirty, unpushed=unpushed)

    def lose_worktree(self, path: str) -> None:
        """Its folder goes, and git still lists it."""
        for inside in self._inside(path):
            self.files.pop(inside, None)
            self.folders.discard(inside)
        self.folders.discard(path)

    def folder(self, path: str) -> Observed[Folder]:
        if path in self.unreadable:
            return Unknown(self.unreadable[path])
        if path in self.files:
            return Present(Folder(is_folder=False))
        if path not in self.folders:
            return ABSENT
        tree = self.worktrees.get(path)
        cheap = replace(tree, dirty=None, unpushed=None) if tree else None
        return Present(Folder(is_folder=True, empty=not self._inside(path), worktree=cheap))

    def worktree(self, path: str) -> Observed[Worktree]:
        if path in self.unreadable:
            return Unknown(self.unreadable[path])
        return Present(self.worktrees[path]) if path in self.worktrees and path in self.folders else ABSENT

    def query(
        self, path: str, _statement: str, parameters: tuple[str, ...]
    ) -> Observed[tuple[tuple[object, ...], ...]]:
        if path in self.unreadable:
            return Unknown(self.unreadable[path])
        rows = self.tables.get(path)
        return ABSENT if rows is None else Present(tuple(row for row in rows if set(parameters) <= set(map(str, row))))

    def obstacle(self, path: str, git: Git | None) -> Obstacle | None:
        above = path
        while above not in self.folders:
            if above in self.files:
                return Obstacle(ObstacleKind.NO_FOLDER, above)
            above = dirname(above)
        return self._git_obstacle(path, git) if git else None

    def _git_obstacle(self, path: str, git: Git) -> Obstacle | None:
        branches = self.repos.get(git.repo)
        if branches is None:
            there = git.repo in self.folders
            return (
                Obstacle(ObstacleKind.NOT_A_REPO, "not a git repository")
                if there
                else Obstacle(ObstacleKind.NO_REPO, git.repo)
            )
        if BAD_BRANCH.search(git.branch):
            return Obstacle(ObstacleKind.BAD_BRANCH, git.branch)
        if git.branch in branches:
            holder = self._holder(git)
            return Obstacle(ObstacleKind.TAKEN, holder) if holder not in {"", path} else None
        return Obstacle(ObstacleKind.NO_BASE, git.base) if git.base and git.base not in branches else None

    def _holder(self, git: Git) -> str:
        holders = (at for at, tree in self.worktrees.items() if (tree.repo, tree.branch) == (git.repo, git.branch))
        return git.repo if git.branch == "main" else next(holders, "")

    def real(self, path: str) -> str:
        return path

    def distrust(self, path: str) -> str:
        return self.distrusted.get(path, "")

    def distrust_all(self, path: str) -> str:
        below = (why for each, why in self.distrusted.items() if f"{each}/".startswith(f"{path}/"))
        return next(below, "")

    def facts(self, path: str) -> Observed[tuple[float, int]]:
        return Present((self.changed.get(path, 0), len(self.files[path]))) if path in self.files else ABSENT

    def mark(self, path: str) -> Hashable:
        if path in self.unreadable or path in self.unmarked:
            return None
        if path in self.folders:
            return tuple(sorted(each for each in self._inside(path) if dirname(each) == path))
        return (self.files[path], self.changed.get(path, 0)) if path in self.files else ()

    def read(self, path: str, limit: int = 1 << 20, start: int = 0) -> Observed[bytes]:
        if path in self.unreadable:
            return Unknown(self.unreadable[path])
        if path in self.folders:
            return Unknown(f"{path} is not a file")
        return Present(self.files[path][start : start + limit]) if path in self.files else ABSENT

    def find(self, pattern: str) -> Observed[tuple[str, ...]]:
        parts = pattern.split("/")
        first_wild = next((i for i, part in enumerate(parts) if WILD & set(part)), len(parts))
        for path, reason in self.unreadable.items():
            above = zip(path.split("/"), parts[:-1], strict=False)
            if path.count("/") < len(parts) - 1 and all(map(_matches, above)):
                return Unknown(reason)
        if first_wild < len(parts) and ("/".join(parts[:first_wild]) or "/") not in self.folders:
            return ABSENT
        found = (path for path in (*self.files, *self.folders) if path.count("/") == pattern.count("/"))
        return Present(tuple(sorted(p for p in found if all(map(_matches, zip(p.split("/"), parts, strict=True))))))

    def contains(self, path: str, needle: bytes) -> Observed[bool]:
        match self.read(path, limit=1 << 40):
            case Present(data):
                return Present(needle in data)
            case other:
                return other

    def write(self, path: str, data: bytes, mode: int = 0o600) -> None:
        if dirname(path) not in self.folders or path in self.folders:
            raise ReconcilerError(f"cannot write {path}")
        self.files[path] = data
        self.modes[path] = mode

    def tree(self, path: str) -> Observed[tuple[Entry, ...]]:
        if path in self.unreadable:
            return Unknown(self.unreadable[path])
        names = [each for each in (path, *sorted(self._inside(path))) if each in self.files or each in self.folders]
        return Present(tuple(map(self._entry, names))) if names else ABSENT

    def _entry(self, path: str) -> Entry:
        kind = EntryKind.FILE if path in self.files else EntryKind.FOLDER
        how = self.strange.get(path, {})
        entry = Entry(path, kind, len(self.files.get(path, b"")))
        return replace(entry, **{**how, "kind": EntryKind(how.get("kind", kind))})

    def delete(self, path: str, root: str) -> None:
        mine = [each for each in (path, *self._inside(path)) if each in self.files or each in self.folders]
        if not path.startswith(f"{root}/") or self.strange.keys() & {*mine}:
            raise ReconcilerError(f"cannot delete {path}")
        for each in mine:
            self.files.pop(each, None)
            self.folders.discard(each)

    def copy(self, path: str, target: str) -> None:
        if path not in self.files:
            raise ReconcilerError(f"cannot copy {path}")
        self.write(target, self.files[path])

    def make_folder(self, path: str, mode: int = 0o777) -> None:
        if path in self.files:
            raise ReconcilerError(f"cannot create the folder {path}")
        if path not in self.folders:
            self.make_folder(dirname(path))
            self.folders.add(path)
            self.modes[path] = mode

    def remove_folder(self, path: str) -> None:
        if path not in self.folders or self._inside(path):
            raise ReconcilerError(f"cannot remove the folder {path}")
        self.folders.discard(path)

    def add_worktree(self, path: str, git: Git) -> None:
        found = self._git_obstacle(path, git)
        if found and found.kind is ObstacleKind.TAKEN and found.subject not in self.folders:
            raise ReconcilerError(f"branch {git.branch} is in use by {found.subject}, which is missing")
        if found:
            problem = describe_obstacle(found, path, git)
            raise ReconcilerError(problem.summary, detail=problem.detail, fix=problem.fix)
        if path in self.full:
            raise ReconcilerError(f"cannot make the worktree {path}")
        if path in self.folders and self._inside(path):
            raise ReconcilerError(f"cannot make the worktree {path}", detail="already exists")
        self.repos[git.repo].add(git.branch)
        self.put(f"{path}/.git", b"gitdir: elsewhere\n")
        self.worktrees[path] = Worktree(git.repo, git.branch, dirty=0, unpushed=0)

    def remove_worktree(self, path: str, repo: str) -> None:
        tree = self.worktrees.get(path)
        if tree is None or tree.repo != repo or tree.dirty:
            raise ReconcilerError(f"cannot remove the worktree {path}")
        del self.worktrees[path]
        for inside in self._inside(path):
            self.files.pop(inside, None)
            self.folders.discard(inside)
        self.folders.discard(path)

    def _inside(self, path: str) -> list[str]:
        prefix = path.rstrip("/") + "/"
        return [p for p in (*self.files, *self.folders) if p.startswith(prefix) and p != prefix]


def _matches(pair: tuple[str, str]) -> bool:
    name, pattern = pair
    if not WILD & set(pattern):
        return name == pattern
    return fnmatchcase(name, pattern) and (not name.startswith(".") or pattern.startswith("."))

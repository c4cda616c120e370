"""The work in a git folder, asked of git; no program that the repository names is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.model.errors import ReconcilerError
from reconciler.model.observed import ABSENT, Observed, Present, Unknown
from reconciler.model.work import ChangedFile, GitWork

from .git import asked, own_filters

_STATUS = ("status", "--porcelain=v2", "--branch", "-z", "--ignore-submodules=dirty", "--untracked-files=normal")
_DIFF = ("diff", "--numstat", "-z", "--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules=dirty")
_MAIN = ("main", "master")  # branches that others leave
_FIELDS = {"1": 8, "2": 9, "u": 10}  # before the path, by the kind of an entry


def work_in(path: str, base: str) -> Observed[GitWork]:
    """The work in the folder at `path`, beside its upstream, `base` or main branch. Each question is given 30 s.

    `Absent` when git does not know the folder.
    """
    try:
        folder = asked(path, "rev-parse", "--show-toplevel").rstrip("\n")
    except ReconcilerError as error:
        return ABSENT if "not a git repository" in error.detail else _unknown(path, error)
    try:
        return Present(_work(folder, base))
    except (ReconcilerError, ValueError) as error:
        return _unknown(path, error)


def _unknown(path: str, error: Exception) -> Unknown:
    told = f"{error.summary}: {error.detail or error.fix}" if isinstance(error, ReconcilerError) else str(error)
    return Unknown(f"{path}: {told}")


def _work(folder: str, base: str) -> GitWork:
    filters = own_filters(folder)
    words = asked(folder, *_STATUS, settings=filters).split("\0")
    heads = dict(word[2:].split(" ", 1) for word in words if word.startswith("# "))
    uncommitted = tuple(_uncommitted(iter(words)))
    commit, branch = heads.get("branch.oid", ""), heads.get("branch.head", "")
    if commit == "(initial)":
        return GitWork(folder, branch, "", uncommitted=uncommitted)
    against, other = _against(folder, heads, base)
    if not other:
        changed = _changed(folder, commit, filters)
        return GitWork(folder, branch, commit, uncommitted=uncommitted, changed=changed)
    behind, ahead = asked(folder, "rev-list", "--left-right", "--count", f"{other}...{commit}", "--").split()
    parting = _commit(folder, "merge-base", other, commit) or commit
    changed = _changed(folder, parting, filters)
    return GitWork(folder, branch, commit, against, int(ahead), int(behind), uncommitted, changed)


def _against(folder: str, heads: Mapping[str, str], base: str) -> tuple[str, str]:
    """The name of what the branch is compared with, and its commit; empty where there is none."""
    main = () if heads.get("branch.head") in _MAIN else _MAIN
    for name in filter(None, (heads.get("branch.upstream", ""), base, "origin/HEAD", *main)):
        if found := _commit(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"):
            return name, found
    return "", ""


def _commit(folder: str, *question: str) -> str:
    """The commit that git names; empty when it names none."""
    try:
        return asked(folder, *question).strip()
    except ReconcilerError:
        return ""


def _uncommitted(words: Iterator[str]) -> Iterator[ChangedFile]:
    for word in words:
        kind, _, rest = word.partition(" ")
        if kind == "?":
            yield ChangedFile(rest, "??")
        elif kind in _FIELDS:
            fields = word.split(" ", _FIELDS[kind])
            yield ChangedFile(fields[-1], fields[1])
        if kind == "2":  # what it was called before
            next(words, "")


def _changed(folder: str, since: str, filters: tuple[str, ...]) -> tuple[ChangedFile, ...]:
    rows = (row.split("\t", 2) for row in asked(folder, *_DIFF, since, "--", settings=filters).split("\0") if row)
    return tuple(ChangedFile(path, "", _count(added), _count(removed)) for added, removed, path in rows)


def _count(text: str) -> int | None:
    return int(text) if text.isdecimal() else None

"""fmt: rewrite manifests in one style."""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING, Annotated

from reconciler.app.project.edits import in_one_style, replace_files
from reconciler.app.project.project import find_project
from reconciler.cli import options as opt
from reconciler.cli.parameters import Option
from reconciler.model.exit_code import ExitCode
from reconciler.render.output import tell, tell_text

if TYPE_CHECKING:
    from collections.abc import Iterator


def fmt(
    paths: opt.Paths = None,
    check: Annotated[bool, Option("--check", help="Write nothing; exit with 1 if a file would change")] = False,
    diff: Annotated[bool, Option("--diff", help="Show the changes as a unified diff")] = False,
    chdir: opt.Root = "",
) -> int:
    """Rewrite manifests in one style; comments stay.

    The meaning and all comments stay. Prints the names of the files that change. If one file is not valid
    YAML, no file is written.

    \b
    Examples:
      reconciler fmt
      reconciler fmt --check --diff        # for CI: exit code 1 if a file would change
    """
    at = find_project(chdir, "")
    sources, changes = in_one_style(at, paths or ())
    if not check:
        replace_files(at, changes)
    for path, (before, after) in changes.items():
        tell(f"{sources[path].file}")
        tell_text("".join(_unified(sources[path].file, before, after)) if diff else "")
    return ExitCode.ERROR if check and changes else ExitCode.OK


def _unified(name: str, before: bytes, after: bytes) -> Iterator[str]:
    old, new = (data.decode().splitlines(keepends=True) for data in (before, after))
    for line in unified_diff(old, new, name, name):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"

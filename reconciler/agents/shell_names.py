"""The programs that are shells, without what knows more of them: every plan needs the names."""

from __future__ import annotations

SHELLS = frozenset({
    "ash", "bash", "csh", "dash", "elvish", "fish", "ksh", "mksh", "nu", "pwsh", "sh", "tcsh", "xonsh", "zsh",
})  # fmt: skip

"""The allowed form of manifest values that become part of commands."""

from __future__ import annotations

import re

from reconciler.model.address import HOST_PATTERN, INSTANCE_PATTERN, NAME_PATTERN

SESSION_ID = r"[A-Za-z0-9][A-Za-z0-9._:-]*"
SOCKET = r"[A-Za-z0-9][A-Za-z0-9._-]*"
# git check-ref-format forbids more, see `is_branch`; a leading dash would be read as an option
BRANCH = r"[^\s~^:?*\[\\-][^\s~^:?*\[\\]*"
_NOT_IN_A_BRANCH = r"\.\.|//|@\{|(?:^|/)\.|\.lock(?:/|$)|^/|[/.]$|^HEAD$"
SERVER = r"(?:nats|tls)://[A-Za-z0-9.\[\]:-]+:[0-9]{1,5}(?:,(?:nats|tls)://[A-Za-z0-9.\[\]:-]+:[0-9]{1,5})*"
EXTENSION = "x-"  # how the top-level keys begin that users may choose
REPEATED = frozenset({"for_each", "count"})  # the keys that make instances of a workspace or agent
VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"

# --- agent types
FIELD = r"[^\s.]{1,80}(?:\.[^\s.]{1,80}){0,9}"
KEY = r"(?:[CMS]-)?(?:[A-Za-z0-9?]|Enter|Escape|Tab|BTab|Space|BSpace|Up|Down|Left|Right|Home|End|F[1-9]|F1[0-2])"
VERSION = r"[0-9]+(?:\.[0-9]+)+[A-Za-z0-9.+-]*"
SQL_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,63}"
RELATIVE = r"[^/~.][^/]*(?:/[^/.][^/]*)*|\.[^/.][^/]*(?:/[^/.][^/]*)*"

ACCEPTED = rf"agent\.{INSTANCE_PATTERN}\.{INSTANCE_PATTERN}|broker\.{NAME_PATTERN}|{NAME_PATTERN}"
EXTENDED = rf"{NAME_PATTERN}|agent\.{NAME_PATTERN}\.{NAME_PATTERN}"
DRIFT_PATH = r"[A-L]|[a-z][A-Za-z0-9_./-]*"
DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"

PATH_RULE = (r"~(?:/[\s\S]*)?|[^~][\s\S]*", "a path, with `~` for your own home folder only")
NAME_RULE = (NAME_PATTERN, "a name: letters, digits, `_` and `-`, starting with a letter or digit")

# key -> the regular expression for its value, and the rule in words
RULES = {
    "type": NAME_RULE,
    "role": NAME_RULE,
    "resume": (SESSION_ID, "`auto`, `never` or a session id"),
    "socket": (SOCKET, "a name for `tmux -L`: letters, digits, `.`, `_` and `-`"),
    "branch": (BRANCH, "the name of a git branch"),
    "base": (BRANCH, "the name of a git branch, tag or commit"),
    "path": PATH_RULE,
    "cwd": PATH_RULE,
    "dir": PATH_RULE,
    "cert": PATH_RULE,
    "repo": PATH_RULE,
    "socket_path": PATH_RULE,
    "from_file": PATH_RULE,
    "pool": (HOST_PATTERN, "the name of a pool: letters, digits, `_` and `-`; or `no`"),
    "server": (SERVER, "an address such as `tls://queue.example:4222`"),
    "password_file": PATH_RULE,
    "ca_certs": PATH_RULE,
    "certfile": PATH_RULE,
    "keyfile": PATH_RULE,
}


def is_branch(name: str) -> bool:
    """Whether git accepts a name that matches `BRANCH` for a new branch; see git-check-ref-format(1)."""
    return not re.search(_NOT_IN_A_BRANCH, name)

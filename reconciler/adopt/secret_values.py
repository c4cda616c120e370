"""Recognize values that must not get into a manifest, because their name or their form is that of a secret."""

from __future__ import annotations

import re

from reconciler.model.desired import EnvOrigin, EnvVar
from reconciler.model.secrets import HIDDEN, without_logins

# How the tokens of known services begin, and JSON Web Tokens (RFC 7519) and private keys
_LOOKED_AT = 4_000  # characters: the search is slow in longer texts, and a secret shows at its beginning
_TOKEN = re.compile(
    r"(?:sk|pk|rk)[-_](?:[a-z]+[-_])*[A-Za-z0-9_-]{16,}|gh[a-z]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}"
    r"|xox[a-z]-[\w-]{10,}|A(?:KIA|SIA)[A-Z0-9]{16}|AIza[\w-]{30,}|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{20,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|-----BEGIN [A-Z ]*PRIVATE KEY"
)
_ASSIGNED = re.compile(r"""(?<![\w-])([A-Za-z_][\w-]*)=("[^"]*"|'[^']*'|[^\s"';&|]+)""")
_OPTION = re.compile(r"""(?<![\w-])(--?[A-Za-z][\w-]*)\s+("[^"]*"|'[^']*'|[^\s"'-][^\s"']*)""")


def hides_secret(name: str, value: str) -> bool:
    """Whether a value looks like a secret; an empty one never does.

    `name` is the name of its variable or option, or empty.
    """
    if not value or (value.isdigit() and name.upper().endswith("TOKENS")):  # a limit: how many tokens
        return False
    value = value[:_LOOKED_AT]
    named = EnvVar(name.replace("-", "_"), EnvOrigin.LITERAL, value).sensitive
    return named or _TOKEN.search(value) is not None or without_logins(value) != value


def without_secrets(text: str) -> str:
    """The beginning of a command line without the values that look like secrets."""
    text = text[:_LOOKED_AT]
    text = _ASSIGNED.sub(lambda found: _hidden(found, "="), text)
    text = _OPTION.sub(lambda found: _hidden(found, " "), text)
    return without_logins(_TOKEN.sub(HIDDEN, text))


def _hidden(found: re.Match[str], between: str) -> str:
    secret = hides_secret(found[1].lstrip("-"), found[2])
    return f"{found[1]}{between}{HIDDEN}" if secret else found.group()

"""Read the options of a job that another host shall do."""

from __future__ import annotations

import os.path
import re
from collections.abc import Mapping

from msgspec import Struct

from reconciler.app.jobs.away import Errand
from reconciler.jobs.recipient import HUMAN
from reconciler.model.address import INSTANCE_PATTERN
from reconciler.model.destination import Destination, host_name, pool_name
from reconciler.model.errors import UsageError


class AwayWords(Struct, frozen=True):
    """The values of the options, as typed."""

    host: str
    pool: str
    agent: str
    workdir: str
    validate: str


def errand_from(words: AwayWords, here_only: Mapping[str, object]) -> Errand:
    """The errand that the options ask for; `here_only` are the values of options that do not go with it.

    Raises UsageError if they contradict each other, or if a name or path means nothing on another host.
    """
    if words.host and words.pool:
        raise UsageError("--host and --pool cannot be combined", fix="omit one")
    given = "--host" if words.host else "--pool"
    for option, value in here_only.items():
        if value:
            raise UsageError(f"{option} and {given} cannot be combined", fix=f"omit {option}")
    if words.agent == HUMAN:
        raise UsageError("a person gets no jobs of other hosts", fix="name an agent: --agent NAME")
    to = Destination(host=host_name(words.host)) if words.host else Destination(pool=pool_name(words.pool))
    return Errand(to, _workspace(words), _script(words.validate))


def _workspace(words: AwayWords) -> str:
    if words.workdir and words.pool:
        raise UsageError(
            "--workdir and --pool cannot be combined", fix="the agent that takes the job has its own folder"
        )
    if words.workdir and not re.fullmatch(INSTANCE_PATTERN, words.workdir):
        fix = "name a workspace of that host: its manifest says where the folder is"
        raise UsageError(f"--workdir {words.workdir} is a path, which means nothing on another host", fix=fix)
    return words.workdir


def _script(validate: str) -> str:
    outside = os.path.isabs(validate) or validate.startswith("~") or ".." in validate.split("/")
    if outside:
        fix = "name a script below the folder that the agent works in, as in --validate ci/check.sh"
        raise UsageError(f"--validate {validate} means nothing on another host", fix=fix)
    return validate

"""All checks, in the order in which they are shown."""

from __future__ import annotations

from itertools import chain

from reconciler.app.doctor.facts import MachineFacts
from reconciler.model.checkup import CheckResult

from .agents import agents
from .broker import broker
from .clock import clock
from .folders import folders
from .installation import installation
from .project import project
from .tmux import tmux

GROUPS = (installation, tmux, folders, project, agents, broker, clock)


def judge(facts: MachineFacts) -> tuple[CheckResult, ...]:
    """What every check says about these facts."""
    return tuple(chain.from_iterable(group(facts) for group in GROUPS))

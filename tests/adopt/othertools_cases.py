"""What the tests of other tools' files share."""

from __future__ import annotations

from pathlib import Path

from reconciler.adopt.context import SourceContext
from reconciler.agents.catalogue import catalogue
from reconciler.model.adoption import Findings
from reconciler.model.desired import AgentType

FILES = Path(__file__).parent / "othertools"
ID = "b3a7c0de-1111-4222-8333-444455556666"
CODEX_ID = "019a0000-1111-7222-8333-444455556666"
OWN = AgentType("mine", ("my-cli", "--chat"), resume=("--go-on", "{session_id}"))
AROUND = SourceContext("/home/u", "/home/u/here", {"HOME": "/home/u", "SITES": "/srv/sites"}, catalogue([OWN]))


def told(findings: Findings) -> list[str]:
    """What is left alone: line, what, and why."""
    return [f"{each.place.line if each.place else '-'} {each.what}: {each.why}" for each in findings.left_alone]

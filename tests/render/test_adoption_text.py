"""What adopt would do: one document, and the text that is made from it, as golden files in adoption/.

After a change of the words: `UPDATE_GOLDEN=1 pytest tests/render`, then read the diff.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from reconciler.model.address import agent_address
from reconciler.model.adoption import FoundAgent, LeftAlone
from reconciler.model.adoption_plan import (
    AdoptedAgent,
    AdoptedType,
    AdoptedWorkspace,
    AdoptionPlan,
    CompletedRow,
    SecuredFile,
)
from reconciler.model.desired import RunState
from reconciler.model.diagnostic import Diagnostic, Place, Severity
from reconciler.model.record import RowEdit, Section
from reconciler.render.adoption import AdoptionFrame, WrittenManifest, adoption_document, adoption_text
from reconciler.state.schemas import load_schema

HERE = Path(__file__).parent / "adoption"
LIVE, LOST = "b3a7c0de-1111-4222-8333-444455556666", "77777777-1111-4222-8333-444444440002"
FOUND = FoundAgent("the registry", "page", "claude", "claude", "/lab/page", live=True, session="page-creator-claude")


def _agents() -> tuple[AdoptedAgent, ...]:
    stopped = FoundAgent("the registry", "page", "codex", "codex", "/lab/page", state=RunState.STOPPED)
    renamed = FoundAgent("the registry", "my.proj", "ticker", "ticker", "/lab/mine", role="dev")
    return (
        AdoptedAgent(
            agent_address("page", "claude"),
            "page-creator-claude",
            FOUND,
            ("the registry", "tmux"),
            takes_over="page-creator-claude",
            conversation=LIVE,
            known_by=f"proved by its running process; {LOST} was recorded and is kept as an earlier one",
            previous=(LOST,),
        ),
        AdoptedAgent(agent_address("page", "codex"), "page-creator-codex", stopped, ("the registry",)),
        AdoptedAgent(
            agent_address("my-proj", "ticker"),
            "my-proj-dev-ticker",
            renamed,
            ("tmux",),
            takes_over="old",
            notes=("workspace my.proj is called my-proj in the manifest",),
        ),
        AdoptedAgent(
            agent_address("page", "known"), "page-creator-known", FOUND, ("tmux",), declared=True, takes_over="x"
        ),
        AdoptedAgent(agent_address("page", "settled"), "page-creator-settled", FOUND, ("tmux",), declared=True),
    )


def _everything() -> dict[str, object]:
    plan = AdoptionPlan(
        agents=_agents(),
        workspaces=(AdoptedWorkspace("page", "/lab/page", declared=True), AdoptedWorkspace("my-proj", "/lab/mine")),
        types=(AdoptedType("ticker", ("sleep", "9")),),
        edits=(
            RowEdit(Section.SESSIONS, "my.proj-dev-ticker", {"workspace": "my-proj"}, rename_to="my-proj-dev-ticker"),
            RowEdit(Section.WORKSPACES, "page", {"path": "/lab/page"}),
            RowEdit(Section.WORKSPACES, "my.proj", remove=True),
        ),
        rows=(
            CompletedRow("workspaces.page", (f"agent_identities.claude: session_id {LIVE}",), 3),
            CompletedRow("sessions.page-creator-codex", ('last_visible_status: "a word" -> stopped',), 12),
        ),
        secured=(SecuredFile(".mam/jobs/j1.json", 4, "it holds the broker's password in plain text", "mode -> 0600"),),
        broker={"dir": "broker", "users": {"hermes": "observer"}},
        broker_notes=("kept: the password of hermes",),
        left_alone=(
            LeftAlone("session x-creator-claude", "runs only sh", "end that session"),
            LeftAlone("a window", "it runs an editor", place=Place("lab.yaml", 7)),
        ),
    )
    manifests = (
        WrittenManifest("reconciler.yaml", False, "      claude: {}\n"),
        WrittenManifest("manifests/new.yaml", True, "version: 1\n"),
    )
    said = Diagnostic(Severity.ERROR, "the registry is a copy", "of /other", "reconciler registry take-over")
    frame = AdoptionFrame(("the registry (r.yaml)", "the tmux server lab"), "r.yaml", manifests, (said,))
    return adoption_document(plan, frame)  # type: ignore[return-value] # a document is a mapping


def _nothing() -> dict[str, object]:
    left = (LeftAlone("session x-creator-claude", "runs only sh", "end that session"),)
    settled = _agents()[-1:]
    return adoption_document(AdoptionPlan(agents=settled, left_alone=left), AdoptionFrame(("tmux",), "r.yaml"))  # type: ignore[return-value]


@pytest.mark.parametrize(("name", "made"), [("everything", _everything), ("nothing", _nothing)])
def test_the_document_and_its_text_are_as_published(name: str, made: Callable[[], dict[str, object]]) -> None:
    document = {**made(), "tool_version": "0.0.0"}
    Draft7Validator(load_schema("adopt")).validate(document)
    forms = {
        "json": json.dumps(document, indent=1, ensure_ascii=False),
        "txt": "\n".join(adoption_text(document)),  # type: ignore[arg-type]
        "full.txt": "\n".join(adoption_text(document, full=True)),  # type: ignore[arg-type]
    }
    for end, text in forms.items():
        golden = HERE / f"{name}.{end}"
        if os.environ.get("UPDATE_GOLDEN"):
            golden.write_text(f"{text}\n", "utf-8")
        assert f"{text}\n" == golden.read_text("utf-8")


def test_the_text_is_made_from_the_document_alone() -> None:
    document = json.loads(json.dumps(_everything()))
    assert list(adoption_text(document)) == list(adoption_text(_everything()))  # type: ignore[arg-type]

"""The permission dialog of an agent: the document, and the text made from it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.model.harmless import one_line
from reconciler.model.record import Json

from .documents import FORMAT_VERSION
from .documents.answer import AgentAnswerDoc


def agent_answer_document(whose: Mapping[str, Json], shown: Mapping[str, Json], answer: str | None) -> AgentAnswerDoc:
    """The document of `answer --json`: `whose` has address, session and job, `shown` what was shown."""
    return {"format_version": FORMAT_VERSION, **whose, **shown_keys(shown), "answer": answer}  # type: ignore[typeddict-item] # the same keys


def shown_keys(shown: Mapping[str, Json]) -> dict[str, Json]:
    """What is published of a dialog that was shown."""
    return {name: shown[name] for name in ("request", "digest", "question", "lines", "at")}


def agent_answer_text(document: AgentAnswerDoc) -> Iterator[str]:
    """The dialog, and how to answer it; or in a line what was answered."""
    if document["answer"]:
        yield f"{document['answer']}: {one_line(document['question'])}"
        return
    job = f" (job {document['job']})" if document["job"] else ""
    yield f"{document['session']} asks for permission{job}:"
    yield from (f"  {line}" for line in document["lines"])
    yield f"Answer: reconciler answer {document['session']} --request {document['request']} approve|deny"

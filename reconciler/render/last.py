"""The end of a conversation: the JSON document, and the text made from it."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from reconciler.agents.message import LastMessages
from reconciler.model.address import Address

from .documents import FORMAT_VERSION
from .documents.last import LastDoc


def last_document(address: Address, conversation: str, path: str, found: LastMessages) -> LastDoc:
    """The document of `last --json`."""
    return {
        "format_version": FORMAT_VERSION,
        "address": str(address),
        "conversation": conversation or None,
        "path": path or None,
        "messages": [
            {"role": "user" if each.role == "user" else "assistant", "at": each.at or None, "text": each.text}
            for each in found.messages
        ],
        "cut": found.cut,
    }


def last_text(document: LastDoc) -> Iterator[str]:
    """Each message below who said it and when."""
    if document["cut"]:
        yield "(earlier messages are too far up to be shown)"
    for message in document["messages"]:
        yield f"{message['role']}  {message['at'] or ''}".rstrip()
        yield from (f"  {line}".rstrip() for line in message["text"].split("\n"))
        yield ""
    if not document["messages"]:
        yield _nothing(document)


def _nothing(document: LastDoc) -> str:
    """Why no message is shown. An agent whose conversation is not known may have been told a lot."""
    if document["conversation"] is None:
        screen = f"reconciler peek {quote(document['address'])}"
        return f"(it is not known which conversation {document['address']} is in; see its screen: {screen})"
    return f"(no message is stored in the conversation of {document['address']} yet)"

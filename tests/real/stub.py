"""A model API on the loopback interface: every question of every provider gets the same short answer.

A prompt that holds TOUCH is answered by the wish to run a command, which the CLI asks its user for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import urlsplit

ANSWER = "This is a canned answer."
TOUCH, TOUCHED = "touch it, please", "touched"
_STREAMS = b'"stream":true'
_COMMAND = f"touch {TOUCHED}"
_SHELLS = ("Bash", "run_shell_command", "bash", "exec_command")  # what the CLIs call the tool
_RESULTS = re.compile(rb'"tool_result"|"functionResponse"|"role": ?"tool"|"function_call_output"')


class Reply(NamedTuple):
    """The documents to send: one as it is, or many as server-sent events."""

    documents: Sequence[Any]
    streamed: bool = False
    status: int = 200


@contextmanager
def serving() -> Iterator[str]:
    """The base URL of a stub that answers until the block ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def reply(path: str, asked: bytes = b"", *, streams: bool) -> Reply:
    """What the provider that has this path would say."""
    word = re.split("[/:]", path)[-1]
    if streams and word in _WISHES and (tool := _tool(asked)):
        return Reply(list(_WISHES[word](tool)), True)
    if streams and word in _EVENTS:
        return Reply(list(_EVENTS[word]()), True)
    if word in _DOCUMENTS:
        return Reply([_DOCUMENTS[word]()])
    return Reply([{"error": {"type": "not_found_error", "message": f"no {path} here"}}], status=404)


def _tool(asked: bytes) -> str:
    """The tool that is to be asked for; empty when none is, or when it has been."""
    if TOUCH.encode() not in asked or _RESULTS.search(asked):
        return ""
    offered = {name.decode() for name in re.findall(rb'"name": ?"(\w+)"', asked)}
    return next((name for name in _SHELLS if name in offered), "")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send(reply(urlsplit(self.path).path, streams=False))

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlsplit(self.path).path
        self._send(reply(path, asked, streams=_STREAMS in asked.replace(b" ", b"") or ":stream" in path))

    def log_message(self, *_: object) -> None:
        """Silence: a test's output is its failures."""

    def _send(self, said: Reply) -> None:
        body = b"".join(map(_event, said.documents)) if said.streamed else json.dumps(said.documents[0]).encode()
        self.send_response(said.status)
        self.send_header("Content-Type", "text/event-stream" if said.streamed else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _event(document: Any) -> bytes:
    """One server-sent event, with a name where its document has a type."""
    if isinstance(document, str):
        return f"data: {document}\n\n".encode()
    name = f"event: {document['type']}\n" if "type" in document else ""
    return f"{name}data: {json.dumps(document)}\n\n".encode()


def _anthropic(**changed: Any) -> dict[str, Any]:
    whole = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "stub",
        "content": [{"type": "text", "text": ANSWER}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    return whole | changed


def _anthropic_events() -> Iterator[dict[str, Any]]:
    yield {"type": "message_start", "message": _anthropic(content=[], stop_reason=None)}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": ANSWER}}
    yield {"type": "content_block_stop", "index": 0}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 1},
    }
    yield {"type": "message_stop"}


def _response(status: str) -> dict[str, Any]:
    usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    output = [_message(status)] if status == "completed" else []
    return {"id": "resp_1", "object": "response", "model": "stub", "status": status, "output": output, "usage": usage}


def _message(status: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": ANSWER, "annotations": []}] if status == "completed" else []
    return {"id": "item_1", "type": "message", "role": "assistant", "status": status, "content": content}


def _responses_events() -> Iterator[dict[str, Any]]:
    here = {"item_id": "item_1", "output_index": 0, "content_index": 0}
    yield {"type": "response.created", "response": _response("in_progress")}
    yield {"type": "response.output_item.added", "output_index": 0, "item": _message("in_progress")}
    yield {"type": "response.output_text.delta", **here, "delta": ANSWER}
    yield {"type": "response.output_item.done", "output_index": 0, "item": _message("completed")}
    yield {"type": "response.completed", "response": _response("completed")}


def _completion() -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {"id": "chat_1", "object": "chat.completion", "model": "stub", "choices": [choice], "usage": usage}


def _chunks() -> Iterator[Any]:
    yield _chunk({"role": "assistant", "content": ANSWER}, None)
    yield _chunk({}, "stop")
    yield "[DONE]"


def _chunk(delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "chat_1", "object": "chat.completion.chunk", "created": 1, "model": "stub", "choices": [choice]}


def _gemini() -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": [{"text": ANSWER}]}, "finishReason": "STOP", "index": 0}
    usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "stub"}


def _anthropic_wish(tool: str) -> Iterator[dict[str, Any]]:
    wish = json.dumps({"command": _COMMAND, "description": "as asked"})
    yield {"type": "message_start", "message": _anthropic(content=[], stop_reason=None)}
    block = {"type": "tool_use", "id": "toolu_1", "name": tool, "input": {}}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    yield {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": wish}}
    yield {"type": "content_block_stop", "index": 0}
    delta = {"stop_reason": "tool_use", "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 1}}
    yield {"type": "message_stop"}


def _responses_wish(tool: str) -> Iterator[dict[str, Any]]:
    wish = json.dumps({"cmd": _COMMAND, "sandbox_permissions": "require_escalated", "justification": "as asked"})
    call = {"type": "function_call", "id": "item_1", "call_id": "call_1", "name": tool, "arguments": wish}
    yield {"type": "response.created", "response": _response("in_progress")}
    yield {"type": "response.output_item.done", "output_index": 0, "item": call}
    yield {"type": "response.completed", "response": _response("completed") | {"output": [call]}}


def _chunks_wish(tool: str) -> Iterator[Any]:
    wish = json.dumps({"command": _COMMAND, "description": "as asked", "is_background": False})
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": tool, "arguments": wish}}
    yield _chunk({"role": "assistant", "tool_calls": [call]}, None)
    yield _chunk({}, "tool_calls")
    yield "[DONE]"


def _gemini_wish(tool: str) -> Iterator[dict[str, Any]]:
    call = {"functionCall": {"name": tool, "args": {"command": _COMMAND, "description": "as asked"}}}
    candidate = {"content": {"role": "model", "parts": [call]}, "finishReason": "STOP", "index": 0}
    yield _gemini() | {"candidates": [candidate]}


_WISHES: Mapping[str, Callable[[str], Iterator[Any]]] = {
    "messages": _anthropic_wish,
    "responses": _responses_wish,
    "completions": _chunks_wish,
    "streamGenerateContent": _gemini_wish,
}
_EVENTS: Mapping[str, Callable[[], Iterator[Any]]] = {
    "messages": _anthropic_events,
    "responses": _responses_events,
    "completions": _chunks,
    "streamGenerateContent": lambda: iter([_gemini()]),
}
_DOCUMENTS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "messages": _anthropic,
    "responses": lambda: _response("completed"),
    "completions": _completion,
    "generateContent": _gemini,
    "models": lambda: {"object": "list", "data": []},
    "count_tokens": lambda: {"input_tokens": 1},
    "countTokens": lambda: {"totalTokens": 1},
}

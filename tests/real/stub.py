"""A model API on the loopback interface: every question of every provider gets the same short answer.

A prompt that holds TOUCH is answered by the wish to run a command, which the CLI asks its user for. Other words
keep a CLI in one state, so that its screen can be looked at: HOLD is answered by nothing, TRICKLE by a beginning,
FAIL by an error, SLEEP by the wish to run a command that takes long, ASK by a question of the model's, TEAM by the
wish for a subagent, which gets no answer, STATUS by the wish to call the tool `status` of our MCP server. The last of
these words in a request counts.
"""

from __future__ import annotations

import json
import re
import select
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread
from typing import Any, NamedTuple
from urllib.parse import urlsplit

ANSWER = "This is a canned answer."
TOUCH, TOUCHED = "touch it, please", "touched"
HOLD, TRICKLE, FAIL = "think about it", "tell it slowly", "fail at it"
SLEEP, ASK, TEAM = "sleep over it", "ask me about it", "let a helper do it"
STATUS = "look at the agents"
# What each answer costs. The cached tokens are a part of the input, and the thoughts a part of the output.
INPUT, CACHED, OUTPUT, THOUGHT = 1500, 300, 45, 7
_WRITTEN = 200  # of the input, what the model writes into its cache
_ANTHROPIC_INPUT = {
    "input_tokens": INPUT - CACHED - _WRITTEN,
    "cache_creation_input_tokens": _WRITTEN,
    "cache_read_input_tokens": CACHED,
    "cache_creation": {"ephemeral_5m_input_tokens": _WRITTEN, "ephemeral_1h_input_tokens": 0},
}
_COMPLETION_USAGE = {
    "prompt_tokens": INPUT,
    "completion_tokens": OUTPUT,
    "total_tokens": INPUT + OUTPUT,
    "prompt_tokens_details": {"cached_tokens": CACHED},
    "completion_tokens_details": {"reasoning_tokens": THOUGHT},
}
_NUMBERS = count(1)  # each answer has an id of its own: usage is counted once for each id
_TITLED = b"You are a title generator"  # OpenCode names each conversation, and a model would name no two alike
_STREAMS = b'"stream":true'
_SHELLS = (
    "Bash",
    "run_shell_command",
    "bash",
    "exec_command",
    "shell",
    "local_shell",
    "run_commands",
)  # what the CLIs call the tool
_QUESTIONS = ("AskUserQuestion", "ask_user_question", "ask_user", "question", "request_user_input")
_STATUSES = ("mcp__reconciler__status",)
_HELPERS = ("Agent", "Task", "agent", "task", "spawn_agent", "generalist", "invoke_agent")
_RESULTS = re.compile(rb'"tool_result"|"functionResponse"|"role": ?"tool"|"function_call_output"')
_OPTIONS = [{"label": "Larch", "description": "a tree"}, {"label": "Alder", "description": "another one"}]
_QUESTION = {"question": "Which tree?", "header": "Tree", "options": _OPTIONS, "multiSelect": False}
_RUN = {"description": "as asked", "is_background": False, "sandbox_permissions": "require_escalated"}
_RUN |= {"justification": "as asked", "mode": "sync", "initial_wait": 600}


class Reply(NamedTuple):
    """The documents to send: one as it is, or many as server-sent events."""

    documents: Sequence[Any]
    streamed: bool = False
    status: int = 200


class Stub(ThreadingHTTPServer):
    """The server; `held` is how many requests are open that get no answer, `failed` how many got an error.

    Once it is `released`, HOLD is answered like any other prompt, and so are the requests that it held.
    """

    daemon_threads = True
    held = 0
    failed = 0
    released = False

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def stub() -> Iterator[Stub]:
    """A stub that answers until the block ends."""
    with Stub(("127.0.0.1", 0), _Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def reply(path: str, asked: bytes = b"", *, streams: bool) -> Reply:
    """What the provider that has this path would say."""
    word = re.split("[/:]", path)[-1]
    if streams and word in _WISHES and (call := _call(asked)):
        return Reply(list(_WISHES[word](*call)), True)
    if streams and word == "completions" and _TITLED in asked:
        return Reply(list(_chunks(f"Talk {next(_NUMBERS)}")), True)
    if streams and word in _EVENTS:
        events = list(_EVENTS[word]())
        return Reply(events[: _BEGUN[word]] if _word(asked) == TRICKLE else events, True)
    if word in _DOCUMENTS:
        return Reply([_DOCUMENTS[word]()])
    return Reply([{"error": {"type": "not_found_error", "message": f"no {path} here"}}], status=404)


def _word(asked: bytes) -> str:
    """The word in the request that came last; empty when what it asked for has been done, or no tools are offered."""
    last = max(_WORDS, key=lambda word: asked.rfind(word.encode()))
    results = [found.end() for found in _RESULTS.finditer(asked)]
    done = results and results[-1] > asked.rfind(last.encode())
    return "" if done or last.encode() not in asked or not _offered(asked, _SHELLS) else last


def _offered(asked: bytes, names: Sequence[str]) -> str:
    """What the CLI calls a tool; empty when it offers none."""
    offered = {name.decode() for name in re.findall(rb'"name": ?"(\w+)"', asked)}
    return next((name for name in names if name in offered), "")


def _call(asked: bytes) -> tuple[str, Mapping[str, Any]] | None:
    """The tool that is to be asked for, with its arguments."""
    names, arguments = _CALLS.get(_word(asked), ((), {}))
    tool = _offered(asked, names)
    known = {name: value for name, value in arguments.items() if name in _CLAUDES or not tool[:1].isupper()}
    if tool == "run_commands":
        known = {"commands": [arguments["command"]]}
    return (tool, known) if tool else None


def _running(command: str) -> Mapping[str, Any]:
    return {**_RUN, "command": command, "cmd": command}


_CLAUDES = {"command", "description", "questions", "prompt", "subagent_type"}  # Claude takes no other argument
_ABOUT = {"questions": [_QUESTION], "question": "Which tree?", "choices": ["Larch", "Alder"]}
_HELP = {"description": "Look at it", "prompt": HOLD, "message": HOLD, "task": HOLD, "request": HOLD}
_HELP |= {"subagent_type": "general-purpose", "agent_type": "general-purpose", "agent_name": "generalist"}
_HELP |= {"name": "helper", "task_name": "helper", "mode": "sync"}
_CALLS: Mapping[str, tuple[Sequence[str], Mapping[str, Any]]] = {
    TOUCH: (_SHELLS, _running(f"touch {TOUCHED}")),
    SLEEP: (_SHELLS, _running("sleep 600")),
    ASK: (_QUESTIONS, _ABOUT),
    TEAM: (_HELPERS, _HELP),
    STATUS: (_STATUSES, {}),
}
_WORDS = (*_CALLS, HOLD, TRICKLE, FAIL)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send(reply(urlsplit(self.path).path, streams=False))

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlsplit(self.path).path
        streams = _STREAMS in asked.replace(b" ", b"") or ":stream" in path
        match _word(asked) if streams else "":
            case word if word == TRICKLE or (word == HOLD and not self._stub.released):
                self._hold(reply(path, asked, streams=True), begins=word == TRICKLE)
            case word if word == FAIL:
                self._stub.failed += 1
                self._send(Reply([{"error": {"type": "api_error", "message": "Internal server error"}}], status=500))
            case _:
                self._send(reply(path, asked, streams=streams))

    @property
    def _stub(self) -> Stub:
        assert isinstance(self.server, Stub)
        return self.server

    def _hold(self, said: Reply, *, begins: bool) -> None:
        """Keep the request open, with a beginning of the answer or without, until it is given up or released."""
        server = self._stub
        server.held += 1
        self.close_connection = True
        with suppress(OSError):
            if begins:
                self._head(200, "text/event-stream")
                self.wfile.write(b"".join(map(_event, said.documents)))
            while not self._is_given_up() and (begins or not server.released):
                continue
            if server.released and not begins:
                self._send(said)
        server.held -= 1

    def _is_given_up(self) -> bool:
        """Whether the CLI closed the connection; looks for a moment."""
        return bool(select.select([self.connection], [], [], 0.2)[0] and not self.connection.recv(1, socket.MSG_PEEK))

    def log_message(self, *_: object) -> None:
        """Silence: a test's output is its failures."""

    def _send(self, said: Reply) -> None:
        body = b"".join(map(_event, said.documents)) if said.streamed else json.dumps(said.documents[0]).encode()
        with suppress(OSError):  # a CLI may have given up by now
            self._head(said.status, "text/event-stream" if said.streamed else "application/json", len(body))
            self.wfile.write(body)

    def _head(self, status: int, kind: str, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("request-id", f"req_{next(_NUMBERS)}")
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()


def _event(document: Any) -> bytes:
    """One server-sent event, with a name where its document has a type."""
    if isinstance(document, str):
        return f"data: {document}\n\n".encode()
    name = f"event: {document['type']}\n" if "type" in document else ""
    return f"{name}data: {json.dumps(document)}\n\n".encode()


def _anthropic(**changed: Any) -> dict[str, Any]:
    whole = {
        "id": f"msg_{next(_NUMBERS)}",
        "type": "message",
        "role": "assistant",
        "model": "stub",
        "content": [{"type": "text", "text": ANSWER}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {**_ANTHROPIC_INPUT, "output_tokens": OUTPUT},
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
        "usage": {"output_tokens": OUTPUT},
    }
    yield {"type": "message_stop"}


def _response(status: str, number: int) -> dict[str, Any]:
    usage = {
        "input_tokens": INPUT,
        "input_tokens_details": {"cached_tokens": CACHED},
        "output_tokens": OUTPUT,
        "output_tokens_details": {"reasoning_tokens": THOUGHT},
        "total_tokens": INPUT + OUTPUT,
    }
    output = [_message(status)] if status == "completed" else []
    return {
        "id": f"resp_{number}",
        "object": "response",
        "model": "stub",
        "status": status,
        "output": output,
        "usage": usage,
    }


def _message(status: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": ANSWER, "annotations": []}] if status == "completed" else []
    return {"id": "item_1", "type": "message", "role": "assistant", "status": status, "content": content}


def _responses_events() -> Iterator[dict[str, Any]]:
    here, number = {"item_id": "item_1", "output_index": 0, "content_index": 0}, next(_NUMBERS)
    yield {"type": "response.created", "response": _response("in_progress", number)}
    yield {"type": "response.output_item.added", "output_index": 0, "item": _message("in_progress")}
    yield {"type": "response.output_text.delta", **here, "delta": ANSWER}
    yield {"type": "response.output_item.done", "output_index": 0, "item": _message("completed")}
    yield {"type": "response.completed", "response": _response("completed", number)}


def _completion() -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}
    made = {"id": f"chat_{next(_NUMBERS)}", "object": "chat.completion", "model": "stub"}
    return {**made, "choices": [choice], "usage": _COMPLETION_USAGE}


def _chunks(said: str = ANSWER) -> Iterator[Any]:
    number = next(_NUMBERS)
    yield _chunk(number, {"role": "assistant", "content": said}, None)
    yield _chunk(number, {}, "stop")
    yield {**_chunk(number, {}, None), "choices": [], "usage": _COMPLETION_USAGE}
    yield "[DONE]"


def _chunk(number: int, delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    made = {"id": f"chat_{number}", "object": "chat.completion.chunk", "created": 1, "model": "stub"}
    return {**made, "choices": [choice]}


def _gemini() -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": [{"text": ANSWER}]}, "finishReason": "STOP", "index": 0}
    usage = {
        "promptTokenCount": INPUT,
        "cachedContentTokenCount": CACHED,
        "candidatesTokenCount": OUTPUT - THOUGHT,
        "thoughtsTokenCount": THOUGHT,
        "totalTokenCount": INPUT + OUTPUT,
    }
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "stub"}


def _anthropic_wish(tool: str, arguments: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    wish = json.dumps(arguments)
    yield {"type": "message_start", "message": _anthropic(content=[], stop_reason=None)}
    block = {"type": "tool_use", "id": "toolu_1", "name": tool, "input": {}}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    yield {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": wish}}
    yield {"type": "content_block_stop", "index": 0}
    delta = {"stop_reason": "tool_use", "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": OUTPUT}}
    yield {"type": "message_stop"}


def _responses_wish(tool: str, arguments: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    wish = json.dumps(arguments)
    call = {"type": "function_call", "id": "item_1", "call_id": "call_1", "name": tool, "arguments": wish}
    number = next(_NUMBERS)
    yield {"type": "response.created", "response": _response("in_progress", number)}
    yield {"type": "response.output_item.done", "output_index": 0, "item": call}
    yield {"type": "response.completed", "response": _response("completed", number) | {"output": [call]}}


def _chunks_wish(tool: str, arguments: Mapping[str, Any]) -> Iterator[Any]:
    wish = json.dumps(arguments)
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": tool, "arguments": wish}}
    number = next(_NUMBERS)
    yield _chunk(number, {"role": "assistant", "tool_calls": [call]}, None)
    yield _chunk(number, {}, "tool_calls")
    yield {**_chunk(number, {}, None), "choices": [], "usage": _COMPLETION_USAGE}
    yield "[DONE]"


def _gemini_wish(tool: str, arguments: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    call = {"functionCall": {"name": tool, "args": arguments}}
    candidate = {"content": {"role": "model", "parts": [call]}, "finishReason": "STOP", "index": 0}
    yield _gemini() | {"candidates": [candidate]}


_WISHES: Mapping[str, Callable[[str, Mapping[str, Any]], Iterator[Any]]] = {
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
_BEGUN = {"messages": 3, "responses": 3, "completions": 1, "streamGenerateContent": 1}  # how many have no end yet
_DOCUMENTS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "messages": _anthropic,
    "responses": lambda: _response("completed", next(_NUMBERS)),
    "completions": _completion,
    "generateContent": _gemini,
    "models": lambda: {"object": "list", "data": []},
    "count_tokens": lambda: {"input_tokens": 1},
    "countTokens": lambda: {"totalTokens": 1},
}

"""A web service that is told, played by a real server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest
from passes import gone, seen

from reconciler.model.errors import UsageError
from reconciler.monitor.sink import SinkFailed
from reconciler.monitor.sinks.webhook import Webhook, webhook


@dataclass
class Service:
    status: int = 204
    headers: dict = field(default_factory=dict)
    heard: list = field(default_factory=list)
    hold: Event = field(default_factory=Event)
    url: str = ""


@contextmanager
def serving(service: Service) -> Iterator[Service]:
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self):
            service.heard.append(self.path)
            self.send_error(405)

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service.heard.append((self.path, dict(self.headers), json.loads(body)))
            if service.status == 0:
                service.hold.wait(30)
                return
            self.send_response(service.status)
            for name, value in service.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}/hook?key=hush"
    try:
        yield service
    finally:
        service.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()


def test_the_news_are_posted_as_json_with_the_token():
    with serving(Service()) as service:
        webhook(service.url, "t0ken").tell(seen(gone()))
        webhook(service.url, "").tell(seen())
    ((path, headers, body),) = service.heard
    assert path == "/hook?key=hush"
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Bearer t0ken"
    assert [each["class"] for each in body["news"]] == ["A"]


@pytest.mark.parametrize(("status", "headers"), [(500, {}), (404, {}), (302, {"Location": "file:///etc/passwd"})])
def test_any_other_answer_is_a_failure_and_a_redirect_is_not_followed(status, headers):
    failure = pytest.raises(SinkFailed, match=f"answers {status}")
    with serving(Service(status, headers)) as service, failure as error:
        webhook(service.url, "t0ken").tell(seen(gone()))
    assert len(service.heard) == 1
    assert "hush" not in str(error.value) + error.value.detail
    assert "t0ken" not in str(error.value) + error.value.detail


@pytest.mark.parametrize("status", [301, 302, 303, 307])
def test_a_redirect_to_the_same_service_is_not_followed_either(status):
    failure = pytest.raises(SinkFailed, match=f"answers {status}")
    with serving(Service(status, {"Location": "/elsewhere"})) as service, failure:
        webhook(service.url, "").tell(seen(gone()))
    assert len(service.heard) == 1


def test_one_that_says_nothing_is_given_up():
    with serving(Service(0)) as service, pytest.raises(SinkFailed, match="timed out"):
        Webhook(service.url, seconds=0.2).tell(seen(gone()))


def test_one_that_is_not_there_is_a_failure():
    with serving(Service()) as service:
        pass
    with pytest.raises(SinkFailed, match="refused"):
        webhook(service.url, "").tell(seen(gone()))


@pytest.mark.parametrize(
    ("url", "token", "words"),
    [
        ("ftp://example.org/x", "", "http or https"),
        ("file:///etc/passwd", "", "http or https"),
        ("example.org", "", "http or https"),
        ("http://[::1", "", "not a valid webhook address"),
        ("https://me:hush@example.org/", "", "login"),
        ("http://example.org/", "t0ken", "unencrypted"),
        ("https://example.org/a b", "", "contains a space"),
        ("https://example.org/", "t0ken\r\nX: y", "control character"),
    ],
)
def test_an_address_that_cannot_be_meant_is_refused(url, token, words):
    with pytest.raises(UsageError, match=words) as error:
        webhook(url, token)
    assert "hush" not in str(error.value)


def test_no_secret_is_in_its_name_or_its_repr():
    sink = webhook("https://example.org/hook/hush?key=hush", "t0ken")
    assert sink.name == "webhook:https://example.org"
    assert "hush" not in repr(sink)
    assert "t0ken" not in repr(sink)

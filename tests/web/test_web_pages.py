"""What the pages show, and what a stream sends: over a made-up board, without a socket."""

from __future__ import annotations

import asyncio
import json
import re
import struct
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from site_of_tests import EVERYTHING, PlayedService, asking, project_in, registry_in, row, visited

from reconciler.app.project.project import find_project
from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.web import html
from reconciler.web.bind import bind_address, hosts_of
from reconciler.web.certificates import own_certificate
from reconciler.web.feed import BoardFeed
from reconciler.web.icon import SIZES, icon
from reconciler.web.lines import LineMaker, project_id
from reconciler.web.passwords import set_password
from reconciler.web.screens import screen_html
from reconciler.web.settings import place_of_all, place_of_project, settings_for

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'>{{7*7}}\u202e\x1b[31m\x00&amp;</pre></li>"
STATIC = Path(html.FOLDER) / "static"
TEMPLATES = Path(html.FOLDER) / "templates"


class Parsed(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def inert(page: str) -> Parsed:
    """A page in which nothing but our own script can run, and that loads nothing from elsewhere."""
    found = Parsed(page)
    for tag, attributes in found.elements:
        assert tag not in {"img", "iframe", "object", "embed", "base", "style", "svg"}
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "/").startswith("/")
    assert [attributes for tag, attributes in found.elements if tag == "script"] == [
        {"src": "/board.js", "defer": None}
    ]
    assert "\u202e" not in page
    assert "\x1b" not in page
    return found


def hostile(folder: str) -> list[dict[str, Any]]:
    """Agents of which everything that others write is what they should not write."""
    message = {"role": "assistant", "at": EVIL, "text": EVIL}
    work = {"branch": EVIL, "uncommitted": 1, "added": 1, "removed": 1}
    words = {"message": message, "work": work, "job": {"id": EVIL, "status": EVIL}, "note": EVIL, "session": EVIL}
    named = {"workspace": EVIL, "agent": EVIL, "type": f"x{EVIL}", "project": EVIL}
    return [
        asking(folder, **words, question=EVIL),
        row(folder, **words, **named),
        row(folder, "lost", **words, group="trouble", live="gone"),
    ]


def test_text_of_agents_is_text_on_every_page(tmp_path: Path) -> None:
    with visited(tmp_path, hostile(str(tmp_path)), EVERYTHING) as visit:
        visit.let_in()
        visit.service.texts = dict.fromkeys(visit.service.texts, EVIL)
        board = inert(visit.client.get("/").text)
        assert board.text.count("<script>alert(1)</script>") >= 5
        assert "{{7*7}}" in board.text
        links = [attributes["href"] for tag, attributes in board.elements if attributes.get("class") == "open"]
        assert len(links) == 3
        for link in links:
            assert link
            page = visit.client.get(link)
            assert page.status_code == 200
            assert "<script>alert(1)</script>" in inert(page.text).text
        dialog = visit.client.get(f"/dialog/{project_in(str(tmp_path))}/agent.shop.asker").text
        assert "<script>alert(1)</script>" in inert(dialog).text
        screen = visit.client.get(str(links[0]).replace("/agent/", "/screen/")).text
        assert "<script" not in screen
        inert(visit.client.get("/", params={"q": EVIL}).text)
        inert(visit.client.get(f"/agent/{project_in(str(tmp_path))}/{quote(EVIL)}").text)


def test_a_stream_sends_text_of_agents_as_text(tmp_path: Path) -> None:
    first = asyncio.run(_news(hostile(str(tmp_path)), 1))[0]
    assert len(first["lines"]) == 3 + 3
    for part in first["lines"].values():
        assert "<script" not in part
        assert "onerror=alert" not in re.sub(r"&lt;.*?&gt;", "", part)
    assert first["asks"][0]["text"].startswith("<script>")  # which the script sets as text
    assert "innerHTML" in (STATIC / "board.js").read_text()
    assert (STATIC / "board.js").read_text().count("innerHTML") == 1


def test_a_page_is_complete_without_script(tmp_path: Path) -> None:
    message = {"role": "user", "at": None, "text": "mend it"}
    rows = [asking(str(tmp_path)), row(str(tmp_path), message=message, tokens_today=1545)]
    with visited(tmp_path, rows, EVERYTHING) as visit:
        visit.let_in()
        board = Parsed(visit.client.get("/").text)
        for told in ("1 needs you", "1 idle", "shop.asker", "Proceed?", "> mend it", "1.5k tokens today", "Answer"):
            assert told in board.text
        assert ("meta", {"http-equiv": "refresh", "content": "15"}) in board.elements
        assert "shop.asker" not in visit.client.get("/?q=mend").text
        agent = Parsed(visit.client.get(f"/agent/{project_in(str(tmp_path))}/agent.shop.claude").text)
        for told in ("a screen", "a message", "main", "1.5k tokens today", "Send", "Stop shop.claude"):
            assert told in agent.text


def test_every_answer_has_a_strict_policy(tmp_path: Path) -> None:
    with visited(tmp_path, [row(str(tmp_path))]) as visit:
        answers = [visit.client.get(path) for path in ("/", "/nothing", "/board.js", "/login")]
        answers += [visit.client.get("/", headers={"Host": "evil"}), visit.client.post("/logout")]
        answers += [visit.let_in().client.get("/")]
        for answer in answers:
            policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
            assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
            assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
            assert "unsafe" not in str(policy)
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] in {"no-store", "no-cache"}


def test_nothing_of_ours_asks_another_host() -> None:
    for path in (*STATIC.iterdir(), *TEMPLATES.iterdir()):
        assert not re.search(r"https?://|//[a-z]|@import|url\(", path.read_text().replace("// ", "")), path
    for path in TEMPLATES.iterdir():
        assert not re.search(r"\|\s*safe|autoescape|style=|\bon\w+=", path.read_text()), path


def test_the_page_can_be_installed(tmp_path: Path) -> None:
    with visited(tmp_path, []) as visit:
        manifest = visit.client.get("/manifest.webmanifest").json()
        assert {"name", "start_url", "display", "icons"} <= manifest.keys()
        assert {each["sizes"] for each in manifest["icons"]} == {"192x192", "512x512"}
        for each in manifest["icons"]:
            assert visit.client.get(each["src"]).headers["content-type"] == "image/png"
        assert "Add to Home" in visit.let_in().client.get("/here").text
    for size in SIZES:
        data = icon(size)
        assert struct.unpack(">II", data[16:24]) == (size, size)
        start, length = data.index(b"IDAT") + 4, struct.unpack(">I", data[33:37])[0]
        assert len(zlib.decompress(data[start : start + length])) == size * (3 * size + 1)


# --- several projects ---------------------------------------------------------------------------


def test_of_several_projects_each_line_names_its_own_and_each_action_reaches_it(tmp_path: Path) -> None:
    """Two projects have an agent of the same address, and are in the same folder."""
    folder = str(tmp_path)
    second = {"registry": f"{folder}/other.yaml", "project": "other"}
    error = {"severity": "error", "summary": "its folder is not there", "fix": "mount its disk", "file": None}
    with visited(tmp_path, [asking(folder, "a"), asking(folder, "a", **second)], EVERYTHING) as visit:
        visit.service.left_out = [
            {"host": "", "project": "gone", "folder": "/gone", "registry": "/gone/r", "error": error, "diagnostics": []}
        ]
        visit.service.report(visit.service.document)
        board = Parsed(visit.let_in().client.get("/").text)
        for told in ("lab, other", "Plan of lab", "Plan of other", "/gone is left out: its folder is not there"):
            assert told in board.text
        assert "Plan of gone" not in board.text
        assert board.text.index("shop.a") < board.text.index("/gone is left out")
        here, there = project_in(folder), project_id(second["registry"])
        assert [each["href"] for tag, each in board.elements if each.get("class") == "open"] == [
            f"/agent/{here}/agent.shop.a",
            f"/agent/{there}/agent.shop.a",
        ]
        for page in (f"/agent/{there}/agent.shop.a", f"/dialog/{there}/agent.shop.a"):
            assert "other" in Parsed(visit.client.get(page).text).text.partition("shop.a")[2].split()
        for form, fields in {"answer": {"request": "r", "choice": "deny"}, "send": {"text": "x"}, "stop": {}}.items():
            visit.post(f"/{form}/{there}/agent.shop.a", **fields)
            visit.post(f"/{form}/{here}/agent.shop.a", **fields)
        visit.client.get(f"/plan/{there}")
        assert visit.post(f"/apply/{here}", digest="d1").status_code == 409  # that plan was not shown
        visit.post(f"/apply/{there}", digest="d1")
        assert visit.service.where == [second["registry"], registry_in(folder)] * 3 + [second["registry"]]
        assert [each["registry"] for each in visit.trail() if each["result"] == "begun"] == visit.service.where
        assert visit.client.get(f"/plan/{project_id('/gone/r')}").status_code == 404


def test_without_any_project_the_page_says_how_one_gets_there(tmp_path: Path) -> None:
    with visited(tmp_path, []) as visit:
        visit.let_in()
        visit.service.report({"format_version": "1.0", "hosts": [], "projects": [], "agents": [], "diagnostics": []})
        assert "`reconciler apply` in a project notes it" in Parsed(visit.client.get("/").text).text


# --- the stream ---------------------------------------------------------------------------------


async def _news(rows: list[dict[str, Any]], count: int, change: Any = None) -> list[dict[str, Any]]:
    """What a stream sends: each message after a change of the board."""
    service = PlayedService("/p", rows)
    feed = BoardFeed(service, lambda: NOW, LineMaker(can_answer=True))  # type: ignore[arg-type] # what a feed asks of it
    feed.start(asyncio.get_running_loop())
    await feed.document()
    stream = feed.stream("", lambda: True)
    found: list[dict[str, Any]] = []
    async for message in stream:
        if message.startswith(b"data: "):
            found.append(json.loads(message[6:]))
            if len(found) == count:
                break
            change(service.rows)
            service.report(service.document)
    feed.close()
    await stream.aclose()  # type: ignore[attr-defined]
    return found


def test_a_stream_sends_only_what_changed() -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[1]["message"] = {"role": "assistant", "at": None, "text": "mended"}

    first, second = asyncio.run(_news([row("/p", "a"), row("/p", "b"), row("/p", "c")], 2, change))
    assert len(first["order"]) == len(first["lines"]) == 4
    assert list(second) == ["lines"]
    [line] = second["lines"].values()
    assert "mended" in line


def test_a_stream_tells_of_a_question_and_moves_its_agent_up() -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        rows[1] = asking("/p", "b")

    first, second = asyncio.run(_news([row("/p", "a"), row("/p", "b")], 2, change))
    assert first["asks"] == []
    assert [each["name"] for each in second["asks"]] == ["shop.b"]
    assert second["order"][0] == "g-needs_you"
    assert second["title"] == "(1) lab"


def test_all_streams_share_one_look_and_end_with_the_server() -> None:
    async def run() -> None:
        service = PlayedService("/p", [row("/p")])
        feed = BoardFeed(service, lambda: NOW, LineMaker(can_answer=True))  # type: ignore[arg-type] # as above
        feed.start(asyncio.get_running_loop())
        let_in = [True]

        async def read(stream: AsyncIterator[bytes]) -> int:
            return sum([1 async for message in stream if message.startswith(b"data")])

        readers = [asyncio.ensure_future(read(feed.stream("", lambda: True))) for _ in range(20)]
        one = asyncio.ensure_future(read(feed.stream("", lambda: let_in[0])))
        await feed.document()
        assert service.started == 1
        let_in[0] = False
        service.report(service.document)
        assert await asyncio.wait_for(one, 20) <= 1
        feed.close()
        assert await asyncio.wait_for(asyncio.gather(*readers), 20) == [1] * 20
        assert feed.streams == 0

    asyncio.run(run())


def test_slow_facts_are_looked_up_only_while_somebody_looks(tmp_path: Path) -> None:
    with visited(tmp_path, [row(str(tmp_path))]) as visit:
        assert visit.service.shown in ([], [set()])
        visit.let_in().client.get("/")
        assert visit.service.shown[-1] == {"agent.shop.claude"}


def test_a_screen_is_asked_for_once_for_all_who_look(tmp_path: Path) -> None:
    with visited(tmp_path, [row(str(tmp_path))]) as visit:
        visit.let_in()
        path = f"/screen/{project_in(str(tmp_path))}/agent.shop.claude"
        assert [visit.client.get(path).text for _ in range(5)] == ["a screen"] * 5
        assert visit.service.peeks == 1


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain <b>", "plain &lt;b&gt;"),
        ("\x1b[31mred\x1b[0m off", '<span class="c1">red</span> off'),
        ("\x1b[1;92mgreen\x1b[22m rest", '<span class="b c10">green</span><span class="c10"> rest</span>'),
        ("\x1b[38;5;12mpalette", "palette"),
        ("\x1b[7m<i>\x1b[27m", '<span class="r">&lt;i&gt;</span>'),
        ("a\x1b]0;title\x07b", "a\\x1b]0;title\\x07b"),
    ],
)
def test_of_a_screen_only_colours_count(line: str, shown: str) -> None:
    document: Any = {"lines": [{"text": line, "coloured": line}], "live": "alive", "address": "a"}
    assert screen_html(document) == shown


# --- where it listens ---------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "8737", "127.0.0.1", "here:8737", "127.0.0.1:x", "127.0.0.1:99999", "::1:8737x"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--bind"):
        bind_address(text)


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("127.0.0.1:1", True),
        ("localhost:1", True),
        ("[::1]:1", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        ("10.1.2.3:1", False),
    ],
)
def test_only_loopback_is_local(text: str, local: bool) -> None:
    assert bind_address(text).is_local is local


def test_hosts_have_the_port_but_for_the_usual_one() -> None:
    assert hosts_of(["Lab", "::1"], 8737, secure=True) == {"lab:8737", "[::1]:8737"}
    assert hosts_of(["lab"], 443, secure=True) == {"lab:443", "lab"}


def test_other_machines_need_a_login_and_get_a_certificate_of_our_own_ca(tmp_path: Path) -> None:
    place, bind = place_of_project(find_project(str(tmp_path), "")), bind_address("0.0.0.0:8737")
    with pytest.raises(UsageError, match="there is no login yet") as refused:
        settings_for(place, bind, [], frozenset())
    assert "reconciler web --set-password" in refused.value.fix
    set_password(place.folder, "anna", "a long password")
    made = settings_for(place, bind, ["lab.example"], frozenset())
    assert made.certificate
    assert made.names[0] == "lab.example"
    for name in ("ca.key", "server.key"):
        assert (Path(place.folder) / name).stat().st_mode & 0o777 == 0o600


def test_the_page_of_all_projects_has_its_own_files_and_follows_no_link_to_them(tmp_path: Path) -> None:
    env, bind = {"HOME": str(tmp_path)}, bind_address("0.0.0.0:8737")
    place = place_of_all(env)
    assert place.folder == str(tmp_path / ".local/state/reconciler/web")
    with pytest.raises(UsageError, match="there is no login yet") as refused:
        settings_for(place, bind, [], frozenset())
    assert "reconciler web --all --set-password" in refused.value.fix
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / ".local/state").mkdir(parents=True)
    (tmp_path / ".local/state/reconciler").symlink_to(elsewhere)
    with pytest.raises(ReconcilerError):
        set_password(place.folder, "anna", "a long password")
    assert not list(elsewhere.iterdir())


def test_a_certificate_stays_until_it_is_due_or_names_differ(tmp_path: Path) -> None:
    folder = str(tmp_path / "web")

    def served() -> tuple[bytes, bytes]:
        return (tmp_path / "web" / "ca.crt").read_bytes(), (tmp_path / "web" / "server.crt").read_bytes()

    own_certificate(folder, ["lab", "10.0.0.5"], NOW)
    first = served()
    own_certificate(folder, ["lab", "10.0.0.5"], NOW + timedelta(days=1))
    assert served() == first
    own_certificate(folder, ["lab", "10.0.0.6"], NOW + timedelta(days=1))
    second = served()
    assert (second[0] == first[0], second[1] == first[1]) == (True, False)
    own_certificate(folder, ["lab", "10.0.0.6"], NOW + timedelta(days=300))
    assert (served()[0] == first[0], served()[1] == second[1]) == (True, False)


def test_a_page_of_another_site_gets_no_cookie_of_ours(tmp_path: Path) -> None:
    """With TLS, the cookie is bound to this host and to TLS."""
    made = own_certificate(str(tmp_path / "c"), ["127.0.0.1"], NOW)
    with visited(tmp_path, [], certificate=made) as visit:
        opened = visit.client.get("/open", params={"token": visit.site.browsers.new_link()})
        cookie = opened.headers["set-cookie"]
        assert cookie.startswith("__Host-reconciler-")
        for part in ("Secure", "HttpOnly", "SameSite=strict", "Path=/"):
            assert part in cookie
        assert visit.client.get("/ca.crt").content == made.ca

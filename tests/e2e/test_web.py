"""The page of a real server over real sessions with stand-ins of the CLIs, asked by a client without script."""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path

import httpx2 as httpx
import pytest
from project import Project
from served import WebServer, made_beside, made_lab, serving
from settled import asks, rests
from waiting import wait_until

from reconciler.web.lines import project_id

EVERYTHING = ("--allow", "answer,send,stop,resume,apply")
ASKS, RESTS = "agent.shop.builder", "agent.shop.writer"


class Plain:
    """A browser without script."""

    def __init__(self, server: WebServer) -> None:
        self.base = server.address
        self.client = server.client(follow_redirects=True)
        assert "let in" in self.client.get(server.link).text

    def read(self, path: str) -> str:
        page = self.client.get(path)
        assert page.status_code == 200, page.text
        return page.text

    def link(self, page: str, start: str) -> str:
        """The first link or form of a page that begins so."""
        return re.search(rf'(?:href|action)="({start}[^"]*)"', page)[1]

    def agent(self, name: str) -> str:
        """The path of the page of an agent."""
        return re.search(rf'href="(/agent/\w+/{name})"', self.read("/"))[1]

    def submit(self, page: str, action: str, **fields: str) -> str:
        """Send the form of a page, with its hidden fields, and follow until the action has ended."""
        form = re.search(rf'<form[^>]*action="({action}[^"]*)".*?</form>', page, re.DOTALL)
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form[0]))
        done = self.client.post(form[1], data={**hidden, **fields}, headers={"Origin": self.base})
        pages = [done.text]

        def has_ended() -> bool:
            if "under way" in pages[0]:
                pages[0] = self.client.get(done.url).text
            return "under way" not in pages[0]

        wait_until(has_ended)
        return text_of(pages[0])


def text_of(page: str) -> str:
    parts: list[str] = []
    parser = HTMLParser()
    parser.handle_data = parts.append
    parser.feed(page)
    return " ".join(" ".join(parts).split())


def audited(project: Project) -> list[tuple[str, str, str]]:
    path = project.root / ".hermes" / "web" / "audit.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [(each["what"], each["result"], each.get("about", "")) for each in map(json.loads, lines)]


@pytest.fixture(scope="module")
def started() -> Iterator[Project]:
    """The agents that the tests of this file share."""
    with made_lab() as made:
        yield made


@pytest.fixture
def lab(started: Project) -> Project:
    """Two agents that ask, and one that rests, whatever the test before left behind."""
    for name in ("builder", "tester"):
        asks(started, name)
    rests(started, "writer")
    return started


def test_a_user_without_script_reads_answers_sends_stops_resumes_and_applies(lab: Project) -> None:
    before = len(audited(lab))
    with serving(lab, *EVERYTHING) as server:
        user = Plain(server)
        wait_until(lambda: "canned reply" in user.read("/") and "2 need you" in user.read("/"))

        page = user.read(user.agent(ASKS))
        assert "Do you want to proceed?" in page
        dialog = user.read(user.link(page, "/dialog/"))
        assert "4. No" in dialog
        done = user.submit(dialog, "/answer/", choice="approve")
        assert "✓ done approve: Do you want to proceed?" in done
        wait_until(lambda: "2 idle" in user.read("/"))
        assert "canned reply" in lab.screen("shop-creator-builder")
        again = user.submit(dialog, "/answer/", choice="approve")
        assert "✗ not done" in again

        page = user.read(user.agent(RESTS))
        assert "✓ done shop-creator-writer submitted" in user.submit(page, "/send/", text="say <b>hello</b>\r\ntwice")
        wait_until(lambda: "say &lt;b&gt;hello&lt;/b&gt;" in user.read(user.agent(RESTS)))
        wait_until(lambda: lab.activity(lab.pane("shop-creator-writer").pid) == "idle")
        assert "✓ done" in user.submit(user.read(user.agent(RESTS)), "/stop/")
        assert "shop-creator-writer" not in lab.live()
        wait_until(lambda: 'action="/resume/' in user.read(user.agent(RESTS)))
        assert "✓ done" in user.submit(user.read(user.agent(RESTS)), "/resume/")
        assert "shop-creator-writer" in lab.live()

        lab.lose("shop-creator-writer")
        plan = user.read(user.link(user.read("/"), "/plan/"))
        assert "1 to add" in plan
        assert "✓ done" in user.submit(plan, "/apply/")
        assert "shop-creator-writer" in lab.live()
        assert "✗ not done" in user.submit(plan, "/apply/")  # it is stale
        done = [(what, result) for what, result, _ in audited(lab)[before:]]
        assert done == [
            ("link", "done"),
            *((what, result) for what in ("answer",) for result in ("begun", "done", "begun", "failed")),
            *((what, result) for what in ("send", "stop", "resume") for result in ("begun", "done")),
            *(("apply", result) for result in ("begun", "done", "begun", "failed")),
        ]
        assert "say " not in (lab.root / ".hermes" / "web" / "audit.jsonl").read_text()


def test_a_dialog_that_differs_in_one_character_is_not_answered(project: Project) -> None:
    project.declare(one={"type": "claude", "prompt": "ask"})
    project.apply()
    with serving(project, *EVERYTHING) as server:
        user = Plain(server)
        wait_until(lambda: "1 needs you" in user.read("/"))
        dialog = user.read(user.link(user.read("/"), "/dialog/"))
        project.tmux("send-keys", "-t", "=lab-creator-one:", "4")  # denied by hand
        wait_until(lambda: "Do you want to proceed" not in project.screen("lab-creator-one").splitlines()[-8:])
        wait_until(lambda: project.activity(project.pane("lab-creator-one").pid) == "idle")
        project.run("send", "one", "ask again", "--wait-idle", "20")
        wait_until(lambda: project.attempt("answer", "one").returncode == 0)
        before = project.screen("lab-creator-one")
        assert "✗ not done" in user.submit(dialog, "/answer/", choice="approve")
        assert project.screen("lab-creator-one") == before


def test_outside_of_a_project_it_shows_all_projects_and_acts_in_the_right_one(lab: Project) -> None:
    """An agent of the other project has the same address and the same session name."""
    other = made_beside(lab, "other")
    with serving(lab, *EVERYTHING, outside=True) as server:
        user = Plain(server)
        wait_until(lambda: "Plan of other" in user.read("/") and "Plan of project" in user.read("/"))
        assert "reconciler web --all" in server.client().get("/").text
        own, before = project_id(str(other.registry)), lab.screen("shop-creator-writer")
        asking = f"/agent/{own}/{RESTS}"
        assert asking in user.read("/")
        dialog = user.read(user.link(user.read(asking), "/dialog/"))
        assert "✓ done approve: Do you want to proceed?" in user.submit(dialog, "/answer/", choice="approve")
        wait_until(lambda: "canned reply" in other.screen("shop-creator-writer"))
        wait_until(lambda: other.activity(other.pane("shop-creator-writer").pid) == "idle")
        assert "✓ done" in user.submit(user.read(asking), "/stop/")
        assert "shop-creator-writer" not in other.live()
        wait_until(lambda: 'action="/resume/' in user.read(asking))
        assert "✓ done" in user.submit(user.read(asking), "/resume/")
        other.lose("shop-creator-writer")
        assert lab.screen("shop-creator-writer") == before
        plan = user.read(f"/plan/{own}")
        assert str(other.root) in plan
        assert "✓ done" in user.submit(plan, "/apply/")
        assert "shop-creator-writer" in other.live()

        lab.run("projects", "forget", "other")
        wait_until(lambda: "Plan of other" not in user.read("/"))
        assert user.client.get(asking).status_code == 404
    files = lab.home / ".local/state/reconciler/web"
    written = [json.loads(line) for line in (files / "audit.jsonl").read_text().splitlines()]
    assert {each["project"] for each in written[1:]} == {str(other.root)}


def test_it_stops_though_streams_are_open(lab: Project) -> None:
    with serving(lab) as server:
        user = Plain(server)
        streams = [user.client.stream("GET", "/events") for _ in range(5)]
        opened = [each.__enter__() for each in streams]
        firsts = [next(each.iter_lines()) for each in opened]
        assert firsts == ["retry: 1000"] * 5
        server.stop()  # uvicorn alone would wait for the streams for ever
        for each in streams:
            with suppress(httpx.HTTPError):
                each.__exit__(None, None, None)


def test_a_browser_stays_let_in_over_a_restart_and_a_link_does_not(lab: Project) -> None:
    with serving(lab) as first:
        user = Plain(first)
        port = int(first.address.rpartition(":")[2])
        first.stop()
    with serving(lab, port=port) as second:
        user.client = second.client(cookies=user.client.cookies)
        assert "shop.writer" in user.read("/")
        stranger = second.client()
        assert stranger.get(first.link).status_code == 401
        assert "shop" not in stranger.get("/").text
    modes = {path.name: path.stat().st_mode & 0o777 for path in (lab.root / ".hermes" / "web").iterdir()}
    assert set(modes.values()) == {0o600}


def test_other_machines_get_tls_and_need_a_login(project: Project) -> None:
    """Reached at the loopback address, under the certificate for all addresses."""
    project.declare(one={"type": "shell"})
    said = project.run("web", "--bind", "0.0.0.0:0", code=64)
    assert "there is no login yet" in said
    assert "reconciler web --set-password YOUR-NAME" in said
    password = "five random words as one"
    (project.root / "pw").write_text(f"{password}\n")
    project.run("web", "--set-password", "anna", "--password-file", "pw")
    with serving(project, "--bind", "0.0.0.0:0", "--name", "lab.example") as server:
        folder = project.root / ".hermes" / "web"
        context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        base = f"https://localhost:{server.address.rpartition(':')[2]}"
        client = server.client(base, verify=context)
        assert client.get("/").status_code == 401
        login = {"name": "anna", "password": "wrong"}
        assert client.post("/login", data=login, headers={"Origin": base}).status_code == 401
        assert client.post("/login", data={**login, "password": password}).status_code == 403
        done = client.post("/login", data={**login, "password": password}, headers={"Origin": base})
        assert "let in" in done.text
        assert "; Secure" in done.headers["set-cookie"]
        assert "lab.one" in client.get("/").text
        assert client.get("/ca.crt").content == (folder / "ca.crt").read_bytes()
        assert "open?token" not in "".join(server.said)
        assert password not in "".join(path.read_text() for path in folder.iterdir())
    assert not (folder / "ca.key").stat().st_mode & 0o077


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--allow", "everything"), 64, "--allow does not know everything"),
        (("--bind", "nowhere"), 64, "--bind nowhere is not ADDR:PORT"),
        (("--bind", "192.0.2.1:0", "--name", "x"), 64, "there is no login yet"),
        (("--set-password", "anna"), 64, "no terminal"),
        (("--set-password", "anna", "--password-file", "/nowhere"), 1, "/nowhere does not exist"),
        (("--forget-login", "anna"), 64, "anna has no login"),
        (("-C", "/nowhere"), 64, "/nowhere is not a folder"),
    ],
)
def test_a_server_that_cannot_start_says_why(project: Project, words: tuple[str, ...], code: int, message: str) -> None:
    said = project.run("web", *words, code=code)
    assert message in said
    assert "Traceback" not in said


def test_a_port_that_is_taken_is_one_line(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = project.run("web", "--bind", f"127.0.0.1:{taken.getsockname()[1]}", code=1)
    assert "another program listens there" in said
    assert "--bind ADDR:PORT" in said


def test_without_the_extra_it_says_how_to_add_it(project: Project, tmp_path: Path) -> None:
    (tmp_path / "starlette.py").write_text("raise ModuleNotFoundError('no', name='starlette')")
    said = project.run("web", code=1, PYTHONPATH=str(tmp_path))
    assert "starlette, which `reconciler web` needs, is not installed" in said
    assert "pip install 'agent-reconciler[web]'" in said
    assert "Usage" in project.run("web", "--help", PYTHONPATH=str(tmp_path))


def test_no_other_command_loads_what_the_page_needs() -> None:
    code = (
        "import sys; from reconciler.cli.run import run; run(['--help'])\n"
        "import reconciler.cli.commands.board, reconciler.cli.commands.plan\n"
        "print(*{name.split('.')[0] for name in sys.modules} & {'starlette', 'uvicorn', 'jinja2'}, 'end')"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "end"

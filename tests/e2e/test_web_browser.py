"""The page in Chromium: real sessions with stand-ins of the CLIs, one browser for all tests of this file."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from project import SECONDS, Project
from served import WebServer, made_beside, made_lab, serving
from settled import asks, rests
from waiting import wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if not CHROMIUM:
    pytest.skip("Chromium is not installed: make setup", allow_module_level=True)

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright  # noqa: E402 - see above

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
EVERYTHING = ("--allow", "answer,send,stop,resume,apply")
EVIL = "<img src=x onerror=window.pwned=1> <script>window.pwned=1</script> \"'>"
FORESEEN = ("Failed to load resource", "ERR_", "blocked by CORS policy")
PATIENCE = SECONDS * 1000  # milliseconds, as Playwright wants them

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield started
        started.close()


@pytest.fixture
def lab(started: Project) -> Project:
    """Two agents that ask, and one that rests, whatever the test before left behind."""
    for name in ("builder", "tester"):
        asks(started, name)
    rests(started, "writer")
    return started


@pytest.fixture(scope="module")
def started() -> Iterator[Project]:
    """The agents that the tests of this file share."""
    with made_lab() as made:
        yield made


@pytest.fixture
def server(lab: Project) -> Iterator[WebServer]:
    with serving(lab, *EVERYTHING) as started:
        yield started


@contextmanager
def user(browser: Browser, server: WebServer, **options: object) -> Iterator[Page]:
    """A page of somebody who opened the link. Whatever the browser complains about fails the test."""
    with visitor(browser, **options) as page:
        page.goto(server.link)
        page.wait_for_url(f"{server.address}/")
        yield page


@contextmanager
def visitor(browser: Browser, **options: object) -> Iterator[Page]:
    context: BrowserContext = browser.new_context(**{"viewport": PHONE, **options})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(dialog.message))
    yield page
    context.close()
    # an answer that is not 200 is looked at by the tests themselves; scripts and policies are not
    assert [each for each in errors if not any(known in each for known in FORESEEN)] == []


def line(page: Page, name: str):
    return page.locator("li.agent", has_text=name)


def is_narrow_enough(page: Page) -> bool:
    page.wait_for_load_state()  # with its style
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_phone_reads_peeks_approves_denies_and_sends(browser: Browser, server: WebServer, lab: Project) -> None:
    with user(browser, server) as page:
        expect(page.locator("#live")).to_have_text("live")
        expect(line(page, "shop.writer")).to_contain_text("canned reply")
        expect(page.locator("li.heading").first).to_have_text("needs you (2)")
        assert is_narrow_enough(page)

        line(page, "shop.builder").get_by_role("link", name="Answer").click()
        expect(page.locator("pre.dialog")).to_contain_text("4. No")
        assert is_narrow_enough(page)
        page.get_by_role("button", name="Approve once").click()
        expect(page.locator(".verdict")).to_have_text("✓ done")
        page.get_by_role("link", name="All agents").first.click()
        expect(line(page, "shop.builder")).to_contain_text("idle")  # told by the stream
        expect(page.locator("li.heading").first).to_have_text("needs you (1)")

        line(page, "shop.tester").get_by_role("link", name="Answer").click()
        page.get_by_role("button", name="Deny").click()
        expect(page.locator(".verdict")).to_have_text("✓ done")

        page.goto(f"{server.address}/")
        line(page, "shop.writer").locator("a.open").click()
        expect(page.locator("#screen")).to_contain_text("? for shortcuts")
        assert is_narrow_enough(page)
        lab.tmux("send-keys", "-t", "=shop-creator-writer:", "-l", "half a thought")
        expect(page.locator("#screen")).to_contain_text("half a thought")
        lab.tmux("send-keys", "-t", "=shop-creator-writer:", "C-u")
        expect(page.locator("#screen")).not_to_contain_text("half a thought")
        page.get_by_label("Message to").fill(EVIL)
        page.get_by_role("button", name="Send", exact=True).click()
        expect(page.locator(".verdict")).to_have_text("✓ done")
        expect(page.locator("pre.lines")).to_contain_text("submitted")


def test_text_of_agents_is_inert(browser: Browser, server: WebServer, lab: Project) -> None:
    lab.run("send", "writer", EVIL, "--wait-idle", "20")
    lab.tmux("select-pane", "-t", "=shop-creator-writer:", "-T", EVIL)
    with user(browser, server, viewport=DESKTOP) as page:
        expect(line(page, "shop.writer")).to_be_visible()
        line(page, "shop.writer").locator("a.open").click()
        expect(page.locator("article.message.user pre").last).to_have_text(EVIL)
        expect(page.locator("#screen")).to_contain_text("<img src=x")
        page.wait_for_event("response", lambda answer: "/screen/" in answer.url)  # what the script puts in place
        expect(page.locator("#screen")).to_contain_text("<img src=x")
        assert page.locator("main img, main script").count() == 0
        assert page.evaluate("window.pwned") is None


def test_without_script_everything_is_read_and_answered(browser: Browser, server: WebServer) -> None:
    with user(browser, server, java_script_enabled=False) as page:
        wait_until(lambda: page.reload() and line(page, "shop.tester").get_by_role("link", name="Answer").count() == 1)
        assert page.locator('noscript meta[http-equiv="refresh"], meta[http-equiv="refresh"]').count() >= 1
        line(page, "shop.tester").get_by_role("link", name="Answer").click()
        page.get_by_role("button", name="Deny").click()
        expect(page.locator(".verdict")).to_have_text("✓ done")


def test_a_page_reconnects_when_the_server_restarts(browser: Browser, lab: Project) -> None:
    with serving(lab) as first, user(browser, first) as page:
        expect(page.locator("#live")).to_have_text("live")
        port = int(first.address.rpartition(":")[2])
        first.stop()
        expect(page.locator("#live")).to_contain_text("no connection")
        with serving(lab, port=port):
            expect(page.locator("#live")).to_have_text("live")
            expect(line(page, "shop.writer")).to_be_visible()
            page.reload()
            expect(line(page, "shop.writer")).to_be_visible()


def test_the_page_of_all_projects_names_each_and_answers_in_the_right_one(browser: Browser, lab: Project) -> None:
    """An agent of the other project has the same address and the same session name."""
    with serving(lab, *EVERYTHING, outside=True) as server, user(browser, server) as page:
        expect(page.locator("header .project")).to_have_text("project")
        before = lab.screen("shop-creator-writer")
        other = made_beside(lab, "other")
        asking = line(page, "other shop.writer")
        expect(asking).to_contain_text("asks")  # it was noted while the page was open
        expect(line(page, "project shop.writer")).to_be_visible()
        assert is_narrow_enough(page)
        asking.get_by_role("link", name="Answer").click()
        expect(page.locator(".facts")).to_contain_text("other")
        page.get_by_role("button", name="Approve once").click()
        expect(page.locator(".verdict")).to_have_text("✓ done")
        wait_until(lambda: "canned reply" in other.screen("shop-creator-writer"))
        assert lab.screen("shop-creator-writer") == before
        page.goto(f"{server.address}/")
        expect(page.locator("#live")).to_have_text("live")
        page.get_by_role("link", name="Plan of other").click()
        expect(page.locator("main")).to_contain_text(str(other.root))

        page.goto(f"{server.address}/")
        other.root.rename(lab.home / "away")
        expect(page.locator("li.left-out")).to_contain_text(f"{other.root} is left out: its folder is not there")
        lab.run("projects", "forget", str(other.root))
        expect(page.locator("li.left-out")).to_have_count(0)
        expect(page.locator("#plans")).to_have_text("Plan")
    other.tmux("kill-server")


def test_a_wrong_token_shows_nothing(browser: Browser, server: WebServer) -> None:
    with visitor(browser) as page:
        page.goto(f"{server.address}/open?token=wrong")
        expect(page.locator(".verdict")).to_contain_text("This link was already used")
        page.goto(f"{server.address}/")
        assert "shop" not in page.content()
        assert page.context.cookies() == []
        assert page.evaluate("getComputedStyle(document.getElementById('live'), '::before').content") == "none"


def test_another_site_reads_nothing_and_changes_nothing(browser: Browser, server: WebServer, lab: Project) -> None:
    """From another site, and from another port of the same one, to which browsers send our cookie."""
    with user(browser, server) as page:
        line(page, "shop.writer").locator("a.open").click()
        place = page.url.partition("/agent/")[2]
        before = lab.live()["shop-creator-writer"].pid
        for host in ("localhost", "127.0.0.1"):
            with foreign_site(server.address, place) as port:
                page.goto(f"http://{host}:{port}/")
                expect(page.locator("#told")).to_have_text("refused refused")
                page.locator("form button").click()
                page.wait_for_load_state()
                assert "Refused: another site sent this form" in page.content() or "Log in" in page.content()
        assert lab.live()["shop-creator-writer"].pid == before
        log = (lab.root / ".hermes" / "web" / "audit.jsonl").read_text()
        assert '"what":"stop"' not in log
        page.goto(f"{server.address}/")
        expect(line(page, "shop.writer")).to_be_visible()


@contextmanager
def foreign_site(target: str, place: str) -> Iterator[int]:
    """A page that tries to read and to change, and tells what came of it."""
    page = f"""<!DOCTYPE html><p id="told"></p>
<form method="post" action="{target}/stop/{place}"><input name="form" value="x"><button>Win</button></form>
<script>
const reads = fetch("{target}/", {{credentials: "include"}}).then(() => "read", () => "refused");
const sends = fetch("{target}/stop/{place}", {{method: "POST", credentials: "include", body: "form=x"}})
  .then(() => "sent", () => "refused");
Promise.all([reads, sends]).then((all) => document.getElementById("told").textContent = all.join(" "));
</script>"""

    class Evil(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Evil) as served:
        thread = threading.Thread(target=served.serve_forever)
        thread.start()
        yield served.server_port
        served.shutdown()
        thread.join()


def test_it_notifies_while_open_and_can_be_installed(browser: Browser, server: WebServer, lab: Project) -> None:
    with user(browser, server) as page:
        page.context.grant_permissions(["notifications"], origin=server.address)
        page.goto(f"{server.address}/here")
        expect(page.locator("#notify-state")).to_have_text("This browser notifies you when an agent asks.")
        expect(page.locator("#install-state")).to_contain_text("secure")
        assert is_narrow_enough(page)
        page.evaluate("navigator.serviceWorker.ready.then(() => true)")
        manifest = page.context.new_cdp_session(page).send("Page.getAppManifest")
        assert manifest["errors"] == []
        installing = page.context.new_cdp_session(page).send("Page.getInstallabilityErrors")
        assert [each["errorId"] for each in installing["installabilityErrors"]] in ([], ["in-incognito"])
        page.goto(f"{server.address}/")
        expect(page.locator("#live")).to_have_text("live")
        lab.run("send", "writer", "ask", "--wait-idle", "20")
        expect(line(page, "shop.writer")).to_contain_text("asks")
        shown = "navigator.serviceWorker.ready.then(at => at.getNotifications()).then(all => all.map(one => one.title))"
        wait_until(lambda: page.evaluate(shown) == ["shop.writer asks"])

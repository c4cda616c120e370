"""Who is let in, and what is refused: asked without a socket, over a made-up board."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from site_of_tests import BASE, EVERYTHING, OWN, Visit, asking, project_in, row, visited
from starlette.routing import Route

from reconciler.model.errors import ReconcilerError, UsageError
from reconciler.web.browsers import dismiss_all_of
from reconciler.web.passwords import forget_login, is_right, logins, set_password
from reconciler.web.permission import WebPermission
from reconciler.web.requests import OwnHosts, refusal
from reconciler.web.routes import application

PASSWORD = "five random words as one"
FORMS = {
    "/answer/{}/agent.shop.asker": {"request": "req1", "choice": "approve"},
    "/send/{}/agent.shop.claude": {"text": "hello"},
    "/stop/{}/agent.shop.claude": {},
    "/resume/{}/agent.shop.claude": {},
    "/apply/{}": {"digest": "d1"},
}
FOREIGN = {
    "another site": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    "another port": {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
    "an older browser": {"Origin": "https://evil.example"},
    "a sandbox": {"Origin": "null"},
    "the same host by another scheme": {"Origin": "https://127.0.0.1:8737"},
    "only Sec-Fetch-Site": {"Sec-Fetch-Site": "cross-site"},
    "only a right Origin": {"Origin": BASE, "Sec-Fetch-Site": "cross-site"},
    "nothing": {},
}


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    rows = [asking(str(tmp_path)), row(str(tmp_path))]
    with visited(tmp_path, rows, EVERYTHING) as made:
        made.client.headers["X-Nothing"] = "1"
        yield made


def paths(visit: Visit, method: str) -> Iterator[str]:
    """The path of every route with that method, for an agent that exists."""
    inside = application(visit.site, 8737)._app  # type: ignore[attr-defined]
    place = {"project": project_in(visit.service.folder), "address": "agent.shop.asker", "id": "x"}
    for route in inside.routes:
        if isinstance(route, Route) and method in (route.methods or ()):
            yield route.path.replace(":path", "").format(**place)


OPEN = (
    "/board.css",
    "/board.js",
    "/worker.js",
    "/manifest.webmanifest",
    "/icon-180.png",
    "/icon-192.png",
    "/icon-512.png",
)


def test_nobody_reads_anything_without_being_let_in(visit: Visit) -> None:
    asked = set(paths(visit, "GET"))
    assert {"/", "/events", "/here"} < asked
    for path in asked - {*OPEN, "/login", "/open"}:
        answer = visit.client.get(path)
        assert answer.status_code == 401, path
        assert "shop" not in answer.text
    for path in OPEN:
        assert visit.client.get(path).status_code == 200
        assert "shop" not in visit.client.get(path).text if "png" not in path else True


def test_no_form_is_taken_without_being_let_in(visit: Visit) -> None:
    for path in set(paths(visit, "POST")) - {"/login"}:
        assert visit.client.post(path, data={"form": ""}, headers=OWN).status_code == 401, path
    assert visit.service.done == []


def test_a_link_lets_one_browser_in_once(visit: Visit) -> None:
    link = f"/open?token={visit.site.browsers.new_link()}"
    opened = visit.client.get(link)
    cookie = opened.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert visit.client.get("/").status_code == 200
    visit.client.cookies.clear()
    assert visit.client.get(link).status_code == 401
    assert visit.client.get("/open?token=wrong").status_code == 401
    assert visit.client.get("/").status_code == 401
    assert [each["what"] for each in visit.trail()] == ["link"]
    assert [each["result"] for each in visit.trail("refused.jsonl")] == ["refused"] * 2


@pytest.mark.parametrize("who", FOREIGN)
def test_a_form_of_another_site_does_nothing(visit: Visit, who: str) -> None:
    visit.let_in()
    place = project_in(visit.service.folder)
    for path, fields in FORMS.items():
        answer = visit.post(path.format(place), headers=FOREIGN[who], **fields)
        assert answer.status_code == 403, path
    assert visit.service.done == []


@pytest.mark.parametrize("form", ["", "0" * 64, "\xe9"])
def test_a_form_without_the_token_of_its_browser_does_nothing(visit: Visit, form: str) -> None:
    visit.let_in()
    place = project_in(visit.service.folder)
    for path, fields in FORMS.items():
        assert visit.post(path.format(place), **{**fields, "form": form}).status_code == 403, path
    assert visit.post("/logout", form=form).status_code == 403
    assert visit.service.done == []


def test_the_token_of_another_browser_is_refused(visit: Visit) -> None:
    visit.let_in()
    other = visit.form
    visit.client.cookies.clear()
    visit.let_in()
    path = f"/send/{project_in(visit.service.folder)}/agent.shop.claude"
    assert visit.post(path, form=other, text="hello").status_code == 403
    assert visit.post(path, text="hello").status_code == 303


def test_a_name_that_was_made_to_mean_this_machine_is_refused(visit: Visit) -> None:
    visit.let_in()
    for host in ("evil.example:8737", "127.0.0.1:1", "127.0.0.1", "", "127.0.0.1:8737.evil.example"):
        for path in ("/", "/board.js", "/open?token=x"):
            assert visit.client.get(path, headers={"Host": host}).status_code == 421, host
    for host in ("localhost:8737", "[::1]:8737", "LOCALHOST:8737"):
        assert visit.client.get("/", headers={"Host": host}).status_code == 200


def test_another_site_can_lead_here_but_not_read_or_frame(visit: Visit) -> None:
    own = OwnHosts(frozenset({"here:1"}), secure=False)
    for site in ("cross-site", "same-site"):
        asked = {"host": "here:1", "sec-fetch-site": site}
        assert refusal("GET", {**asked, "sec-fetch-mode": "cors"}, own)
        assert refusal("GET", {**asked, "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}, own)
        assert refusal("GET", {**asked, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}, own) is None
    for method in ("PUT", "DELETE", "OPTIONS", "TRACE"):
        assert refusal(method, {"host": "here:1", "sec-fetch-site": "same-origin"}, own)
    assert visit.let_in().client.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_nothing_is_done_that_was_not_allowed(tmp_path: Path) -> None:
    rows = [asking(str(tmp_path)), row(str(tmp_path))]
    place = project_in(str(tmp_path))
    for permission, (path, fields) in zip(WebPermission, FORMS.items(), strict=True):
        with visited(tmp_path, rows, EVERYTHING - {permission}) as visit:
            answer = visit.let_in().post(path.format(place), **fields)
            assert answer.status_code == 403
            assert f"--allow {permission}" in answer.text
            assert visit.service.done == []
            assert {each["what"] for each in visit.trail()} == {"link"}
    with visited(tmp_path, rows) as visit:
        pages = [
            visit.let_in().client.get(path).text for path in ("/", f"/agent/{place}/agent.shop.asker", f"/plan/{place}")
        ]
        assert [page.count('method="post"') for page in pages] == [0, 0, 0]
        assert visit.client.get(f"/dialog/{place}/agent.shop.asker").status_code == 403


def test_every_action_is_written_down_with_who_and_from_where(visit: Visit) -> None:
    visit.let_in()
    place = project_in(visit.service.folder)
    visit.client.get(f"/plan/{place}")
    for path, fields in FORMS.items():
        answer = visit.post(path.format(place), **fields)
        assert answer.status_code == 303, answer.text
        assert "it is done" in visit.client.get(answer.headers["location"]).text
    assert [each[0] for each in visit.service.done] == [each.value for each in WebPermission]
    lines = visit.trail()[1:]
    assert [(each["what"], each["result"]) for each in lines] == [
        pair for each in WebPermission for pair in ((each.value, "begun"), (each.value, "done"))
    ]
    assert {each["address"] for each in lines} == {"127.0.0.1"}
    assert all(each["who"] and each["project"] == visit.service.folder for each in lines)
    assert "hello" not in json.dumps(lines)
    for name in ("audit.jsonl", "browsers.json"):
        assert stat.S_IMODE((visit.folder / name).stat().st_mode) == 0o600


def test_what_cannot_be_written_down_is_not_done(visit: Visit) -> None:
    visit.let_in()
    (visit.folder / "audit.jsonl").unlink()
    (visit.folder / "audit.jsonl").mkdir()
    path = f"/send/{project_in(visit.service.folder)}/agent.shop.claude"
    assert "audit.jsonl cannot be written" in visit.post(path, text="hello").text
    assert visit.service.done == []


def test_only_a_plan_that_was_shown_is_applied(visit: Visit) -> None:
    visit.let_in()
    place = project_in(visit.service.folder)
    assert "no plan with this digest was shown" in visit.post(f"/apply/{place}", digest="d1").text
    assert 'value="d1"' in visit.client.get(f"/plan/{place}").text
    visit.service.digest = "d2"
    assert visit.post(f"/apply/{place}", digest="d2").status_code == 409
    assert visit.post(f"/apply/{place}", digest="d1").status_code == 303
    assert visit.service.done == [("apply", "d1")]


def test_an_answer_is_for_the_request_that_was_shown(visit: Visit) -> None:
    visit.let_in()
    place = f"{project_in(visit.service.folder)}/agent.shop.asker"
    shown = visit.client.get(f"/dialog/{place}").text
    assert "1. Yes" in shown
    assert 'value="req1"' in shown
    assert visit.post(f"/answer/{place}", request="req1", choice="maybe").status_code == 400
    assert visit.post(f"/answer/{place}", request="req1", choice="deny").status_code == 303
    assert visit.service.done == [("answer", "agent.shop.asker", "req1", "deny")]


def test_tries_to_log_in_are_limited(tmp_path: Path) -> None:
    set_password(str(tmp_path), "anna", PASSWORD)
    known = logins(str(tmp_path))
    with visited(tmp_path, [], logins=known) as visit:
        tries = [
            visit.client.post("/login", data={"name": "anna", "password": str(each)}, headers=OWN) for each in range(6)
        ]
        assert [each.status_code for each in tries] == [401] * 5 + [429]
        assert int(tries[-1].headers["retry-after"]) > 10
        right = visit.client.post("/login", data={"name": "anna", "password": PASSWORD}, headers=OWN)
        assert right.status_code == 429
        assert PASSWORD not in json.dumps(visit.trail("refused.jsonl"))


def test_whoever_asks_too_often_waits(visit: Visit) -> None:
    codes = [visit.client.get("/board.css").status_code for _ in range(400)]
    assert codes == [200] * 240 + [429] * 160
    visit.site.settings.clock.seconds += 1
    assert visit.client.get("/board.css").status_code == 200


def test_whoever_changes_too_much_waits(visit: Visit) -> None:
    visit.let_in()
    path = f"/send/{project_in(visit.service.folder)}/agent.shop.claude"
    codes = [visit.post(path, text="hello").status_code for _ in range(30)]
    assert codes == [303] * 20 + [429] * 10
    assert len(visit.service.done) == 20


def test_a_login_is_a_hash_in_a_file_of_ones_own(tmp_path: Path) -> None:
    set_password(str(tmp_path), "anna", PASSWORD)
    file = tmp_path / "logins.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert PASSWORD not in file.read_text()
    known = logins(str(tmp_path))
    assert is_right(known, "anna", PASSWORD)
    assert not is_right(known, "anna", f"{PASSWORD} ")
    assert not is_right(known, "otto", PASSWORD)
    with visited(tmp_path, [], logins=known) as visit:
        assert visit.client.post("/login", data={"name": "anna", "password": PASSWORD}).status_code == 403
        done = visit.client.post("/login", data={"name": "anna", "password": PASSWORD}, headers=OWN)
        assert "let in" in done.text
        assert visit.client.get("/here").text.count("anna") >= 2
        assert visit.trail()[-1]["who"] == "anna"
        dismiss_all_of(str(visit.folder), "anna")
    with visited(tmp_path, [], logins=known) as again:
        again.client.cookies = visit.client.cookies
        assert again.client.get("/here").status_code == 401
    forget_login(str(tmp_path), "anna")
    assert logins(str(tmp_path)) == {}


def test_a_password_that_would_be_guessed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="shorter"):
        set_password(str(tmp_path), "anna", "short")
    with pytest.raises(UsageError, match="name"):
        set_password(str(tmp_path), "<b>", PASSWORD)
    (tmp_path / "logins.json").write_text("{")
    (tmp_path / "logins.json").chmod(0o600)
    with pytest.raises(ReconcilerError, match="damaged"):
        logins(str(tmp_path))


def test_a_browser_stays_let_in_when_the_server_restarts_until_it_signs_out(tmp_path: Path) -> None:
    with visited(tmp_path, [row(str(tmp_path))]) as first:
        first.let_in()
        cookies = first.client.cookies
        assert first.client.cookies[first.site.jar.name] not in (first.folder / "browsers.json").read_text()
    with visited(tmp_path, [row(str(tmp_path))]) as second:
        second.client.cookies = cookies
        assert second.client.get("/").status_code == 200
        secret = second.client.cookies[second.site.jar.name]
        left = second.post("/logout")
        assert left.status_code == 303
        second.client.cookies.set(second.site.jar.name, secret)
        assert second.client.get("/").status_code == 401


def test_a_form_that_is_too_long_is_not_read(visit: Visit) -> None:
    visit.let_in()
    path = f"/send/{project_in(visit.service.folder)}/agent.shop.claude"
    assert visit.post(path, text="x" * (1 << 19)).status_code == 413
    assert visit.post(path, text=" ").status_code == 400
    sent = visit.client.post(path, content=b"\xff=\xff", headers=OWN)
    assert sent.status_code == 400
    assert visit.service.done == []

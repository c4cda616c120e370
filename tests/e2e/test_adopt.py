"""What the original scripts left, and what runs, becomes declared: no id is lost, and no agent is restarted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jsonschema import Draft7Validator
from project import SCHEMAS, Project, arguments
from waiting import wait_until

from reconciler.app.adopt.sources import chosen_sources
from reconciler.app.adopt.work import adopt_everything
from reconciler.app.plan.events import ApplyEnded, Question
from reconciler.app.plan.options import ApplyOptions
from reconciler.app.project.project import find_project
from reconciler.model.errors import StalePlan

LIVE = "b3a7c0de-1111-4222-8333-444455556666"
STRANGER = "b3a7c0de-2222-4222-8333-444455556666"
STOPPED = "77777777-1111-4222-8333-444444440001"
LOST = "77777777-1111-4222-8333-444444440002"
DOTTED = "77777777-1111-4222-8333-444444440003"


class Scripted(Project):
    """A project as the original scripts leave it: no manifest, no tags, sessions on the default tmux server."""

    @property
    def env(self) -> dict[str, str]:
        return {**super().env, "TMUX_TMPDIR": str(self.home / "s")}

    def session(self, name: str, folder: str, command: str) -> int:
        """A session that somebody started, without tags; its pid."""
        (self.root / folder).mkdir(exist_ok=True)
        self.tmux("new-session", "-d", "-s", name, "-c", str(self.root / folder), f"exec {command}")
        return self.pane(name).pid

    def claude(self, name: str, folder: str, conversation: str) -> int:
        """A Claude Code that has stored its conversation."""
        pid = self.session(name, folder, f"claude --session-id {conversation} --model opus")
        wait_until(lambda: self.activity(pid) == "idle")
        self.type(name, "hello")
        wait_until(lambda: list(self.home.glob(f".claude/projects/*/{conversation}.jsonl")))
        wait_until(lambda: self.activity(pid) == "idle")
        return pid

    def agy(self, name: str, folder: str) -> str:
        """An agy that has stored its conversation; the id that it chose."""
        self.session(name, folder, "agy")
        wait_until(lambda: ">" in self.screen(name))
        self.type(name, "hello")
        pattern = ".gemini/antigravity-cli/conversations/*.db"
        return wait_until(lambda: [file.stem for file in self.home.glob(pattern)])[0]

    def stored(self, conversation: str, folder: str) -> None:
        """A conversation of Claude Code that ended some time ago."""
        (self.root / folder).mkdir(exist_ok=True)
        cwd = str(self.root / folder)
        key = "".join(each if each.isalnum() else "-" for each in cwd)
        file = self.home / ".claude" / "projects" / key / f"{conversation}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = [
            {"type": kind, "sessionId": conversation, "cwd": cwd, "message": {"role": kind, "content": "hi"}}
            for kind in ("user", "assistant")
        ]
        file.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))

    def record(self, text: str) -> None:
        self.registry.parent.mkdir(exist_ok=True)
        self.registry.write_text(textwrap.dedent(text))

    def adopt(self, *words: str, code: int = 0) -> str:
        return self.run("adopt", "--write", "--auto-approve", *words, code=code)


@pytest.fixture
def scripted(project: Project) -> Iterator[Scripted]:
    folder = project.home / "s" / f"tmux-{os.getuid()}"
    folder.mkdir(parents=True, mode=0o700)
    made = Scripted(project.root, project.home, folder / "default")
    yield made
    made.tmux("kill-server")


def _folder_of_the_scripts(scripted: Scripted) -> dict[str, int]:
    """One of each: running, stopped, lost, archived, ids at the top, a bare shell, and a session in no row."""
    scripted.stored(STOPPED, "old")
    scripted.stored(LOST, "lost")
    minted = scripted.agy("page-creator-agy", "page")
    pids = {
        "page-creator-claude": scripted.claude("page-creator-claude", "page", LIVE),
        "web-creator-claude": scripted.claude("web-creator-claude", "web", STRANGER),
        "page-creator-agy": scripted.pane("page-creator-agy").pid,
        "api-creator-claude": scripted.session("api-creator-claude", "api", "sh"),
    }
    scripted.record(
        f"""\
        # kept by the scripts
        agent_identities:
          agy: {{session_id: {minted}}}
        workspaces:
          page: {{path: {scripted.root}/page}}
          lost: {{path: {scripted.root}/lost}}
          old: {{path: {scripted.root}/old}}
        sessions:
          page-creator-claude:   # the one that works
            workspace: page
            agent: claude
            status: running
            last_visible_status: writing the header
            claude_session_id_own: {LIVE}
            pane: {{pid: "{pids["page-creator-claude"]}", cmd: claude}}
          page-creator-agy: {{workspace: page, agent: agy, status: running}}
          old-creator-claude:
            workspace: old
            agent: claude
            status: stopped
            claude_session_id_own: {STOPPED}
            resumable: true
            termination_mode: graceful
          lost-creator-claude:
            status: terminated
            claude_session_id_own: {LOST}
            resumable: true
            termination_mode: auto-detected
          old-creator-gemini: {{workspace: old, agent: gemini, status: archived}}
        """
    )
    return pids


def _of_agy(scripted: Scripted) -> str:
    (file,) = scripted.home.glob(".gemini/antigravity-cli/conversations/*.db")
    return file.stem


def _held(scripted: Scripted) -> dict[str, str | None]:
    """The conversation of each agent, by the registry."""
    places = scripted.recorded()["workspaces"]
    return {
        f"{name}.{agent}": identity["session_id"]
        for name, place in places.items()
        for agent, identity in place.get("agent_identities", {}).items()
    }


def test_a_folder_of_the_scripts_becomes_declared_and_survives_the_loss_of_the_server(scripted: Scripted):
    pids = _folder_of_the_scripts(scripted)
    before = scripted.files()
    sessions = scripted.live()

    said = scripted.run("adopt")

    assert "Run `reconciler adopt --write` to do this." in said
    assert scripted.files() == before, "nothing is written without --write"
    assert scripted.live() == sessions
    assert "session api-creator-claude: runs only sh" in said
    assert f"agent_identities.claude: session_id {STOPPED}" in said

    scripted.adopt()

    live = scripted.live()
    assert {name: live[name].pid for name in pids} == pids, "no agent was restarted"
    assert {name: live[name].address for name in pids} == {
        "page-creator-claude": "agent.page.claude",
        "web-creator-claude": "agent.web.claude",
        "page-creator-agy": "agent.page.agy",
        "api-creator-claude": "",
    }
    ids = {
        "page.claude": LIVE,
        "web.claude": STRANGER,
        "page.agy": _of_agy(scripted),
        "old.claude": STOPPED,
        "lost.claude": LOST,
    }
    assert _held(scripted) == ids
    assert "writing the header" in scripted.registry.read_text()
    assert "# the one that works" in scripted.registry.read_text()
    assert scripted.actions() == {"agent.lost.claude": "resume"}
    assert "0 to destroy" in scripted.run("plan")

    scripted.apply()

    assert arguments(scripted.pane("lost-creator-claude").pid)[-2:] == ["--resume", LOST]
    assert "old-creator-claude" not in scripted.live(), "it was stopped by hand"
    assert scripted.actions() == {}

    scripted.reboot()
    scripted.apply()

    for session, conversation in (
        ("page-creator-claude", LIVE),
        ("web-creator-claude", STRANGER),
        ("lost-creator-claude", LOST),
        ("page-creator-agy", ids["page.agy"]),
    ):
        words = arguments(scripted.pane(session).pid)
        assert conversation in words, "it goes on"
    assert "--model" in arguments(scripted.pane("page-creator-claude").pid), "as it was started by hand"
    assert _held(scripted) == ids
    assert scripted.actions() == {}


def test_a_second_adoption_has_nothing_to_do(scripted: Scripted):
    _folder_of_the_scripts(scripted)
    scripted.adopt()
    files = scripted.files()

    said = scripted.run("adopt")

    assert "No changes. There is nothing to adopt, 1 left alone." in said
    assert "Run `reconciler adopt --write`" not in said
    assert "No changes." in scripted.adopt()
    assert scripted.files() == files


def test_every_file_that_is_replaced_is_kept(scripted: Scripted):
    _folder_of_the_scripts(scripted)
    (scripted.root / "manifests").mkdir()
    manifest = scripted.root / "manifests" / "mine.yaml"
    manifest.write_text("# mine\nversion: 1\nworkspaces:\n  page:   # here\n    path: page\n")
    registry, declared = scripted.registry.read_bytes(), manifest.read_bytes()

    said = scripted.adopt()

    kept = scripted.root / ".hermes" / "kept"
    (copies,) = kept.iterdir()
    assert (copies / ".hermes" / "agent-sessions.yaml").read_bytes() == registry
    assert (copies / "manifests" / "mine.yaml").read_bytes() == declared
    assert f"a copy of what it was: .hermes/kept/{copies.name}/manifests/mine.yaml" in said
    assert {each.stat().st_mode & 0o077 for each in copies.rglob("*")} == {0}
    after = manifest.read_text()
    assert after.startswith("# mine\nversion: 1\nworkspaces:\n  page:   # here\n    path: page\n")
    assert not (scripted.root / "reconciler.yaml").exists()
    assert set(scripted.actions()) == {"agent.lost.claude"}


def test_names_that_no_manifest_allows_get_one_and_two_agents_of_one_name_are_told_apart(scripted: Scripted):
    scripted.stored(DOTTED, "dotted")
    scripted.stored(STOPPED, "old")
    scripted.stored(LOST, "old")
    scripted.record(
        f"""\
        workspaces:
          old: {{path: {scripted.root}/old, agent_identities: {{claude: {{session_id: {STOPPED}}}}}}}
        sessions:
          my.proj-creator-claude:
            {{workspace: my.proj, agent: claude, status: terminated, claude_session_id_own: {DOTTED}, resumable: true}}
          old-reviewer-claude:
            {{workspace: old, agent: claude, role: reviewer, status: terminated, claude_session_id_own: {LOST}}}
          old-creator-claude: {{workspace: old, agent: claude, status: terminated}}
        """
    )

    said = scripted.adopt()

    assert "workspace my.proj is called my-proj in the manifest" in said
    assert "claude is called reviewer-claude in the manifest" in said
    assert _held(scripted) == {"my-proj.claude": DOTTED, "old.claude": STOPPED, "old.reviewer-claude": LOST}
    assert scripted.recorded()["workspaces"]["my-proj"]["path"] == str(scripted.root / "dotted")
    assert scripted.actions() == dict.fromkeys(
        ("agent.my-proj.claude", "agent.old.claude", "agent.old.reviewer-claude"), "resume"
    )
    assert "No changes." in scripted.run("adopt")
    scripted.apply()
    started = {name: arguments(pane.pid)[-1] for name, pane in scripted.live().items()}
    assert started == {
        "my-proj-creator-claude": DOTTED,
        "old-creator-claude": STOPPED,
        "old-reviewer-reviewer-claude": LOST,
    }


def test_a_process_that_proves_another_conversation_is_believed_and_the_recorded_one_stays_listed(scripted: Scripted):
    scripted.stored(LOST, "page")
    scripted.claude("page-creator-claude", "page", LIVE)
    scripted.record(
        f"""\
        workspaces:
          page: {{path: {scripted.root}/page, agent_identities: {{claude: {{session_id: {LOST}}}}}}}
        sessions:
          page-creator-claude: {{workspace: page, agent: claude, status: stopped, termination_mode: graceful}}
        """
    )

    said = scripted.run("adopt")
    scripted.adopt()

    assert f"proved by its running process; {LOST} was recorded in" in said
    assert "recorded as stopped, but it runs" in said
    assert scripted.identities("page") == {"claude": {"session_id": LIVE, "previous": [LOST]}}
    assert scripted.actions() == {}


def test_an_agent_whose_session_holds_a_bare_shell_is_declared_and_its_conversation_kept(scripted: Scripted):
    scripted.stored(LOST, "page")
    scripted.session("page-creator-claude", "page", "sh")
    scripted.record(
        f"""\
        sessions:
          page-creator-claude: {{workspace: page, agent: claude, status: running, claude_session_id_own: {LOST}}}
        """
    )

    said = scripted.adopt()

    assert "session page-creator-claude: runs only sh" in said
    assert "another session is called page-creator-claude (see below)" in said
    assert "its session is gone" not in said
    assert scripted.pane("page-creator-claude").lineage == ""
    assert _held(scripted) == {"page.claude": LOST}
    assert "end that session" in scripted.run("plan", code=7)
    scripted.tmux("kill-session", "-t", "=page-creator-claude")
    assert scripted.actions() == {"agent.page.claude": "resume"}


def test_the_sessions_of_another_project_are_left_to_it(scripted: Scripted, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "reconciler.yaml").write_text("version: 1\nworkspaces: {web: {path: ., agents: {claude: {}}}}\n")
    scripted.run("-C", str(other), "apply", "--auto-approve")
    before = scripted.live()
    shutil.copytree(other / ".hermes", tmp_path / "unrelated")

    said = scripted.run("adopt")

    assert f"session web-creator-claude: it is tagged agent.web.claude by the project in {other}" in said
    assert "No changes. There is nothing to adopt, 1 left alone." in said
    assert "No changes." in scripted.adopt()
    assert scripted.live() == before


def test_a_conversation_that_can_be_nobody_elses_is_proved_beside_other_agents_that_are_adopted(scripted: Scripted):
    scripted.agy("page-creator-agy", "page")
    scripted.session("page-creator-codex", "page", "codex")
    wait_until(lambda: "Ask Codex" in scripted.screen("page-creator-codex"))
    scripted.type("page-creator-codex", "hello")
    pattern = ".codex/sessions/*/*/*/rollout-*.jsonl"
    (stored,) = wait_until(lambda: list(scripted.home.glob(pattern)))
    conversation = stored.stem[-36:]

    scripted.adopt()

    assert _held(scripted)["page.codex"] == conversation
    assert scripted.pane("page-creator-codex").conversation == conversation


def test_two_sessions_in_one_conversation_are_not_both_taken(scripted: Scripted):
    scripted.claude("page-creator-claude", "page", LIVE)
    pid = scripted.session("copy-creator-claude", "page", f"claude --resume {LIVE}")
    wait_until(lambda: scripted.activity(pid) == "idle")
    scripted.record(
        f"""\
        sessions:
          page-creator-claude: {{workspace: page, agent: claude, status: running, claude_session_id_own: {LIVE}}}
        """
    )

    said = scripted.adopt()

    assert "session copy-creator-claude: holds the conversation of agent.page.claude" in said
    assert "-> end that session, then run `reconciler adopt` again" in said
    assert scripted.pane("copy-creator-claude").lineage == ""
    assert scripted.pane("page-creator-claude").conversation == LIVE


def test_a_type_that_nobody_knows_is_declared_with_its_command(scripted: Scripted):
    scripted.session("page-creator-ticker", "page", "sleep 1000")
    scripted.record("sessions:\n  page-creator-ticker: {workspace: page, agent: ticker, status: running}\n")

    scripted.adopt()

    assert 'ticker:\n    command: [sleep, "1000"]' in (scripted.root / "reconciler.yaml").read_text()
    assert scripted.pane("page-creator-ticker").address == "agent.page.ticker"
    scripted.reboot()
    scripted.apply()
    assert arguments(scripted.pane("page-creator-ticker").pid) == ["sleep", "1000"]
    assert scripted.actions() == {}


def test_a_row_that_nothing_tells_the_folder_of_is_left_alone(scripted: Scripted):
    scripted.record("sessions:\n  nowhere-creator-codex: {workspace: nowhere, agent: codex, status: terminated}\n")

    said = scripted.run("adopt")

    assert "nowhere-creator-codex of the registry: the folder it works in is not known" in said
    assert "declare workspace nowhere with its `path` in a manifest" in said
    (scripted.root / "reconciler.yaml").write_text("version: 1\nworkspaces: {nowhere: {path: here}}\n")
    (scripted.root / "here").mkdir()
    scripted.adopt()
    assert "codex: {}" in (scripted.root / "reconciler.yaml").read_text()


def test_a_declared_agent_that_runs_without_tags_is_taken_over(scripted: Scripted):
    pid = scripted.claude("lab-creator-claude", "lab", LIVE)
    manifest = scripted.root / "reconciler.yaml"
    manifest.write_text("version: 1\nworkspaces: {lab: {path: lab, agents: {claude: {}}}}\n")
    before = manifest.read_bytes()

    scripted.adopt()

    assert manifest.read_bytes() == before
    assert (scripted.pane("lab-creator-claude").pid, scripted.pane("lab-creator-claude").conversation) == (pid, LIVE)
    assert scripted.actions() == {}


def test_a_manifest_with_a_mistake_is_told_first(scripted: Scripted):
    _folder_of_the_scripts(scripted)
    (scripted.root / "reconciler.yaml").write_text("version: 1\nworkspace: {}\n")
    before = scripted.files()

    said = scripted.run("adopt", code=1)

    assert "reconciler.yaml:2:1" in said
    scripted.adopt(code=1)
    assert scripted.files() == before


def test_it_asks_and_without_a_terminal_says_what_to_pass(scripted: Scripted):
    _folder_of_the_scripts(scripted)
    before = scripted.files()

    said = scripted.run("adopt", "--write", code=64)

    assert "pass --auto-approve" in said
    assert {name: scripted.files()[name] for name in before} == before
    assert not (scripted.root / "reconciler.yaml").exists()


def test_only_the_sources_that_are_named_are_looked_at(scripted: Scripted):
    _folder_of_the_scripts(scripted)

    assert "agent.web.claude" not in scripted.run("adopt", "--from", "registry")
    assert "agent.old.claude" not in scripted.run("adopt", "--from", "tmux")
    assert "'mux' is not a source" in scripted.run("adopt", "--from", "mux", code=64)


def test_a_project_file_of_tmuxp_becomes_a_workspace(scripted: Scripted):
    (scripted.root / "site").mkdir()
    (scripted.root / "lab.yaml").write_text(
        "session_name: lab\nstart_directory: ./site\nwindows:\n  - panes: [claude --model opus, vim]\n"
    )

    said = scripted.adopt("--from", "tmuxp", "lab.yaml")

    assert "agent.lab.claude will be declared" in said
    text = (scripted.root / "reconciler.yaml").read_text()
    assert 'claude: {args: ["--model", opus]}' in text
    assert scripted.actions() == {"agent.lab.claude": "create"}
    assert "No changes." in scripted.run("adopt", "--from", "tmuxp", "lab.yaml")


def test_the_document_fits_its_schema(scripted: Scripted):
    _folder_of_the_scripts(scripted)

    document = json.loads(scripted.run("adopt", "--json"))

    Draft7Validator(json.loads((SCHEMAS / "adopt.schema.json").read_text())).validate(document)
    assert document["summary"] == {"declare": 6, "take_over": 3, "complete": 5, "secure": 0, "left_alone": 1}
    events = [json.loads(line) for line in scripted.adopt("--json").splitlines()]
    validator = Draft7Validator(json.loads((SCHEMAS / "event.schema.json").read_text()))
    for event in events:
        validator.validate(event)
    kinds = [event["type"] for event in events]
    assert [kinds[0], kinds[1], kinds[-1]] == ["version", "adoption", "summary"]
    assert kinds.count("file_written") == 2
    assert kinds.count("action_complete") == 3


def test_what_cannot_be_written_is_named_and_the_next_run_finishes(scripted: Scripted):
    _folder_of_the_scripts(scripted)
    (scripted.root / "manifests").mkdir()
    (scripted.root / "manifests" / "a.yaml").write_text("version: 1\nworkspaces: {}\n")
    kept = scripted.root / ".hermes" / "kept"
    kept.write_text("in the way of the copies")

    said = scripted.adopt(code=1)

    assert ".hermes/agent-sessions.yaml: Failed:" in said
    assert "Not done: .hermes/agent-sessions.yaml, manifests/a.yaml, agent.page.agy" in said
    assert (scripted.root / "manifests" / "a.yaml").read_text() == "version: 1\nworkspaces: {}\n"
    kept.unlink()
    scripted.adopt()
    assert scripted.actions() == {"agent.lost.claude": "resume"}


def test_generated_manifests_declare_recorded_agents_too(scripted: Scripted):
    _folder_of_the_scripts(scripted)

    generated = scripted.run("import", "--generate")

    assert "adopt with: reconciler import agent.page.claude page-creator-claude" in generated
    assert "gemini: {state: archived}" in generated
    assert "path: old" in generated


def test_passwords_of_job_records_get_files_of_their_own(scripted: Scripted):
    records = scripted.root / ".mam" / "jobs"
    records.mkdir(parents=True)
    broker = {"host": "localhost", "port": 8883, "tls": True, "username": "hermes", "password": "a plain password"}
    record = {"job_id": "j1", "prompt": "hi", "agent": "claude", "status": "completed", "broker": broker}
    (records / "j1.json").write_text(json.dumps(record, indent=2))

    said = scripted.run("adopt")

    assert "it contains the broker password of hermes in plain text" in said
    assert "a plain password" not in said
    scripted.adopt()
    after = json.loads((records / "j1.json").read_text())
    file = Path(after["broker"]["password_file"])
    assert "password" not in after["broker"]
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("a plain password\n", 0o600)
    kept = [path for path, data in scripted.files().items() if b"a plain password" in data]
    assert kept == [str(file.relative_to(scripted.home))], "no copy of the record is kept"
    assert "No changes." in scripted.run("adopt")


def test_a_broker_made_by_hand_is_declared(scripted: Scripted):
    folder = scripted.root / "broker"
    folder.mkdir()
    (folder / "mosquitto.conf").write_text("listener 8883\nallow_anonymous false\npassword_file passwd\nacl_file acl\n")
    (folder / "acl").write_text("user hermes\ntopic read python/mqtt/jobs/+/events\n")
    subprocess.run(
        ["mosquitto_passwd", "-c", "-b", str(folder / "passwd"), "hermes", "a-password"],
        check=True,
        capture_output=True,
    )

    said = scripted.run("adopt", "--full")

    assert "broker.main will be declared" in said
    assert "the password of hermes" in said
    scripted.adopt()
    assert "users: {hermes: observer}" in (scripted.root / "reconciler.yaml").read_text()
    assert "broker.main" in scripted.actions()
    assert "No changes." in scripted.run("adopt")


def test_a_project_that_lost_its_manifest_gets_one_after_which_nothing_is_restarted(project: Project):
    project.write(
        {"lab": {"path": "lab", "env": {"PLAIN": "${HOME}x", "SECRET_TOKEN": {"from_env": "CANARY"}}, "agents": {
            "claude": {"args": ["--model", "opus"], "protect": True},
            "review": {"type": "claude", "role": "reviewer", "depends_on": ["claude"]},
            "rests": {"type": "claude", "state": "stopped"},
            "ticker": {"type": "ticker"},
        }}},
        agent_types={"ticker": {"command": ["sleep", "1000"]}},
    )  # fmt: skip
    project.apply(CANARY="a-secret-value")
    project.run("stop", "lab-reviewer-review")
    before = project.live()
    (project.root / "reconciler.yaml").unlink()

    said = project.run("adopt", "--write", "--auto-approve")

    text = (project.root / "reconciler.yaml").read_text()
    assert "a-secret-value" not in said + text
    assert f"socket_path: {project.socket}" in text
    assert "ignore: [env]" in text
    assert project.live() == before
    assert project.actions() == {}
    project.apply()
    assert project.live() == before
    assert "No changes." in project.run("adopt")


def _adopted_while(scripted: Scripted, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> int:
    """The exit code of an adoption during whose question something happens; the user says yes."""
    for name, value in scripted.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(scripted.root)

    def approve(_question: Question) -> bool:
        meanwhile()
        return True

    events = list(adopt_everything(find_project("", ""), chosen_sources((), ()), ApplyOptions(approve=approve)))
    (ended,) = (event for event in events if isinstance(event, ApplyEnded))
    return int(ended.exit_code)


def test_a_manifest_that_changes_during_the_question_stops_it_before_anything_is_written(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
):
    _folder_of_the_scripts(scripted)
    manifest = scripted.root / "reconciler.yaml"
    manifest.write_text("version: 1\nworkspaces: {}\n")
    before = scripted.files()

    with pytest.raises(StalePlan, match=r"reconciler\.yaml has changed meanwhile"):
        _adopted_while(scripted, monkeypatch, lambda: manifest.write_text("version: 1\nworkspaces: {}\n# mine\n"))

    assert manifest.read_text().endswith("# mine\n")
    assert scripted.registry.read_bytes() == before["project/.hermes/agent-sessions.yaml"]
    scripted.adopt()
    assert set(scripted.actions()) == {"agent.lost.claude"}


def test_a_session_that_ends_during_the_question_is_named_and_the_rest_is_done(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
):
    _folder_of_the_scripts(scripted)

    code = _adopted_while(scripted, monkeypatch, lambda: scripted.lose("page-creator-claude"))

    assert code == 3
    assert scripted.pane("web-creator-claude").address == "agent.web.claude"
    assert scripted.actions() == {"agent.lost.claude": "resume", "agent.page.claude": "resume"}
    assert "No changes." in scripted.adopt()
    assert _held(scripted)["page.claude"] == LIVE


def test_a_registry_that_changes_during_the_question_is_completed_as_it_is_then(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
):
    _folder_of_the_scripts(scripted)

    def note() -> None:
        scripted.registry.write_text(scripted.registry.read_text() + "# a word of the user\n")

    assert _adopted_while(scripted, monkeypatch, note) == 0
    assert "# a word of the user" in scripted.registry.read_text()
    assert _held(scripted)["old.claude"] == STOPPED

"""Jobs from the command line: a real broker, a real tmux server, stand-in agents."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
from dataclasses import replace

import jsonschema
import pytest
from broker.mosquitto import SECRETS, Knobs, Mosquitto, running
from delegating import SESSION, Lab, ended
from project import CLI, SCHEMAS, command_lines, environment
from waiting import wait_until


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with running(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture
def lab(project, broker):
    return Lab(project, broker)


def script(lab, text):
    path = lab.project.root / "check"
    path.write_text(text)
    return str(path)


# --- submit -----------------------------------------------------------------------------------


def test_a_job_goes_to_a_live_agent_and_its_result_comes_back(lab):
    lab.with_agent()
    submitted = lab.submit(prompt="do it")
    job = lab.once("delivered")
    assert lab.say(job, "started").returncode == 0
    assert lab.say(job, "completed", "all done").returncode == 0
    code, out, err = ended(submitted)
    folder = lab.audits / job["id"]
    assert (code, out.splitlines()[-1]) == (0, str(folder))
    assert f"registered job: {job['id']}" in err
    assert "delivery to lab-creator-claude: submitted, transcript" in err
    assert "completed: all done" in err
    assert lab.told(job).endswith("Task: do it")
    assert [lab.told(job)] in lab.project.transcripts().values()
    papers = {"prompt.txt", "instructions.txt", "delivery.json", "record.json", "pane.txt", "events.jsonl"}
    assert papers | {"follower.log"} == {path.name for path in folder.iterdir()}


def test_each_job_command_says_once_which_checks_this_system_does_not_allow(lab):
    lab.with_agent()
    site = lab.project.home / "site"
    site.mkdir()
    hidden = 'import sys\nsys.modules["psutil"] = None\nfrom reconciler.ports import proc\nproc.ROOT = "/nowhere"\n'
    (site / "sitecustomize.py").write_text(hidden)
    blind = {"PYTHONPATH": str(site)}
    submitted = lab.submit(**blind)
    job = lab.once("delivered")
    waited = lab.project.run("job", "wait", "--job", job["id"], "--timeout", "1", code=8, **blind)
    lab.say(job, "completed")
    said = {"submit": ended(submitted)[2], "wait": waited}
    said["answer"] = lab.project.run("job", "answer", "--job", job["id"], code=7, **blind)
    said["hooks"] = lab.project.run("job", "hooks", "install", "claude", **blind)
    counts = {
        command: text.count("Warning: the processes of this system cannot be seen") for command, text in said.items()
    }
    assert counts == {"submit": 1, "wait": 1, "answer": 1, "hooks": 1}, said
    assert "cannot be seen" not in lab.project.run("job", "hooks", "install", "claude")


def test_no_secret_leaves_the_record(lab):
    lab.with_agent()
    submitted = lab.submit("--json")
    job = lab.once("delivered")
    lab.say(job, "completed")
    out, err = ended(submitted)[1:]
    said = [out, err, lab.project.run("job", "status", "--job", job["id"], "--json"), lab.project.screen(SESSION)]
    said += [path.read_text() for path in (lab.audits / job["id"]).iterdir()]
    assert job["auth_token"] not in "".join(said)
    assert "secret-of" not in json.dumps(job) + "".join(said)
    known = command_lines() + b"".join(json.dumps(environment(pid)).encode() for pid in lab.project.processes())
    assert job["auth_token"].encode() not in known
    assert not any(secret.encode() in known for secret in SECRETS.values())
    assert stat.S_IMODE((lab.jobs / f"{job['id']}.json").stat().st_mode) == 0o600


def test_an_agent_that_fails_is_told_with_exit_code_1(lab):
    submitted = lab.human()
    lab.say(lab.job(), "error", "no such file")
    code, out, _ = ended(submitted)
    assert (code, "error: no such file" in out) == (1, True)


@pytest.mark.parametrize(("option", "code"), [("--timeout", 8), ("--idle-timeout", 9)])
def test_a_job_that_takes_too_long_ends_with_a_code_of_its_own(lab, option, code):
    assert ended(lab.human(option, "1"))[0] == code
    assert lab.job()["status"] == "timed_out"


def test_without_the_broker_nothing_is_delivered(lab):
    lab.with_agent()
    gone = Mosquitto(lab.broker.folder, Knobs())
    replace(lab, broker=gone).declare({"claude": {}})
    said = lab.project.run("job", "submit", "--agent", SESSION, "--prompt", "do it", code=4)
    assert "Error:" in said
    assert not lab.jobs.exists()
    assert "do it" not in lab.project.screen(SESSION)


def test_an_agent_that_does_not_run_is_not_started(lab):
    lab.with_agent()
    lab.project.run("stop", SESSION)
    said = lab.project.run("job", "submit", "--agent", SESSION, "--prompt", "do it", code=1)
    assert f"the agent session {SESSION} does not exist" in said
    assert f"reconciler resume {SESSION}" in said
    assert not lab.jobs.exists()


@pytest.mark.parametrize(("word", "verdict"), [("hang", "refused_busy"), ("ask", "refused_dialog")])
def test_an_agent_that_is_not_free_gets_nothing_and_the_job_ends_in_error(lab, word, verdict):
    lab.with_agent()
    lab.project.type(SESSION, word)
    wait_until(lambda: lab.project.activity(lab.project.pane(SESSION).pid) not in {"", "idle"})
    code, out, err = ended(lab.submit())
    job = lab.job()
    assert (code, out.splitlines()[-1]) == (7, str(lab.audits / job["id"]))
    assert verdict in err
    assert (job["status"], job["delivery"]["verdict"]) == ("error", verdict)
    assert (lab.jobs / job["id"] / "outbox" / "result.error").exists(), "the event was not published"
    assert "Your job_id" not in lab.project.screen(SESSION)
    assert word in (lab.audits / job["id"] / "pane.txt").read_text()
    lab.project.run("job", "wait", "--job", job["id"], code=7)


def test_a_busy_agent_can_be_waited_for(lab):
    lab.with_agent()
    lab.project.type(SESSION, "hang")
    wait_until(lambda: lab.project.activity(lab.project.pane(SESSION).pid) == "busy")
    submitted = lab.submit("--wait-idle", "20s", "--detach")
    lab.job()
    lab.project.type(SESSION, "done")
    assert ended(submitted)[0] == 0
    assert lab.job()["delivery"]["verdict"] == "submitted"


def test_a_job_that_is_cancelled_while_its_agent_is_waited_for_is_never_typed(lab):
    lab.with_agent()
    lab.project.type(SESSION, "hang")
    wait_until(lambda: lab.project.activity(lab.project.pane(SESSION).pid) == "busy")
    submitted = lab.submit("--wait-idle", "60s")
    job = lab.job()
    lab.told(job)
    lab.project.run("job", "cancel", "--job", job["id"])
    code, out, err = ended(submitted)
    lab.project.type(SESSION, "done")
    assert (code, out.splitlines()[-1]) == (1, str(lab.audits / job["id"]))
    assert "nothing was typed" in err
    assert lab.job()["status"] == "cancelled"
    assert not (lab.jobs / job["id"] / "outbox" / "result.error").exists()
    wait_until(lambda: lab.project.activity(lab.project.pane(SESSION).pid) == "idle")
    assert "Your job_id" not in lab.project.screen(SESSION)


def test_a_session_that_the_project_does_not_know_is_named_with_its_cli(lab):
    lab.with_agent()
    lab.project.tmux("new-session", "-d", "-s", "stranger", "-c", str(lab.project.root / "lab"), "exec claude")
    wait_until(lambda: "? for shortcuts" in lab.project.screen("stranger"))
    words = ("job", "submit", "--agent", "claude-code", "--agent-session", "tmux:stranger", "--detach", "--prompt", "x")
    lab.project.run(*words)
    assert "Your job_id" in lab.project.screen("stranger")
    assert lab.job()["agent_session"] == "tmux:stranger"


def test_what_nothing_proves_is_not_called_delivered_until_the_agent_speaks(lab):
    agents, types = {"echo": {"type": "echo"}}, {"echo": {"command": ["cat"]}}
    lab.project.write({"lab": {"path": "lab", "agents": agents}}, agent_types=types)
    lab.project.apply()
    lab.declare(agents, agent_types=types)
    submitted = lab.project.start("job", "submit", "--agent", "echo", "--prompt", "do it")
    wait_until(lambda: (lab.job()["delivery"] or {}).get("verdict") == "unverified")
    assert lab.job()["status"] == "pending"
    lab.say(lab.job(), "started")
    lab.say(lab.job(), "completed")
    assert ended(submitted)[0] == 0
    delivery = lab.job()["delivery"]
    assert (delivery["verdict"], delivery["evidence"]) == ("submitted", "event")


def test_a_dry_run_prints_what_the_agent_would_be_told_and_makes_nothing(lab):
    lab.with_agent()
    said = lab.project.attempt("job", "submit", "--agent", "claude", "--prompt", "do it", "--dry-run").stdout
    assert said.startswith("[dry-run] would delegate task to running agent 'claude' in tmux session")
    assert "\n----\nYour job_id is" in said
    assert said.endswith(f"Task: do it\n----\n{lab.audits}/dry-run\n")
    assert "running agent 'claude'" in lab.project.run("job", "submit", "--prompt", "do it", "--dry-run")
    assert not lab.jobs.exists()
    assert not lab.audits.exists()


def test_a_human_reads_the_instructions_and_publishes_the_events(lab):
    submitted = lab.human()
    assert lab.say(lab.job(), "completed", "by hand").returncode == 0
    code, out, _ = ended(submitted)
    assert code == 0
    assert out.startswith('Your job_id is "')


def test_prompts_come_from_a_file_or_from_standard_input(lab):
    task = lab.project.root / "task.md"
    task.write_text("first\nsecond\n")
    assert lab.left("--prompt", f"@{task}")["prompt"] == "first\nsecond\n"
    told = lab.project.json("job", "submit", f"@{task}", "--agent", "human", "--dry-run")  # the task alone
    assert told["instructions"].endswith("Task: first\nsecond\n")
    said = lab.project.run("job", "submit", "--agent", "human", "--prompt", "-", code=64)
    assert "submit requires --prompt" in said
    words = [*CLI, "job", "submit", "--agent", "human", "--prompt", "-", "--dry-run", "--json"]
    options = {"cwd": lab.project.root, "env": lab.project.env, "capture_output": True}
    told = subprocess.run(words, input="größer\n- 2\n".encode(), check=True, **options).stdout
    assert json.loads(told)["instructions"].endswith("Task: größer\n- 2\n")


def test_the_help_names_every_command(project):
    said = project.run("job", "--help")
    alone = project.attempt("job")
    assert (alone.returncode, alone.stderr) == (0, "")
    assert alone.stdout.strip() == said.strip()
    commands = ("submit", "status", "list", "verify", "wait", "logs", "publish", "cancel", "answer", "retry", "prune")
    assert [name for name in commands if f"\n  {name} " not in said] == []


def test_without_tmux_its_absence_is_told(lab):
    lab.declare({"claude": {}})
    said = lab.project.run("job", "submit", "--agent", "claude", "--prompt", "x", PATH="/nonexistent", code=4)
    assert "tmux is not installed" in said
    assert "apt install tmux" in said


def test_the_work_and_the_records_may_be_anywhere(lab):
    work = lab.project.home / "work"
    work.mkdir()
    code, out, _ = ended(lab.human("--detach", "--workdir", str(work), "--registry-dir", "records"))
    [record] = (lab.project.root / "records").glob("*.json")
    assert (code, out.splitlines()[-1]) == (0, str(work / "delegate_job_logs" / record.stem))
    assert json.loads(record.read_text())["workdir"] == str(work)
    assert record.stem in lab.project.run("job", "list", "--registry-dir", "records")


def test_the_session_is_looked_for_on_the_tmux_server_that_the_environment_names(lab):
    env = {"TMUX_TMPDIR": str(lab.project.home), "TMUX_SERVER_NAME": "elsewhere"}
    tmux = ["tmux", "-L", "elsewhere"]
    environment = {**lab.project.env, **env}
    subprocess.run([*tmux, "-f/dev/null", "new-session", "-d", "-s", "solo", "cat"], check=True, env=environment)
    words = ("job", "submit", "--agent", "claude", "--agent-session", "tmux:solo", "--prompt", "x", "--dry-run")
    try:
        assert "in tmux session 'solo'" in lab.project.run(*words, **env)
        assert "the agent session solo does not exist" in lab.project.run(*words, code=1)
    finally:
        subprocess.run([*tmux, "kill-server"], check=True, env=environment)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("submit", "--agent", "human"), "submit requires --prompt"),
        (("submit", "a", "--prompt", "b"), "the task is given twice"),
        (("submit", "--prompt", " "), "submit requires --prompt"),
        (("submit", "--prompt", "x", "--mode", "print"), "No such option: --mode"),
        (("submit", "--prompt", "x", "--timeout", "0"), "--timeout is 0"),
        (("submit", "--prompt", "x", "--validate", "nowhere"), "nowhere does not exist"),
        (("submit", "--prompt", "@nowhere"), "nowhere cannot be read"),
        (("status",), "Missing option '--job'"),
        (("verify", "--job", "x"), "Missing option '--validate'"),
        (("verify", "--validate", "x"), "Missing option '--job'"),
        (("logs",), "logs requires <job_id> or --list"),
        (("wait", "--any", "--all"), "--any and --all cannot be combined"),
        (("start",), "No such command 'start'"),
    ],
)
def test_a_command_that_makes_no_sense_exits_with_64(project, words, said):
    assert said in project.run("job", *words, code=64)


def test_an_interrupt_leaves_the_job_and_says_how_to_follow_it(lab):
    submitted = lab.human()
    job = lab.job()
    lab.told(job)
    submitted.send_signal(signal.SIGINT)
    code, _, err = ended(submitted)
    assert code == 130
    assert f"reconciler job wait --job {job['id']} --registry-dir {lab.jobs}" in err
    assert lab.job()["result"] is None


def test_a_public_broker_is_used_with_a_warning(lab):
    lab.project.declare()
    code, _, err = ended(
        lab.project.start(
            "job", "submit", "--agent", "human", "--prompt", "x", MQTT_BROKER="broker.hivemq.com", MQTT_PORT="1"
        )
    )
    assert code == 4
    assert "Warning: broker.hivemq.com is a public broker" in err


# --- validation -------------------------------------------------------------------------------

SEES = 'echo "$JOB_ID in $REGISTRY_DIR"; pwd; exit {}\n'


@pytest.mark.parametrize(("exit_code", "verdict", "code"), [(0, "PASS (exit 0)", 0), (3, "FAIL (exit 3)", 1)])
def test_a_script_judges_the_result(lab, exit_code, verdict, code):
    submitted = lab.human("--validate", script(lab, SEES.format(exit_code)))
    job = lab.job()
    lab.say(job, "completed")
    found, out, err = ended(submitted)
    assert (found, f"validation: {verdict}" in out) == (code, True)
    assert f"running validation: {lab.project.root / 'check'}" in err
    seen = (lab.audits / job["id"] / "validation.txt").read_text()
    assert seen == f"{job['id']} in {lab.jobs}\n{lab.project.root}\n"


def test_verify_runs_a_script_under_its_own_interpreter_and_has_its_exit_code(lab):
    job = lab.left()
    path = script(lab, "#!/usr/bin/env -S python3 -I\nimport sys; print('looked'); sys.exit(5)\n")
    said = lab.project.run("job", "verify", "--job", job["id"], "--validate", path, code=5)
    assert [line for line in said.splitlines() if job["id"] not in line] == ["looked", "verify: FAIL (exit 5)"]
    assert f"verifying job {job['id']} with {path}" in said
    passing = script(lab, "exit 0")
    assert "verify: PASS (exit 0)\n" in lab.project.run("job", "verify", "--job", job["id"], "--validate", passing)


# --- wait -------------------------------------------------------------------------------------


def test_a_job_that_was_left_alone_is_waited_for(lab):
    job = lab.left()
    waiting = lab.project.start("job", "wait", "--job", job["id"])
    lab.say(job, "completed", "at last")
    code, out, _ = ended(waiting)
    assert (code, out.splitlines()[-1]) == (0, str(lab.audits / job["id"]))
    assert (lab.audits / job["id"] / "pane.txt").exists()


def test_what_was_said_before_anybody_waited_is_heard_still(lab):
    job = lab.left()
    lab.say(job, "error", "too late for anybody")
    assert "too late for anybody" in lab.project.run("job", "wait", code=1)
    assert lab.job()["status"] == "error"


def test_of_several_jobs_the_first_or_all_are_waited_for(lab):
    first, second = lab.left(), lab.left()
    lab.say(second, "completed")
    lab.project.run("job", "wait", "--any")
    assert json.loads((lab.jobs / f"{first['id']}.json").read_text())["result"] is None
    lab.say(first, "completed")
    document = lab.project.json("job", "wait", "--all")
    assert [row["id"] for row in document["jobs"]] == [first["id"]]
    assert lab.project.run("job", "wait") == "No job is open.\n"


def test_a_record_that_cannot_be_read_may_be_an_open_job(lab):
    lab.declare()
    lab.jobs.mkdir(parents=True, mode=0o700)
    (lab.jobs / "20260625T031924123-0c7e5a9b1d2f3a4b.json").write_text("{")
    for words in (("wait",), ("wait", "--any"), ("prune", "--older-than", "1d", "--yes"), ("list",)):
        said = lab.project.run("job", *words, code=1)
        assert "the record of job 20260625T031924123-0c7e5a9b1d2f3a4b is broken" in said
        assert "No job is" not in said
        document = json.loads(lab.project.attempt("job", *words, "--json").stdout)
        assert len(document["diagnostics"]) == 1


def test_a_record_that_others_may_write_runs_nothing(lab):
    job = lab.left("--validate", script(lab, "#!/bin/sh\ntouch EXECUTED\n"))
    lab.say(job, "completed")
    lab.jobs.chmod(0o777)
    said = lab.project.run("job", "wait", code=7)
    assert "other users may write" in said
    assert "--registry-dir" in said
    assert not list(lab.project.root.rglob("EXECUTED"))


def test_a_wait_for_a_broker_that_is_away_exits_with_4(lab):
    job = lab.left()
    gone = Mosquitto(lab.broker.folder, Knobs())
    replace(lab, broker=gone).declare()
    lab.project.run("job", "wait", "--job", job["id"], code=4)
    assert lab.job()["result"] is None


def test_a_wait_may_be_cut_short_while_the_job_goes_on(lab):
    job = lab.left()
    lab.project.run("job", "wait", "--job", job["id"], "--timeout", "0.5s", code=8)
    assert lab.job()["result"] is None


# --- in the background ------------------------------------------------------------------------


def test_detached_jobs_are_followed_by_one_process_to_their_end(lab):
    path = script(lab, "echo looked; exit 3")
    first = lab.detached("--validate", path)
    second = lab.detached("--timeout", "1")
    pid = lab.follower()["pid"]
    lab.say(first, "started")
    lab.say(first, "completed", "by itself")

    ended_by_itself = wait_until(lambda: (row := status(lab, first)).get("validation") and row)
    assert (ended_by_itself["status"], ended_by_itself["validation"]["exit_code"]) == ("completed", 3)
    assert "looked" in (lab.audits / first["id"] / "validation.txt").read_text()
    wait_until(lambda: status(lab, second)["status"] == "timed_out")
    assert pid in lab.project.processes() or lab.follower() is None, "there was a second one"
    wait_until(lambda: lab.follower() is None and pid not in lab.project.processes())
    assert lab.project.run("job", "wait", "--job", first["id"], code=1).count("looked") == 1


def status(lab, job):
    return lab.project.json("job", "status", "--job", job["id"])


def test_a_follower_in_the_background_that_was_killed_is_started_again_by_the_next_command(lab):
    job = lab.detached()
    killed = lab.follower()
    assert (killed["jobs"], killed["pid"] in lab.project.processes()) == ([job["id"]], True)
    os.kill(killed["pid"], signal.SIGKILL)
    wait_until(lambda: killed["pid"] not in lab.project.processes())

    lab.say(job, "started")
    assert lab.follower() == killed, "an agent's command starts nothing"
    lab.project.run("job", "list")
    wait_until(lambda: lab.follower() not in (None, killed))
    lab.say(job, "progress", "heard")
    lab.once("running")
    assert stat.S_IMODE((lab.jobs / ".follower" / "state.json").stat().st_mode) == 0o600
    assert job["auth_token"] not in (lab.jobs / ".follower" / "log").read_text()


def test_what_a_killed_follower_left_is_finished_by_the_next_one(lab):
    job = lab.detached("--validate", script(lab, "exit 0"))
    os.kill(lab.follower()["pid"], signal.SIGKILL)
    lab.project.run("job", "cancel", "--job", job["id"])
    wait_until(lambda: status(lab, job).get("validation") and lab.follower() is None)
    assert (lab.audits / job["id"] / "pane.txt").exists()


# --- look -------------------------------------------------------------------------------------


def test_list_and_status_are_as_published(lab):
    job = lab.left()
    document = lab.project.json("job", "list")
    schema = json.loads((SCHEMAS / "jobs.schema.json").read_text())
    jsonschema.validate(document, schema)
    assert document["jobs"] == [lab.project.json("job", "status", "--job", job["id"])]
    assert "auth_token" not in document["jobs"][0]
    assert lab.project.run("job", "list").splitlines()[1].split()[:3] == [job["id"], "pending", "human"]
    assert "prompt    do it" in lab.project.run("job", "status", "--job", job["id"])


def as_published(lab, name, *words, code=0):
    document = lab.project.json("job", *words, code=code)
    jsonschema.validate(document, json.loads((SCHEMAS / f"{name}.schema.json").read_text()))
    return document


def test_what_a_job_command_prints_is_to_be_had_as_a_document(lab):
    job = lab.left()
    named = ("--job", job["id"])
    path = script(lab, "echo no; exit 3")

    said = as_published(lab, "job-publish", "publish", *named, "--event", "started")
    assert (said["id"], said["event"], said["outcome"]) == (job["id"], "started", "published")
    said = as_published(lab, "job-verify", "verify", *named, "--validate", path, code=3)
    assert (said["script"], said["validation"]) == (path, {"passed": False, "exit_code": 3, "output": "no\n"})
    [audit] = as_published(lab, "job-logs", "logs", job["id"])["audits"]
    kept = [entry["file"] for entry in audit["entries"] if entry["what"] == "kept"]
    assert kept == ["prompt.txt", "record.json", "instructions.txt", "validation.txt"]
    assert [entry["what"] for entry in audit["entries"] if entry["what"] != "kept"] == ["created", "validation"]
    assert as_published(lab, "job-logs", "logs", "--list")["audits"] == [{"id": job["id"], "folder": audit["folder"]}]
    [audit] = as_published(lab, "job-logs", "logs", job["id"], "--verify")["audits"]
    assert audit["chain"] == {"lines": 6, "foreign": 0, "broken": 0, "why": "", "files": {}}
    said = as_published(lab, "job-dry-run", "submit", "--agent", "human", "--prompt", "do it", "--dry-run")
    assert said["instructions"].endswith("Task: do it")
    assert lab.project.json("job", "cancel", *named)["status"] == "cancelled"
    lines = lab.project.attempt("job", "logs", job["id"], "--follow", "--json").stdout.splitlines()
    said = [json.loads(line)["what"] for line in lines]
    assert [what for what in said if what != "kept"] == ["created", "validation", "ended"]
    assert [row["id"] for row in as_published(lab, "jobs", "prune", "--older-than", "0")["jobs"]] == [job["id"]]


def test_a_request_for_permission_is_shown_until_the_agent_goes_on(lab):
    submitted = lab.human()
    job = lab.job()
    lab.say(job, "permission_required", "Bash: rm -r build")
    lab.once("running")
    answer = f"reconciler job answer --job {job['id']}"
    assert answer in lab.project.run("job", "status", "--job", job["id"])
    assert "asks for permission: Bash: rm -r build" in lab.project.run("job", "list")
    lab.say(job, "completed")
    _, _, err = ended(submitted)
    assert answer in err
    assert "asks for" not in lab.project.run("job", "list")


def test_the_audit_can_be_read_followed_listed_and_checked(lab):
    job = lab.left()
    following = lab.project.start("job", "logs", job["id"], "--follow")
    lab.project.run("job", "cancel", "--job", job["id"])
    code, out, _ = ended(following)
    assert (code, [line.split()[2] for line in out.splitlines()]) == (0, ["created", "ended"])
    assert lab.project.run("job", "logs", job["id"]) == out
    assert lab.project.run("job", "logs", "--list") == f"{lab.audits / job['id']}\n"
    assert "all intact" in lab.project.run("job", "logs", job["id"], "--verify")


TAMPERINGS = {
    "a line is another": (
        lambda text: text.replace('"created"', '"creates"'),
        "events.jsonl, line 3: its digest does not",
    ),
    "the last lines are missing": (
        lambda text: "".join(text.splitlines(True)[:2]),
        "line 3: the last lines are missing",
    ),
    "nothing is left": (lambda _text: "", "line 1: the file is empty or missing"),
}


@pytest.mark.parametrize(("change", "found"), TAMPERINGS.values(), ids=TAMPERINGS)
@pytest.mark.parametrize("pruned", [False, True])
def test_what_was_done_to_an_audit_is_found(lab, change, found, pruned):
    job = lab.left()
    lab.project.run("job", "cancel", "--job", job["id"])
    if pruned:
        lab.project.run("job", "prune", "--older-than", "0", "--yes")
    events = lab.audits / job["id"] / "events.jsonl"
    events.write_text(change(events.read_text()))
    assert found in lab.project.run("job", "logs", job["id"], "--verify", code=1)


@pytest.mark.parametrize("name", ["record.json", "prompt.txt", "instructions.txt"])
def test_a_file_of_an_audit_that_was_replaced_is_found(lab, name):
    job = lab.left()
    path = lab.audits / job["id"] / name
    path.write_text(path.read_text() + " ")
    assert f"{name}: its content has changed" in lab.project.run("job", "logs", job["id"], "--verify", code=1)
    path.unlink()
    assert f"{name}: it is missing" in lab.project.run("job", "logs", job["id"], "--verify", code=1)


def test_the_audit_is_where_the_environment_says(lab):
    code, out, _ = ended(lab.human("--detach", DELEGATE_JOB_LOGS_DIR=str(lab.project.home / "elsewhere")))
    assert code == 0
    assert out.splitlines()[-1] == str(lab.project.home / "elsewhere" / lab.job()["id"])


# --- end, again, forget -----------------------------------------------------------------------


def test_a_cancelled_job_ends_for_whoever_follows_it(lab):
    submitted = lab.human()
    job = lab.job()
    lab.told(job)
    lab.project.run("job", "cancel", "--job", job["id"])
    assert ended(submitted)[0] == 1
    assert "has already ended: cancelled" in lab.project.run("job", "cancel", "--job", job["id"], code=1)


def test_an_ended_job_can_be_tried_again(lab):
    old = lab.left("--timeout", "77")
    assert "has not ended" in lab.project.run("job", "retry", old["id"], code=7)
    lab.project.run("job", "cancel", "--job", old["id"])
    lab.project.run("job", "retry", old["id"], "--detach")
    new = lab.job(2)
    assert (new["retry_of"], new["retries"], new["prompt"], new["timeout"]) == (old["id"], 1, old["prompt"], 77)


def test_only_jobs_that_ended_long_ago_are_forgotten_and_only_when_told(lab):
    ended_job, _open_job = lab.left(), lab.left()
    lab.project.run("job", "cancel", "--job", ended_job["id"])
    prune = ("job", "prune", "--older-than")
    assert "Deleted 0 jobs" in lab.project.run(*prune, "1d", "--yes")
    assert f"{ended_job['id']}  cancelled\n1 job would be deleted" in lab.project.run(*prune, "0s")
    assert len(list(lab.jobs.iterdir())) == 4
    lab.project.run(*prune, "0s", "--yes")
    assert not [path for path in lab.jobs.iterdir() if ended_job["id"] in path.name]
    assert len(list(lab.jobs.iterdir())) == 2
    assert "cancelled" in lab.project.run("job", "logs", ended_job["id"])


# --- publish ----------------------------------------------------------------------------------


def test_an_event_that_the_broker_refuses_exits_with_2(lab):
    job = lab.left()
    (lab.project.home / "broker" / "clients" / "claude-worker.password").write_text("wrong")
    done = lab.say(job, "started")
    assert (done.returncode, "failed: started" in done.stderr) == (2, True)


def test_an_event_waits_on_disk_while_the_broker_is_away(project, tmp_path):
    with running(tmp_path) as broker:
        lab = Lab(project, broker)
        job = lab.left()
        broker.stop()
        done = lab.say(job, "completed", "meanwhile")
        assert (done.returncode, "waits on disk" in done.stderr) == (0, True)
        broker.start()
        assert "meanwhile" in lab.project.run("job", "wait", "--job", job["id"])


@pytest.mark.parametrize(("job_id", "code"), [("20260101T000000000-0000000000000000", 1), ("../../etc/x", 64)])
def test_nothing_is_published_for_a_job_that_is_not_there(lab, job_id, code):
    lab.declare()
    lab.project.run("job", "publish", "--job", job_id, "--event", "started", code=code)


def test_the_interpreter_of_the_publish_commands_can_be_chosen(lab):
    python = os.path.realpath("/usr/bin/env")
    lab.declare()
    words = ("job", "submit", "--agent", "human", "--prompt", "x", "--dry-run")
    said = lab.project.run(*words, DELEGATE_JOB_PYTHON=python)
    assert f"On start run: {python} -P -m reconciler job publish" in said

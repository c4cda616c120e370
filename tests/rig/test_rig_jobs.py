"""Jobs from one machine to another, over a network that can be cut."""

from __future__ import annotations

import json

import pytest
from away import SESSION
from delegating import ended
from job_hosts import pair
from machines import Rig
from seen import watched
from waiting import wait_until


@pytest.mark.parametrize("backend", ["mqtt", "nats"])
def test_a_job_is_done_on_another_host_and_no_command_line_shows_its_token(rig: Rig, backend: str):
    with pair(rig, backend) as (a, b):
        with watched(a.machine) as seen_on_a, watched(b.machine) as seen_on_b:
            submitted = a.submit("--host", "two")
            job = a.record()
            wait_until(lambda: "two: not claimed" in a.run("job", "status", "--job", job["id"]))
            b.runner()
            job = b.once(status="delivered")
            b.say(job, "completed", "all done")
            code, out, err = ended(submitted)
        assert (code, out.splitlines()[0]) == (0, f"{job['id']}  completed: all done"), err
        assert b.typed("do it") == 1
        for seen in (seen_on_a.read_text(errors="replace"), seen_on_b.read_text(errors="replace")):
            assert " job submit " in seen or " job publish " in seen, "the watcher saw the commands of the job"
            assert job["auth_token"] not in seen
        assert job["auth_token"] not in out + err + b.said()


def test_a_runner_that_was_killed_before_it_typed_and_after_types_once(rig: Rig):
    with pair(rig, "mqtt") as (a, b):
        b.keys("-l", "please ask")
        b.keys("Enter")
        wait_until(lambda: "Do you want to" in b.screen())
        b.runner()
        submitted = a.submit("--host", "two")
        job = a.once(host="two")
        wait_until(lambda: f"{job['id']}  waits: {SESSION}" in b.said())
        b.kill()
        assert b.typed("do it") == 0
        b.keys("Escape")
        wait_until(lambda: "Do you want to" not in b.screen())
        b.runner()
        job = b.once(status="delivered")
        b.kill()
        b.say(job, "completed", "while no runner ran")
        assert a.record()["status"] != "completed"
        b.runner()
        code, out, _ = ended(submitted)
        assert (code, "completed: while no runner ran" in out) == (0, True)
        assert b.typed("do it") == 1


def test_a_job_on_a_host_whose_link_is_down_stays_open_and_its_end_comes_later(rig: Rig):
    with pair(rig, "mqtt") as (a, b):
        b.runner()
        submitted = a.submit("--host", "two")
        job = b.once(status="delivered")
        a.once(host="two")
        rig.link("two", "down")
        b.say(job, "completed", "without a link")
        b.once(status="completed")
        wait_until(lambda: "one:8883 does not answer" in b.said())
        shown = json.loads(a.run("job", "status", "--job", job["id"], "--json"))
        assert (shown["status"], shown["result"]) == ("pending", None)
        assert "gone" not in a.run("job", "list") + a.run("job", "status", "--job", job["id"])
        assert submitted.poll() is None
        rig.link("two", "up")
        code, out, _ = ended(submitted)
        assert (code, "completed: without a link" in out) == (0, True)
        assert b.typed("do it") == 1

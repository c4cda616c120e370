"""Word to the person at the machine."""

from __future__ import annotations

import io

import pytest
from msgspec.structs import replace
from passes import agent, gone, seen

from reconciler.model.activity import Activity
from reconciler.monitor.sinks.desktop import Desktop
from reconciler.ports.processes import RealProcesses

WAITING = agent(activity=Activity.WAITING)


@pytest.fixture
def notifier(tmp_path):
    """A notify-send that writes down what it was told, one argument a line."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "notify-send"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >>{tmp_path}/heard\n')
    program.chmod(0o755)
    return tmp_path


def told(path, *passes):
    terminal = io.StringIO()
    sink = Desktop(RealProcesses(), {"PATH": path}, terminal)
    for each in passes:
        sink.tell(each)
    return terminal.getvalue()


def test_without_notify_send_a_bell_rings():
    assert told("/nowhere", seen(agents=[WAITING])) == "\alab-creator-claude waits for a permission.\n"


def test_a_wait_is_told_once_and_again_only_after_it_was_over():
    passes = [seen(agents=[each]) for each in (WAITING, WAITING, agent(), WAITING)]
    assert told("/nowhere", *passes).count("waits") == 2


def test_a_wait_goes_on_through_a_pass_that_saw_nothing():
    passes = [seen(agents=[WAITING]), replace(seen(), blind=True), seen(agents=[WAITING])]
    assert told("/nowhere", *passes).count("waits") == 1


def test_a_death_is_told_and_other_drifts_are_not():
    assert told("/nowhere", seen(gone(letter="C"), gone(), gone("codex", "E"), gone(letter="B"))).splitlines() == [
        "\alab-creator-claude: tmux gone.",
        "\alab-creator-codex: tmux gone.",
    ]


def test_notify_send_is_used_where_it_is_and_reads_no_markup(notifier):
    assert told(f"{notifier}/bin:/usr/bin:/bin", seen(gone("<b>&"))) == ""
    heard = (notifier / "heard").read_text().splitlines()
    assert heard[-3:] == ["--", "reconciler", "lab-creator-&lt;b&gt;&amp;: tmux gone."]


def test_a_notify_send_without_a_desktop_leaves_it_to_the_bell(notifier):
    (notifier / "bin" / "notify-send").write_text("#!/bin/sh\nexit 1\n")
    assert told(f"{notifier}/bin:/usr/bin:/bin", seen(gone())).startswith("\a")

"""Each row about delegate-job in docs/from-the-scripts.md is shown by a test."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from reconciler.cli.run import run

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "from-the-scripts.md"
HEADINGS = {
    "Commands of delegate-job",
    "Options of delegate-job",
    "Environment variables",  # the table of all but MQTT_*
    "Messages of delegate-job",
}
SHOWN_BY = {
    "`submit`": "test_a_job_goes_to_a_live_agent_and_its_result_comes_back",
    "`status`": "test_list_and_status_are_as_published",
    "`list`": "test_list_and_status_are_as_published",
    "`verify`": "test_verify_runs_a_script_under_its_own_interpreter_and_has_its_exit_code",
    "`wait`": "test_of_several_jobs_the_first_or_all_are_waited_for",
    "`logs`": "test_the_audit_can_be_read_followed_listed_and_checked",
    "`help`, or nothing at all": "test_help_is_a_command_of_every_group",
    "`--agent claude-code`": "test_a_session_that_the_project_does_not_know_is_named_with_its_cli",
    "`--agent human`": "test_a_human_reads_the_instructions_and_publishes_the_events",
    "`--prompt`": "test_prompts_come_from_a_file_or_from_standard_input",
    "`--workdir`": "test_the_work_and_the_records_may_be_anywhere",
    "`--agent-session tmux:claude`": "test_a_session_that_the_project_does_not_know_is_named_with_its_cli",
    "`--timeout 3600`, `--idle-timeout 120`": "test_a_job_that_takes_too_long_ends_with_a_code_of_its_own",
    "`--validate`": "test_a_script_judges_the_result",
    "`--registry-dir .mam/jobs`": "test_the_work_and_the_records_may_be_anywhere",
    "`--dry-run`": "test_a_dry_run_prints_what_the_agent_would_be_told_and_makes_nothing",
    "`--mode`": "test_a_command_that_makes_no_sense_exits_with_64",
    "`--job`": "test_a_job_that_was_left_alone_is_waited_for",
    "`--list`": "test_the_audit_can_be_read_followed_listed_and_checked",
    "`--event`, `--detail`": "test_a_human_reads_the_instructions_and_publishes_the_events",
    "`--wait-any`": "test_of_several_jobs_the_first_or_all_are_waited_for",
    "`-h`, `--help`": "test_help_is_a_command_of_every_group",
    "`DELEGATE_JOB_LOGS_DIR`": "test_the_audit_is_where_the_environment_says",
    "`DELEGATE_JOB_PYTHON`": "test_the_interpreter_of_the_publish_commands_can_be_chosen",
    "`TMUX_SERVER_NAME`": "test_the_session_is_looked_for_on_the_tmux_server_that_the_environment_names",
    "`JOB_ID`, `REGISTRY_DIR`": "test_a_script_judges_the_result",
    "`WORKDIR`": "test_the_work_and_the_records_may_be_anywhere",
    "`RECONCILE_POLL_INTERVAL`": "test_without_a_broker_it_polls_and_tries_again",
    "`AGENT_SESSIONS_STATE_DIR`": "test_the_folder_for_what_was_told_can_be_chosen",
    "`HERMES_KANBAN_TASK`": "test_a_monitor_in_a_worker_reports_to_the_card_of_the_worker",
    "`WORKSPACE_ROOT`": "test_paths_become_absolute",
    "`AGENT`, `AGENT_SESSION`, `PROMPT`, `TIMEOUT`, `IDLE_TIMEOUT`, `VALIDATE`, `DRY_RUN`": (
        "test_no_variable_of_the_environment_stands_for_an_option"
    ),
    "`SCRIPT_DIR`, `REGISTRY_DIR_DEFAULT`, `BASH_SOURCE`, `PY`, `JID`, `PWD`": (
        "test_no_variable_of_the_environment_stands_for_an_option"
    ),
    "`registered job: ID`": "test_a_job_goes_to_a_live_agent_and_its_result_comes_back",
    "`subscriber pid: PID`": "test_detached_jobs_are_followed_by_one_process_to_their_end",
    "`[dry-run] would delegate task to running agent`": (
        "test_a_dry_run_prints_what_the_agent_would_be_told_and_makes_nothing"
    ),
    "`[human agent] complete the task`": "test_a_human_reads_the_instructions_and_publishes_the_events",
    "`에이전트 세션 NAME` (the session does not exist), with `multi-agent-mux-resume`": (
        "test_an_agent_that_does_not_run_is_not_started"
    ),
    "`살아있는 에이전트 세션 NAME`, `작업이 세션 NAME` (the task was sent)": (
        "test_a_job_goes_to_a_live_agent_and_its_result_comes_back"
    ),
    "`agent bootstrap failed`": "test_an_agent_that_is_not_free_gets_nothing_and_the_job_ends_in_error",
    "`running validation: SCRIPT`": "test_a_script_judges_the_result",
    "`validation: PASS`, `validation: FAIL (exit N)`": "test_a_script_judges_the_result",
    "`subscriber output:`": "test_a_job_goes_to_a_live_agent_and_its_result_comes_back",
    "`verifying job ID with SCRIPT`": "test_verify_runs_a_script_under_its_own_interpreter_and_has_its_exit_code",
    "`verify: PASS (exit 0)`, `verify: FAIL (exit N)`": (
        "test_verify_runs_a_script_under_its_own_interpreter_and_has_its_exit_code"
    ),
    "`submit requires --prompt`": "test_a_command_that_makes_no_sense_exits_with_64",
    "`status requires --job`": "test_a_command_that_makes_no_sense_exits_with_64",
    "`verify requires --job`, `verify requires --validate`": "test_a_command_that_makes_no_sense_exits_with_64",
    "`logs requires <job_id> or --list`": "test_a_command_that_makes_no_sense_exits_with_64",
    "`unknown option`, `unknown command`": "test_a_command_that_makes_no_sense_exits_with_64",
    "`this skill requires tmux`, `Install with: brew install tmux`": "test_without_tmux_its_absence_is_told",
    "`paho-mqtt package is missing`, `Please create a virtual environment`, `python3 -m venv .venv`": (
        "test_the_library_for_mqtt_is_installed_with_us"
    ),
    "the audit folder, as the last line": "test_a_job_goes_to_a_live_agent_and_its_result_comes_back",
    "`Your job_id is` and so on": "test_a_human_reads_the_instructions_and_publishes_the_events",
}


def test_every_row_of_the_table_has_a_test() -> None:
    parts = re.split(r"^## (.*)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    told = [text.rpartition("\n|---|---|\n")[2] for title, text in pairwise(parts) if title in HEADINGS]
    rows = [row for table in told for row in re.findall(r"^\| (.*?) \| .* \|$", table, re.MULTILINE)]
    assert rows == list(SHOWN_BY)
    written = "".join(path.read_text("utf-8") for path in TESTS.rglob("test_*.py"))
    assert [name for name in SHOWN_BY.values() if f"def {name}(" not in written] == []


def test_the_library_for_mqtt_is_installed_with_us() -> None:
    project = (TESTS.parent / "pyproject.toml").read_text("utf-8")
    assert re.search(r'^dependencies = \[[^\]]*"paho-mqtt', project, re.MULTILINE)


def test_no_variable_of_the_environment_stands_for_an_option(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = {
        name for row in SHOWN_BY if SHOWN_BY[row].endswith("stands_for_an_option") for name in row.split("`")[1::2]
    }
    assert {"PROMPT", "AGENT", "DRY_RUN", "PWD"} <= names
    (tmp_path / "reconciler.yaml").write_text("version: 1\nworkspaces: {}\n")
    for name in names:
        monkeypatch.setenv(name, "1")
    assert run(["-C", str(tmp_path), "job", "submit"]) == 64
    assert not (tmp_path / ".mam").exists()

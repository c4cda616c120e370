"""Each row of the table in docs/jobs.md says how the seed's script is replaced, and has a test that shows it."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "jobs.md"
SHOWN_BY = {
    "`submit`": "test_a_job_goes_to_a_live_agent_and_its_result_comes_back",
    "`status`": "test_list_and_status_are_as_published",
    "`list`": "test_list_and_status_are_as_published",
    "`verify`": "test_verify_runs_a_script_under_its_own_interpreter_and_has_its_exit_code",
    "`wait`": "test_of_several_jobs_the_first_or_all_are_waited_for",
    "`logs`": "test_the_audit_can_be_read_followed_listed_and_checked",
    "`help`, or nothing at all": "test_the_help_names_every_command",
    "`--agent claude-code`": "test_a_session_that_the_project_does_not_know_is_named_with_its_cli",
    "`--agent human`": "test_a_human_reads_the_instructions_and_publishes_the_events",
    "`--prompt`": "test_prompts_come_from_a_file_or_from_standard_input",
    "`--workdir`": "test_the_work_and_the_records_may_be_anywhere",
    "`--agent-session tmux:claude`": "test_a_session_that_the_project_does_not_know_is_named_with_its_cli",
    "`--timeout 3600`, `--idle-timeout 120`": "test_a_job_that_takes_too_long_ends_with_a_code_of_its_own",
    "`--validate`": "test_a_script_judges_the_result",
    "`--registry-dir .mam/jobs`": "test_the_work_and_the_records_may_be_anywhere",
    "`--dry-run`": "test_a_dry_run_prints_what_the_agent_would_be_told_and_makes_nothing",
    "`--job`": "test_a_job_that_was_left_alone_is_waited_for",
    "`registered job: ID`": "test_a_job_goes_to_a_live_agent_and_its_result_comes_back",
    "`subscriber pid: PID`": "test_detached_jobs_are_followed_by_one_process_to_their_end",
    "`[dry-run] would delegate task to running agent`": (
        "test_a_dry_run_prints_what_the_agent_would_be_told_and_makes_nothing"
    ),
    "`[human agent] complete the task`": "test_a_human_reads_the_instructions_and_publishes_the_events",
    "session does not exist (in Korean)": "test_an_agent_that_does_not_run_is_not_started",
    "the task was sent (in Korean)": "test_a_job_goes_to_a_live_agent_and_its_result_comes_back",
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
    "`this skill requires tmux`": "test_without_tmux_its_absence_is_told",
    "`paho-mqtt package is missing`": "test_the_library_for_mqtt_is_installed_with_us",
    "the audit folder, as the last line": "test_a_job_goes_to_a_live_agent_and_its_result_comes_back",
    "`Your job_id is` and so on": "test_a_human_reads_the_instructions_and_publishes_the_events",
    "`DELEGATE_JOB_LOGS_DIR`": "test_the_audit_is_where_the_environment_says",
    "`DELEGATE_JOB_PYTHON`": "test_the_interpreter_of_the_publish_commands_can_be_chosen",
    "`TMUX_SERVER_NAME`": "test_the_session_is_looked_for_on_the_tmux_server_that_the_environment_names",
    "`JOB_ID`, `REGISTRY_DIR`": "test_a_script_judges_the_result",
    "`WORKDIR`": "test_the_work_and_the_records_may_be_anywhere",
}


def test_every_row_of_the_table_has_a_test() -> None:
    table = PAGE.read_text("utf-8").partition("## From the delegate-job script")[2].partition("|---|---|\n")[2]
    rows = re.findall(r"^\| (.*?) \| .* \|$", table, re.MULTILINE)
    assert rows == list(SHOWN_BY)
    written = "".join(path.read_text("utf-8") for path in TESTS.rglob("test_*.py"))
    assert [name for name in SHOWN_BY.values() if f"def {name}(" not in written] == []


def test_the_library_for_mqtt_is_installed_with_us() -> None:
    project = (TESTS.parent / "pyproject.toml").read_text("utf-8")
    assert re.search(r'^dependencies = \[[^\]]*"paho-mqtt', project, re.MULTILINE)

"""What agents are told."""

from __future__ import annotations

import shlex
import sys

import pytest

from reconciler.jobs.instructions import instructions, publish_command
from reconciler.model.event_kind import EventKind

ID = "20260625T031924123-0c7e5a9b1d2f3a4b"


@pytest.mark.parametrize("kind", [kind for kind in EventKind if kind.is_of_agents])
def test_every_event_has_its_command(kind):
    assert f": PUBLISH --event {kind}" in instructions(ID, "do it", "PUBLISH")


def test_the_id_comes_first_and_the_task_last():
    text = instructions(ID, "first\n\nsecond ", "PUBLISH")
    assert text.startswith(f'Your job_id is "{ID}" (the one just registered for THIS delegation')
    assert text.endswith("\nTask: first\n\nsecond ")


def test_a_folder_with_any_name_is_one_word_of_the_command():
    folder = '/srv/it\'s; $(touch ran) "here"'
    words = shlex.split(publish_command(ID, folder, {}))
    assert words == [sys.executable, "-P", "-m", "reconciler", "job", "publish", "--registry-dir", folder, "--job", ID]

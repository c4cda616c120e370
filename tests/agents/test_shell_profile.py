from __future__ import annotations

from reconciler.agents.profile import Subject
from reconciler.agents.shell import PROFILE
from reconciler.model.snapshot import Activity, LiveAgent

SUBJECT = Subject("/home/u/lab", "/home/u", {})


def test_a_shell_has_no_conversation_to_begin_to_resume_or_to_look_for() -> None:
    assert (PROFILE.chooses_id, PROFILE.resumes, PROFILE.has_artifacts) == (False, False, False)
    assert (PROFILE.artifacts(SUBJECT, "x"), PROFILE.stores(SUBJECT), PROFILE.notes(SUBJECT, 7)) == ((), (), ())
    assert (PROFILE.rows(SUBJECT), PROFILE.held("/x"), PROFILE.read_head("/x", b"")) == (None, "", None)


def test_nothing_tells_what_it_does() -> None:
    assert not PROFILE.tells_activity
    assert PROFILE.activity("make") is Activity.UNKNOWN
    assert PROFILE.screen(["$ "], "") == LiveAgent()


def test_it_ends_by_its_own_word() -> None:
    assert PROFILE.quit == "exit"

"""What each class of drift, each reason of a change and each severity means, in a few words.

docs/reference.md has the same words; a test compares them.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.drift_class import DriftClass

DRIFT: Mapping[str, str] = {each.value: each.meaning for each in DriftClass}

CHANGES: Mapping[str, str] = {
    "declared": "in the manifest, not created yet",
    "session_gone": "its session is gone",
    "agent_exited": "the agent has exited, or something else runs in its pane",
    "spec_changed": "its manifest block changed",
    "label_changed": "a label changed, such as `protect`",
    "session_renamed": "its session gets another name",
    "state_changed": "its manifest block asks for another state",
    "unrecorded": "it runs with this project's tags, but the registry has no row for it",
    "requested": "requested: `--replace`, `destroy`, `import`, `delete`",
    "not_declared": "no longer in any manifest",
    "kept_uncommitted_work": "the worktree is kept: it has uncommitted files",
    "kept_unpushed_work": "the worktree is kept: it has commits that exist nowhere else",
    "kept_not_empty": "the folder is kept: it is not empty",
    "kept_not_ours": "the folder is kept: reconciler did not make it",
    "kept_in_use": "the workspace is kept: it is still in use",
    "stopped_by_hand": "`stop` or `archive` stopped it; it stays stopped until `resume`",
    "protected": "the agent is kept: it is protected",
    "busy": "deferred: it is busy",
    "waiting_for_permission": "deferred: it waits at a permission prompt",
    "state_unknown": "deferred: cannot tell whether it is busy",
    "conversation_ambiguous": "deferred: cannot tell which of the stored conversations is its own",
    "conversation_in_use_elsewhere": "deferred: a running process outside its session uses its conversation",
    "conversation_missing": "deferred: its stored conversation is missing from the disk",
    "conversation_of_another_folder": "deferred: its CLI may not find the conversation from the agent's new folder",
    "pane_moved": "deferred: its pane was moved by hand, or another agent is in its session, too",
    "uncertain": "the worktree is kept: git could not tell whether its work is saved",
    "not_running": "the broker is not running",
    "made_by_hand": "the broker was made by hand and is taken over",
    "edited_by_hand": "files of the broker were changed by hand",
    "withheld": "nothing is done about it; a diagnostic says why",
}

DIAGNOSTICS: Mapping[str, str] = {
    "error": "nothing is applied until it is fixed; exit code 1",
    "refusal": "a guard refused; nothing is applied; exit code 7",
    "warning": "worth knowing",
}

_KINDS: Mapping[str, Mapping[str, str]] = {"drift": DRIFT, "change": CHANGES, "diagnostic": DIAGNOSTICS}


def meaning(rule: str) -> str:
    """What a rule such as `drift/A` means; the rule itself when it comes from a newer document and is not known."""
    kind, _, code = rule.partition("/")
    return _KINDS.get(kind, {}).get(code, rule)

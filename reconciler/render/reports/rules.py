"""What each class of drift, each reason of a change and each severity means, in a few words.

The same words stand in docs/reference.md; a test compares.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.drift_class import DriftClass

DRIFT: Mapping[str, str] = {each.value: each.meaning for each in DriftClass}

CHANGES: Mapping[str, str] = {
    "declared": "in the manifest, not there yet",
    "session_gone": "its session is gone",
    "agent_exited": "its pane is dead, or holds something else",
    "spec_changed": "its manifest block changed",
    "label_changed": "a label changed, such as `protect`",
    "session_renamed": "its session gets another name",
    "state_changed": "the wanted state is another one",
    "unrecorded": "live and ours, but the registry does not know it",
    "requested": "asked for: `--replace`, `destroy`, `import`, `delete`",
    "not_declared": "no longer in any manifest",
    "kept_uncommitted_work": "the worktree stays: files are not committed",
    "kept_unpushed_work": "the worktree stays: commits are nowhere else",
    "kept_not_empty": "the folder stays: something is in it",
    "kept_not_ours": "the folder stays: reconciler did not make it",
    "kept_in_use": "the workspace stays: it is still in use",
    "stopped_by_hand": "it rests by `stop` or `archive`, until `resume`",
    "protected": "the agent stays: it is protected",
    "busy": "deferred: it is busy",
    "waiting_for_permission": "deferred: it waits at a permission prompt",
    "state_unknown": "deferred: nothing shows whether it is at work",
    "conversation_ambiguous": "deferred: stored conversations may be its own, and nothing proves it",
    "conversation_in_use_elsewhere": "deferred: a living process outside its session has its conversation",
    "conversation_missing": "deferred: its conversation was stored once, and is not on disk now",
    "conversation_of_another_folder": "deferred: its CLI may not find the conversation from its present folder",
    "pane_moved": "deferred: its pane was moved by hand, or its session holds another agent, too",
    "uncertain": "the worktree stays: git could not tell",
    "not_running": "the broker does not run",
    "made_by_hand": "the broker was made by hand, and is taken over",
    "edited_by_hand": "files of the broker were changed by hand",
    "withheld": "a diagnostic says why nothing may be done",
}

DIAGNOSTICS: Mapping[str, str] = {
    "error": "nothing is applied until it is settled; exit code 1",
    "refusal": "a guard said no; nothing is applied; exit code 7",
    "warning": "worth knowing",
}

_KINDS: Mapping[str, Mapping[str, str]] = {"drift": DRIFT, "change": CHANGES, "diagnostic": DIAGNOSTICS}


def meaning(rule: str) -> str:
    """What a rule such as `drift/A` is about; the rule itself when a newer document has one that is not known."""
    kind, _, code = rule.partition("/")
    return _KINDS.get(kind, {}).get(code, rule)

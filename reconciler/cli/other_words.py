"""Words that people bring from other tools: what to type instead of one that means nothing here."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.errors import UsageError

_STOP, _DELETE = "reconciler stop NAME", "reconciler delete NAME"
_ATTACH, _CREATE = "reconciler attach NAME", "reconciler create WORKSPACE"
_SEND, _PEEK = "reconciler send NAME TEXT", "reconciler peek NAME"
_STATUS, _UNDO = "reconciler status", "reconciler rollback"

# A word with one meaning here is a hidden command of the catalogue instead.
INSTEAD: Mapping[str, tuple[str, ...]] = {
    "kill": (_STOP, f"{_STOP} --now"),
    "kill-session": (_STOP, _DELETE),
    "kill-server": ("reconciler destroy",),
    "terminate": (_STOP, f"{_STOP} --now"),
    "end": (_STOP, _DELETE),
    "pause": (_STOP,),
    "unpause": ("reconciler resume NAME",),
    "rm": (_DELETE, "reconciler destroy"),
    "remove": (_DELETE, "reconciler destroy"),
    "list": (_STATUS, "reconciler job list"),
    "list-sessions": (_STATUS, "reconciler unmanaged"),
    "get": (_STATUS, "reconciler show NAME"),
    "describe": ("reconciler status NAME", "reconciler show NAME"),
    "inspect": ("reconciler show NAME", "reconciler explain NAME"),
    "top": ("reconciler status --watch",),
    "watch": ("reconciler status --watch", "reconciler monitor"),
    "run": (_CREATE, "reconciler apply"),
    "new": (_CREATE, "reconciler init"),
    "add": (_CREATE,),
    "new-session": (_CREATE,),
    "create-session": (_CREATE,),
    "exec": (_ATTACH, _SEND),
    "connect": (_ATTACH,),
    "enter": (_ATTACH,),
    "open": (_ATTACH,),
    "attach-session": (_ATTACH,),
    "submit": (_SEND, "reconciler job submit --agent NAME --prompt TEXT"),
    "prompt": (_SEND,),
    "tell": (_SEND,),
    "ask": (_SEND,),
    "send-keys": (_SEND, "reconciler answer NAME"),
    "approve": ("reconciler answer NAME",),
    "deny": ("reconciler answer NAME",),
    "capture-pane": (_PEEK,),
    "tail": (f"{_PEEK} --follow", "reconciler last NAME"),
    "follow": (f"{_PEEK} --follow",),
    "stats": ("reconciler usage", _STATUS),
    "cost": ("reconciler usage",),
    "tokens": ("reconciler usage",),
    "deploy": ("reconciler apply",),
    "sync": ("reconciler apply", "reconciler refresh"),
    "check": ("reconciler validate", "reconciler drift"),
    "lint": ("reconciler validate",),
    "format": ("reconciler fmt",),
    "preview": ("reconciler plan",),
    "taint": ("reconciler restart NAME",),
    "undo": (_UNDO,),
    "revert": (_UNDO,),
    "log": ("reconciler history", "reconciler job logs"),
    "sessions": (_STATUS, "reconciler conversations"),
    "agents": (_STATUS,),
    "completion": ("reconciler --install-completion",),
}


def refuse(word: str) -> None:
    """Say what to type instead of `word`. Raises UsageError for a word of the list above, and does nothing else."""
    if word in INSTEAD:
        raise UsageError(f"there is no command {word}", fix=f"did you mean `{'` or `'.join(INSTEAD[word])}`?")

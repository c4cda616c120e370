"""Cursor's CLI (`cursor-agent`), from its documentation and its users' threads. We have not run it.

The CLI chooses the id. A conversation is a folder with a database, below a folder that is named after the MD5 of the
workspace's path.
"""

from __future__ import annotations

from .declared import profile_of
from .form import TrustForm, TypeForm
from .launch import SESSION_ID
from .usage import ENDS, Usage

_CHATS = "{CURSOR_CONFIG_DIR}/chats"
_STORE = f"{_CHATS}/{{cwd_md5}}/{SESSION_ID}/store.db"

PROFILE = profile_of(
    TypeForm(
        name="cursor-agent",
        source="its documentation, and its users' threads; it was not run",
        command=("cursor-agent",),
        resume=("--resume", SESSION_ID),
        command_line=Usage(
            resume=("--resume",),
            newest=("--continue", "resume"),
            folder=("--workspace",),
            switches=("--approve-mcps", "--force", "-f", "--trust", "--yolo"),
            once=("--print", "-p", *ENDS),
            commands=(
                "about",
                "acp",
                "create-chat",
                "generate-rule",
                "install-shell-integration",
                "login",
                "logout",
                "ls",
                "mcp",
                "models",
                "rule",
                "status",
                "uninstall-shell-integration",
                "update",
                "whoami",
                "worker",
            ),
        ),
        trust=TrustForm(args=("--trust",)),
        quit="/quit",
        resume_line=(f"cursor-agent --resume {SESSION_ID}", f"cursor-agent --resume={SESSION_ID}"),
        id="uuid",
        variables={"CURSOR_CONFIG_DIR": "~/.cursor"},
        roots=("{CURSOR_CONFIG_DIR}",),
        # The chat under this folder first, then under any folder: the workspace may have moved.
        artifacts=(_STORE, f"{_CHATS}/*/{SESSION_ID}/store.db"),
        stores=(_STORE,),
        belongs=("{folder}",),  # the folder of the conversation, with everything in it
        opaque=True,
        held=tuple(f"**/chats/{{cwd_md5}}/{SESSION_ID}/store.db{end}" for end in ("", "-wal", "-shm")),
        screens_file="cursor-agent",
        tells_activity=False,
    )
)

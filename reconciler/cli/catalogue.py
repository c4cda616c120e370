"""Every command by its name, where it is, and its line in `--help`: no file of a command is loaded to list it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias


class Command(NamedTuple):
    """A command: the file in `commands` and the function there; `summary` is the first sentence of its docstring."""

    file: str
    function: str
    summary: str
    hidden: bool = False


class Group(NamedTuple):
    """Commands under one name."""

    summary: str
    commands: Mapping[str, Entry]
    hidden: bool = False


Entry: TypeAlias = Command | Group


# In the order of --help.
CATALOGUE: Mapping[str, Entry] = {
    "init": Command("init", "init", "Write a commented manifest to start from."),
    "validate": Command("validate", "validate", "Check manifests: all mistakes of all files at once."),
    "fmt": Command("fmt", "fmt", "Write manifests in one style, comments and all."),
    "plan": Command("plan", "plan", "Show what apply would do."),
    "apply": Command("plan", "apply", "Make it so: start, resume, restart and end agents."),
    "destroy": Command("plan", "destroy", "End every agent and every broker."),
    "explain": Command("explain", "explain", "Say why something is planned for an address, or nothing."),
    "graph": Command("graph", "graph", "Draw workspaces, agents, users and topics as a graph."),
    "status": Command("status", "status", "Show every agent in one line, or one in detail."),
    "show": Command("status", "show", "Show a saved plan, one address, or all that is recorded."),
    "unmanaged": Command("status", "unmanaged", "List live sessions that look like ours."),
    "drift": Command("drift", "drift", "Tell where the registry and the live world differ."),
    "refresh": Command("drift", "refresh", "Bring the registry up to date with what is live."),
    "monitor": Command("monitor", "monitor", "Watch the agents, and tell what is new, once."),
    "stop": Command("stop", "stop", "Stop agents; they stay stopped until `resume`."),
    "resume": Command("stop", "resume", "Start agents again, each in its own conversation."),
    "archive": Command("stop", "archive", "Stop agents for good; they stay archived until `resume`."),
    "attach": Command("stop", "attach", "Attach this terminal to an agent's session."),
    "conversations": Command("stop", "conversations", "List every conversation on disk for the workspaces."),
    "history": Command("history", "history", "List what was applied; show one of it, or an agent's past."),
    "rollback": Command("history", "rollback", "Go back to an earlier generation."),
    "confirm": Command("history", "confirm", "Keep what was applied with --confirm-within."),
    "await-confirmation": Command(
        "history",
        "await_confirmation",
        "Go back when an apply is not confirmed in time; started by that apply.",
        hidden=True,
    ),
    "create": Command("create", "create", "Declare an agent and start it."),
    "delete": Command("create", "delete", "End agents, forget them, and take them out of the manifest."),
    "import": Command("import_", "import_", "Adopt a live session into the manifests."),
    "unlock": Command("lock", "unlock", "Remove a lock that was left behind."),
    "reconnect": Command("reconnect", "reconnect", "Let a running tmux server make its socket again."),
    "schema": Group(
        "JSON Schemas of the files and documents.",
        {
            "print": Command("schema", "schema_print", "Print the JSON Schema (draft 07) of a file or document."),
            "check": Command("schema", "schema_check", "Hold files against the JSON Schema of a document."),
        },
    ),
    "lock": Group(
        "Look at the project's lock.",
        {
            "status": Command("lock", "lock_status", "Say who holds the lock, since when and for what."),
        },
    ),
    "job": Group(
        "Hand prompts to live agents.",
        {
            "submit": Command("job", "submit", "Hand a prompt to a live agent, and follow it to its end."),
            "status": Command("job", "status", "Show one job: its record without its secrets."),
            "list": Command("job", "list_jobs", "List all jobs, the oldest first."),
            "verify": Command("job", "verify", "Have a script judge what a job has made."),
            "wait": Command("job", "wait", "Follow jobs until they end."),
            "logs": Command("job", "logs", "Show the audit of a job, dropped events too."),
            "publish": Command("job", "publish", "Tell what becomes of a job: what its agent runs."),
            "cancel": Command("job", "cancel", "End a job without a result; its agent is left alone."),
            "retry": Command("job", "retry", "Hand an ended job to the same agent again, as a new one."),
            "prune": Command("job", "prune", "Forget jobs that ended long ago; their audit folders stay."),
            "follower": Command("job", "follower", "What `job submit --detach` leaves in the background.", hidden=True),
            "answer": Command(
                "job_answer", "answer", "Show what permission the agent of a job asks for, and answer it."
            ),
            "hook": Command(
                "job_hooks",
                "hook",
                "What the hooks run: it reads the event on standard input, and never fails, whatever happens.",
                hidden=True,
            ),
            "hooks": Group(
                "Have agent CLIs report by themselves.",
                {
                    "install": Command("job_hooks", "install", "Have a CLI report to its job by hooks."),
                    "uninstall": Command("job_hooks", "uninstall", "Take the hooks out again; everything else stays."),
                },
            ),
        },
    ),
    "broker": Group(
        "Make, run and prove the message broker.",
        {
            "init": Command("broker", "init", "Make the files of a locked-down Mosquitto."),
            "run": Command("broker", "run", "Run Mosquitto as the current user, in the foreground."),
            "stop": Command("broker", "stop", "End the running broker; its files and its database stay."),
            "reload": Command("broker", "reload", "Let the running broker read its files again."),
            "status": Command("broker", "status", "Show what runs, who may log in, and what expires."),
            "verify": Command("broker", "verify", "Prove that it lets in whom it should, and nobody else."),
            "env": Command("broker", "env", "Print the MQTT_* variables by which a user reaches the broker."),
            "expiry": Command("broker", "expiry", "Tell when the certificates end."),
            "user": Group(
                "Who may log in to the broker.",
                {
                    "add": Command("broker", "user_add", "Let somebody in, or give a user another role."),
                    "remove": Command("broker", "user_remove", "Let somebody in no more."),
                    "rotate": Command("broker", "user_rotate", "Give a user another password."),
                },
            ),
            "rotate": Group(
                "New certificates for the broker.",
                {
                    "server": Command("broker", "rotate_server", "Issue another certificate for the server."),
                    "client": Command("broker", "rotate_client", "Issue another certificate for a user."),
                    "ca": Command(
                        "broker", "rotate_ca", "Take the next of the three steps from the CA to another one."
                    ),
                },
            ),
        },
    ),
    "registry": Group(
        "Tell a copied project from the original.",
        {
            "show": Command("registry", "show", "Say whether this is the project, or a copy of it."),
            "take-over": Command("registry", "take_over", "Make this copy the project, with its agents."),
            "start-afresh": Command("registry", "start_afresh", "Make this copy a project of its own."),
        },
    ),
    "skills": Group(
        "Let agents use this program.",
        {
            "list": Command("skills", "list_skills", "List the skills, and what each is for."),
            "install": Command("skills", "install", "Copy the skills into a folder, each into one of its own."),
        },
    ),
}

"""Every command with its name, its file and its line in `--help`, so that `--help` loads no command."""

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
    "demo": Command("demo", "demo", "Start a small lab of played agents, lose all of it, and get it back."),
    "validate": Command("validate", "validate", "Check manifests and report all mistakes at once."),
    "fmt": Command("fmt", "fmt", "Rewrite manifests in one style; comments stay."),
    "plan": Command("plan", "plan", "Show what apply would do."),
    "apply": Command("apply", "apply", "Start, resume, restart and end agents to match the manifests."),
    "destroy": Command("apply", "destroy", "End every agent and every broker."),
    "explain": Command("explain", "explain", "Explain why an agent will change, or why it won't."),
    "graph": Command("graph", "graph", "Draw workspaces, agents, users and topics as a graph."),
    "status": Command("status", "status", "Show all agents, one line each, or one agent in detail."),
    "board": Command("board", "board", "Show all agents on one screen: see who needs you, answer, and steer."),
    "web": Command("web", "web", "Show all agents in a browser or on a phone: answer, and steer."),
    "show": Command("show", "show", "Show a saved plan, one address, or everything recorded."),
    "unmanaged": Command(
        "unmanaged", "unmanaged", "List running sessions that look like agents but are in no manifest."
    ),
    "doctor": Command("doctor", "doctor", "Find out what is wrong on this machine, and what to type."),
    "drift": Command("drift", "drift", "Show where the registry and the running agents differ."),
    "refresh": Command("refresh", "refresh", "Update the registry to match what is running."),
    "monitor": Command("monitor", "monitor", "Watch the agents and report each change once."),
    "stop": Command("stop", "stop", "Stop agents; they stay stopped until `resume`."),
    "resume": Command("resume", "resume", "Start agents again, each in its own conversation."),
    "archive": Command("stop", "archive", "Stop and archive agents; they stay archived until `resume`."),
    "attach": Command("attach", "attach", "Attach this terminal to an agent's session."),
    "peek": Command("peek", "peek", "Show what is on an agent's screen now."),
    "last": Command("last", "last", "Show the last messages of an agent, from its stored conversation."),
    "diff": Command("diff", "diff", "Show what an agent changed: its branch, uncommitted files, and how much."),
    "usage": Command("usage", "usage", "Show how many tokens the agents used, and what they cost."),
    "types": Command("types", "types", "Show what is known of each agent type, and keep screens of a running agent."),
    "send": Command("send", "send", "Send one prompt to a running agent; needs no broker."),
    "answer": Command("answer", "answer", "Show the permission dialog of a running agent, and answer it."),
    "conversations": Command("conversations", "conversations", "List all stored conversations of the workspaces."),
    "history": Command("history", "history", "List earlier applies, compare two, or show an agent's history."),
    "rollback": Command("rollback", "rollback", "Go back to an earlier generation."),
    "confirm": Command("confirm", "confirm", "Keep the changes of `apply --confirm-within`."),
    "await-confirmation": Command(
        "rollback",
        "await_confirmation",
        "Roll back when an apply is not confirmed in time; the apply starts this.",
        hidden=True,
    ),
    "create": Command("create", "create", "Add an agent to a manifest and start it."),
    "delete": Command("create", "delete", "End agents and remove them from the manifests and the registry."),
    "import": Command("import_", "import_", "Adopt a running session as an agent of a manifest."),
    "adopt": Command("adopt", "adopt", "Declare and take over what already exists."),
    "adopt-registry": Command(
        "registry", "adopt", "Use a registry that was copied from another machine: it gets a new lineage."
    ),
    "unlock": Command("lock", "unlock", "Remove a stale lock."),
    "reconnect": Command("reconnect", "reconnect", "Make a running tmux server create its socket again."),
    "schema": Group(
        "Print JSON Schemas and check files against them.",
        {
            "print": Command("schema", "schema_print", "Print the JSON Schema (draft 07) of a file or document."),
            "check": Command("schema", "schema_check", "Check files against a JSON Schema."),
        },
    ),
    "lock": Group(
        "Show the project's lock.",
        {
            "status": Command("lock", "lock_status", "Show which process holds the lock, since when and why."),
        },
    ),
    "job": Group(
        "Send prompts to running agents.",
        {
            "submit": Command("job_submit", "submit", "Send a prompt to a running agent and follow it to the end."),
            "status": Command("job", "status", "Show the record of one job, without its secrets."),
            "list": Command("job", "list_jobs", "List all jobs, oldest first."),
            "verify": Command("job_verify", "verify", "Check the result of a job with a script."),
            "wait": Command("job_wait", "wait", "Wait until jobs end."),
            "logs": Command("job_logs", "logs", "Show the audit log of a job, including dropped events."),
            "publish": Command("job_publish", "publish", "Report an event of a job; the agent runs this."),
            "cancel": Command("job", "cancel", "End a job without a result; its agent keeps running."),
            "retry": Command(
                "job_submit", "retry", "Send the prompt of an ended job to the same agent again, as a new job."
            ),
            "prune": Command("job", "prune", "Delete the records of old jobs; their audit folders stay."),
            "follower": Command(
                "job_wait", "follower", "Follow jobs in the background; `job submit --detach` starts this.", hidden=True
            ),
            "answer": Command("job_answer", "answer", "Show the permission request of a job's agent, and answer it."),
            "dead": Group(
                "Jobs of other hosts that nobody will do.",
                {
                    "list": Command(
                        "job_dead", "list_dead", "List the jobs of other hosts that nobody will do, and why."
                    ),
                    "retry": Command(
                        "job_dead", "retry_dead", "Send the job of a dead letter again, to the same host or pool."
                    ),
                    "drop": Command("job_dead", "drop_dead", "Delete a dead letter."),
                },
            ),
            "hook": Command(
                "job_hooks",
                "hook",
                "Read the event of a hook from standard input; hooks run this, and it never fails.",
                hidden=True,
            ),
            "hooks": Group(
                "Make agent CLIs report to their jobs automatically.",
                {
                    "install": Command(
                        "job_hooks", "install", "Add hooks to an agent CLI, so that it reports to its job."
                    ),
                    "uninstall": Command("job_hooks", "uninstall", "Remove the hooks; all other settings stay."),
                },
            ),
        },
    ),
    "runner": Command("runner", "runner", "Do the jobs that other hosts send to this one."),
    "broker": Group(
        "Create, run and test the message broker.",
        {
            "init": Command("broker", "init", "Create the files of a locked-down Mosquitto."),
            "run": Command("broker", "run", "Run Mosquitto as the current user, in the foreground."),
            "stop": Command("broker", "stop", "Stop the running broker; its files and its database stay."),
            "reload": Command("broker", "reload", "Make the running broker read its files again."),
            "status": Command("broker", "status", "Show what is running, which users may log in, and what expires."),
            "verify": Command("broker", "verify", "Test that the broker accepts its users and rejects everyone else."),
            "env": Command("broker", "env", "Print the MQTT_* variables for a user."),
            "expiry": Command("broker", "expiry", "Show when the certificates expire."),
            "user": Group(
                "Manage the users of the broker.",
                {
                    "add": Command("broker", "user_add", "Add a user, or give a user another role."),
                    "remove": Command("broker", "user_remove", "Remove a user."),
                    "rotate": Command("broker", "user_rotate", "Give a user a new password."),
                    "password": Command("broker", "user_password", "Store a password that only its user knows."),
                },
            ),
            "rotate": Group(
                "Replace the certificates of the broker.",
                {
                    "server": Command("broker", "rotate_server", "Issue a new certificate for the server."),
                    "client": Command("broker", "rotate_client", "Issue a new certificate for a user."),
                    "ca": Command("broker", "rotate_ca", "Take the next of the three steps to a new CA."),
                },
            ),
        },
    ),
    "registry": Group(
        "Manage copies of the project folder.",
        {
            "show": Command("registry", "show", "Show whether this folder is the project or a copy of it."),
            "take-over": Command("registry", "take_over", "Make this copy the project; it keeps the agents."),
            "start-afresh": Command("registry", "start_afresh", "Make this copy a new project without agents."),
        },
    ),
    "projects": Group(
        "List your projects, for commands with --all.",
        {
            "list": Command(
                "projects", "list_all", "List the projects in which you ran apply, and whether each is still there."
            ),
            "forget": Command("projects", "forget", "Forget a project: commands with --all no longer look at it."),
        },
    ),
    "fleet": Group(
        "Plan, apply and look on many hosts.",
        {
            "plan": Command("fleet", "plan", "Show what apply would do on many hosts."),
            "apply": Command("fleet", "apply", "Show the merged plan, ask once, and apply it on each host."),
            "drift": Command("fleet", "drift", "Show where registries and running agents differ on many hosts."),
            "status": Command("fleet", "status", "Show the agents of many hosts, one line each, over plain ssh."),
            "install": Command(
                "fleet_hosts",
                "install",
                "Install one version of reconciler on many hosts, without root and without the internet there.",
            ),
            "push": Command(
                "fleet_hosts",
                "push",
                "Copy the manifests to many hosts with rsync, or let each host clone them with git.",
            ),
            "doctor": Command(
                "fleet_hosts", "doctor", "Find out what each host lacks to be part of a fleet, over plain ssh."
            ),
        },
    ),
    "mcp": Command("mcp", "mcp", "Offer this project to AI agents, as an MCP server over standard input and output."),
    "skills": Group(
        "Install skills that teach agents to use reconciler.",
        {
            "list": Command("skills", "list_skills", "List the skills and what each is for."),
            "install": Command("skills", "install", "Copy the skills into a folder."),
        },
    ),
    "restart": Command(
        "restart", "restart", "Stop agents and start them again, each in its own conversation.", hidden=True
    ),
    "receive": Command(
        "receive",
        "receive",
        "Check the files that `fleet push` copied beside the project, and take them over; push runs this.",
        hidden=True,
    ),
    "version": Command("version", "version", "Print the version and exit.", hidden=True),
}

ALIASES: Mapping[str, str] = {
    "ls": "status",
    "ps": "status",
    "up": "apply",
    "down": "destroy",
    "start": "resume",
    "logs": "peek",
}
"""Words of other tools that have one meaning here, and the commands that they are."""

COMMANDS: Mapping[str, Entry] = {
    **CATALOGUE,
    **{
        alias: meant._replace(hidden=True)
        for alias, name in ALIASES.items()
        if isinstance(meant := CATALOGUE[name], Command)
    },
}
"""All that may be typed, aliases included."""

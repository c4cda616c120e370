"""broker: make, run, inspect and test the broker, and change its users."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from reconciler.app.brokers import brokers, proof
from reconciler.app.brokers.brokers import carry_out, held
from reconciler.app.project.project import find_project
from reconciler.broker.clients import environment
from reconciler.broker.keys.material import (
    reissued,
    roll_ca,
    with_secret,
    without_client,
    without_secret,
    without_server,
)
from reconciler.cli import options as opt
from reconciler.cli.approval import approved, confirmation_needed, given_password, has_terminal
from reconciler.cli.parameters import Argument, Option
from reconciler.cli.show.brokers import note, question, reloaded_text, rolled_text
from reconciler.cli.show.brokers import proof as shown
from reconciler.model.address import is_name
from reconciler.model.broker import Effect, KeyKind, Role, Target
from reconciler.model.broker_status import BrokerOperation
from reconciler.model.duration import seconds
from reconciler.model.errors import Refused, UsageError
from reconciler.model.exit_code import ExitCode
from reconciler.render.broker import environment_document, expiry_text, operation_document, status_text
from reconciler.render.output import tell, tell_json
from reconciler.render.terminal import show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from reconciler.app.brokers.brokers import BrokerChange, ChosenBroker
    from reconciler.app.project.project import Project
    from reconciler.broker.real import Rework

Directory = Annotated[
    str,
    Argument(
        metavar="[DIR]",
        help="The broker's folder [default: that of the declared broker, else .hermes/broker]",
        show_default=False,
    ),
]
User = Annotated[str, Argument(metavar="NAME", help="A user of the broker", show_default=False)]
DryRun = Annotated[bool, Option("--dry-run", help="Only show what would change")]


class Format(StrEnum):
    """The formats of a user's settings."""

    SHELL = "shell"
    DOTENV = "dotenv"
    JSON = "json"


# --- make and run -----------------------------------------------------------------------------


def init(
    directory: Directory = "",
    host: Annotated[
        str | None, Option("--host", metavar="HOST", help="Host name or address that clients connect to")
    ] = None,
    name: Annotated[
        list[str] | None,
        Option("--name", metavar="NAME", help="Another name in the server's certificate; repeatable"),
    ] = None,
    port: Annotated[int | None, Option("--port", metavar="N", min=1, max=65535, help="TLS port")] = None,
    user: Annotated[
        list[str] | None,
        Option(
            "--user",
            metavar="NAME:ROLE",
            help="A user with the role observer, worker, reconciler or runner; replaces the default users; repeatable",
        ),
    ] = None,
    mtls: Annotated[
        bool | None, Option("--mtls/--no-mtls", help="Clients log in with a certificate instead of a password")
    ] = None,
    topic_prefix: Annotated[
        str | None, Option("--topic-prefix", metavar="P", help="Use the topics P/jobs/+/events for job events")
    ] = None,
    key: Annotated[
        str | None, Option("--key", metavar="KIND", help="Kind of the private keys: ecdsa-p256 or rsa-2048")
    ] = None,
    target: Annotated[
        str | None, Option("--target", metavar="TARGET", help="What runs it: process, docker or systemd")
    ] = None,
    reissue: Annotated[
        bool, Option("--reissue", help="Issue new certificates in place of those that were made by hand")
    ] = False,
    dry_run: DryRun = False,
    as_json: opt.Json = False,
    auto_approve: opt.AutoApprove = False,
    may_ask: opt.Input = True,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Create the files of a locked-down Mosquitto.

    The settings are in DIR/broker.yaml. Run it again with other options, or after you edit that file: it
    updates only what differs. A running broker loads the changes and is tested.

    If DIR has a Mosquitto that was made by hand, init takes it over: users keep their passwords, and valid
    certificates stay. It shows the changes and asks you to confirm them.

    \b
    Examples:
      reconciler broker init && reconciler broker run --background && reconciler broker verify
      reconciler broker init --host mqtt.internal --name 10.0.0.5 --user hermes:observer --user ci:worker
      reconciler broker init --port 8884 --dry-run
      reconciler broker init ./broker           # take over ./broker/mosquitto.conf and its files
    """
    at = find_project(chdir, registry)
    options = brokers.BrokerOptions(
        host=host,
        names=name,
        port=port,
        users=_users(user) if user else None,
        mtls=mtls,
        topic_prefix=topic_prefix,
        key=_one_of(KeyKind, key, "--key") if key else None,
        target=_one_of(Target, target, "--target") if target else None,
    )
    with nullcontext() if dry_run else _held(at, "init", lock_timeout):
        broker = brokers.initialised(at, directory, options)
        shown = question(at, broker, lambda: True, dry_run=dry_run, as_json=as_json)
        agreed = _agreement(auto_approve=auto_approve, may_ask=may_ask and not as_json)
        rework = partial(reissued, now=at.now()) if reissue else None
        change = brokers.carry_out(at, broker, lambda change: shown(change) and agreed(change), rework)
    if not (change.done or dry_run):
        _say(at, ["", "Nothing was done."])
        return ExitCode.ERROR
    if change.done and change.pending and not as_json:
        follow = "The broker uses them." if change.survey.runs else f"Next: {brokers.next_command(broker)}"
        made = "Taken over" if change.survey.by_hand else "Made"
        _say(at, ["", f"{made} in {broker.broker.directory}.", follow])
    return ExitCode.OK


def run(
    directory: Directory = "",
    background: Annotated[
        bool,
        Option("--background", help="Keep running when you close the terminal; the log is run/mosquitto.log"),
    ] = False,
    as_json: opt.Json = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Run Mosquitto as the current user, in the foreground.

    Checks its files first. Ctrl-C stops it.

    \b
    Examples:
      reconciler broker run
      reconciler broker run --background
    """
    if as_json and not background:
        raise UsageError("--json needs --background: in the foreground, Mosquitto itself writes to the terminal")
    at = find_project(chdir, registry)
    broker = brokers.on_this_machine(brokers.chosen(at, directory))
    if not background:
        # no lock: this process becomes the broker, and would hold the lock while it runs
        brokers.run(at, broker)
    with _held(at, "run", lock_timeout):
        running = brokers.start(at, broker)
    port = broker.broker.listeners[0].port
    said = f"{broker.broker.address} runs (pid {running.pid}) and answers on {broker.broker.host}:{port}."
    done = BrokerOperation("run", broker.broker, changed=True, pid=running.pid)
    return _tell(at, done, [said], as_json=as_json)


def stop(
    directory: Directory = "",
    as_json: opt.Json = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Stop the running broker; its files and its database stay.

    \b
    Example:
      reconciler broker stop
    """
    at = find_project(chdir, registry)
    broker = brokers.on_this_machine(brokers.chosen(at, directory))
    with _held(at, "stop", lock_timeout):
        ran = brokers.stop(at, broker)
    said = f"{broker.broker.address} {'is stopped' if ran else 'was not running'}."
    return _tell(at, BrokerOperation("stop", broker.broker, changed=ran), [said], as_json=as_json)


def reload(
    directory: Directory = "",
    as_json: opt.Json = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Make the running broker read its files again.

    Users that are still allowed stay connected. Checks the files first, because a bad file could stop the broker
    or open it to everyone.

    \b
    Example:
      reconciler broker reload
    """
    at = find_project(chdir, registry)
    broker = brokers.on_this_machine(brokers.chosen(at, directory))
    with _held(at, "reload", lock_timeout):
        reloaded = brokers.reload(at, broker)
    done = BrokerOperation(
        "reload",
        broker.broker,
        changed=reloaded.before is not Effect.NOTHING,
        pid=reloaded.pid,
        needs_restart=reloaded.after is Effect.RESTART,
    )
    return _tell(at, done, reloaded_text(broker, reloaded), as_json=as_json)


# --- look and prove ---------------------------------------------------------------------------


def status(
    directory: Directory = "", as_json: opt.Json = False, chdir: opt.Root = "", registry: opt.RegistryPath = ""
) -> int:
    """Show what is running, which users may log in, and what expires.

    Also shows files changed by hand, and what the next `init` or `apply` would change.

    \b
    Examples:
      reconciler broker status
      reconciler broker status --json | jq '.certificates[] | select(.due)'
    """
    at = find_project(chdir, registry)
    document = brokers.status(at, brokers.chosen(at, directory))
    if as_json:
        tell_json(document)
    else:
        _say(at, status_text(document))
    return ExitCode.OK


def verify(
    directory: Directory = "",
    from_env: Annotated[bool, Option("--env", help="Test the broker and the user of the MQTT_* variables")] = False,
    restart: Annotated[
        bool,
        Option("--restart", help="Also stop, kill and restart it: all clients are disconnected twice"),
    ] = False,
    as_json: opt.Json = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Test that the broker accepts its users and rejects everyone else.

    Exit code: 0 all probes passed, 1 a probe failed, 4 no answer.

    \b
    Examples:
      reconciler broker verify
      reconciler broker verify --restart        # what survives a restart and a crash
      eval "$(reconciler broker env hermes)" && reconciler broker verify --env
    """
    if directory and from_env:
        raise UsageError("--env and a folder cannot be combined")
    if restart and from_env:
        raise UsageError("--env and --restart cannot be combined", fix="pass the folder of a broker that you run")
    at = find_project(chdir, registry)
    if from_env:
        return shown(at, proof.prove_from_environment(at), as_json=as_json)
    chosen = brokers.chosen(at, directory)
    broker = (brokers.on_this_machine(chosen) if restart else chosen).broker
    with _held(at, "verify", lock_timeout):
        return shown(at, proof.prove_broker(at, broker, restart=restart), as_json=as_json)


def env(
    user: Annotated[str, Argument(metavar="USER", help="A user of the broker", show_default=False)],
    directory: Directory = "",
    form: Annotated[
        Format,
        Option("--format", help="shell: lines to eval; dotenv: an env file; json: the broker block of a job record"),
    ] = Format.SHELL,
    reveal: Annotated[bool, Option("--reveal", help="Show the password itself, instead of its file")] = False,
    as_json: opt.Json = False,
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Print the MQTT_* variables for a user.

    \b
    Examples:
      eval "$(reconciler broker env hermes)"
      reconciler broker env claude-worker --format json      # for the `broker` of a job record
    """
    at = find_project(chdir, registry)
    chosen = brokers.chosen(at, directory)
    broker, found = chosen.broker, brokers.directory_of(at, chosen)
    if as_json:
        said = environment.variables(broker, found, user)
        shown = {name: value for name, value in said.items() if reveal or name != "MQTT_PASSWORD"}
        tell_json(environment_document(user, shown, environment.password_file(broker, user)))
        return ExitCode.OK
    if form is Format.JSON:
        tell_json(environment.block(broker, found, user, reveal=reveal))
        return ExitCode.OK
    lines = environment.shell if form is Format.SHELL else environment.dotenv
    tell(*lines(broker, found, user, reveal=reveal))
    return ExitCode.OK


def expiry(
    directory: Directory = "", as_json: opt.Json = False, chdir: opt.Root = "", registry: opt.RegistryPath = ""
) -> int:
    """Show when the certificates expire.

    Exit code: 0 none is due, 2 one is due (less than a third of its lifetime is left), 1 one has expired.

    \b
    Examples:
      reconciler broker expiry
      reconciler broker expiry --json | jq .certificates[0].days_left
    """
    at = find_project(chdir, registry)
    document = brokers.expiry(at, brokers.chosen(at, directory))
    if as_json:
        tell_json(document)
    else:
        _say(at, expiry_text(document))
    if document["expired"]:
        return ExitCode.ERROR
    return ExitCode.CHANGES if document["due"] else ExitCode.OK


# --- users ------------------------------------------------------------------------------------


def user_add(
    name: User,
    directory: Directory = "",
    role: Annotated[str, Option("--role", metavar="R", help="observer, worker, reconciler or runner")] = "observer",
    as_json: opt.Json = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Add a user, or give a user another role.

    A running broker applies this at once.

    \b
    Examples:
      reconciler broker user add ci --role worker
      reconciler broker user add b --role runner      # takes the jobs for host b
    """
    (chosen,) = _users([f"{name}:{role}"], "--role").values()
    at = find_project(chdir, registry)
    with _held(at, "user add", lock_timeout):
        before = brokers.changeable(at, directory)
        after = brokers.with_user(at, before, name, chosen)
        said = f"{name} can log in. For its settings: {after.command(f'env {name}')}"
        return _carry_out(at, after, ChangeOptions("user add", (said,), as_json=as_json))


def user_remove(
    name: User,
    directory: Directory = "",
    as_json: opt.Json = False,
    auto_approve: opt.AutoApprove = False,
    may_ask: opt.Input = True,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Remove a user.

    A running broker disconnects the user at once.

    \b
    Example:
      reconciler broker user remove ci
    """
    may_ask = may_ask and not as_json
    if not auto_approve and not (may_ask and has_terminal()):
        raise confirmation_needed()
    at = find_project(chdir, registry)
    with _held(at, "user remove", lock_timeout):
        before = brokers.changeable(at, directory)
        after = brokers.without_user(at, before, name)
        agreed = _agreement(auto_approve=auto_approve, may_ask=may_ask, always=True)
        said = f"{name} can no longer log in."
        return _carry_out(at, after, ChangeOptions("user remove", (said,), as_json=as_json, agreed=agreed))


def user_rotate(
    name: User,
    directory: Directory = "",
    dry_run: DryRun = False,
    as_json: opt.Json = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Give a user a new password.

    Clients that use the old password are disconnected. Other users keep their passwords.

    \b
    Example:
      reconciler broker user rotate claude-worker
    """
    at = find_project(chdir, registry)
    with _held(at, "user rotate", lock_timeout):
        broker = brokers.chosen(at, directory)
        brokers.expect_user(broker, name)
        said = f"{name} has a new password. For its settings: {broker.command(f'env {name}')}"
        options = ChangeOptions("user rotate", (said,), as_json=as_json, dry_run=dry_run)
        return _carry_out(at, broker, options, lambda found: without_secret(found, name))


def user_password(
    name: User,
    directory: Directory = "",
    password_file: Annotated[
        str, Option("--password-file", metavar="FILE", help="Read the password from FILE; `-` is standard input")
    ] = "",
    as_json: opt.Json = False,
    may_ask: opt.Input = True,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Store a password that only its user knows.

    Users of a broker that was made by hand keep their passwords. Jobs and `broker verify` need the password on this
    machine. It is compared with the broker's password file first, and stored in a file that only you can read.

    \b
    Examples:
      reconciler broker user password hermes
      reconciler broker user password hermes --password-file ~/hermes.secret
    """
    at = find_project(chdir, registry)
    secret = given_password(at.files, name, password_file, may_ask=may_ask and not as_json)
    with _held(at, "user password", lock_timeout):
        broker = brokers.chosen(at, directory)
        brokers.expect_password(at, broker, name, secret)
        said = f"The password of {name} is stored. For its settings: {broker.command(f'env {name}')}"
        options = ChangeOptions("user password", (said,), as_json=as_json)
        return _carry_out(at, broker, options, lambda found: with_secret(found, name, secret))


# --- certificates -----------------------------------------------------------------------------


def rotate_server(
    directory: Directory = "",
    dry_run: DryRun = False,
    as_json: opt.Json = False,
    auto_approve: opt.AutoApprove = False,
    may_ask: opt.Input = True,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Issue a new certificate for the server.

    A running broker uses it for new connections. Existing connections stay.

    \b
    Example:
      reconciler broker rotate server
    """
    at = find_project(chdir, registry)
    with _held(at, "rotate server", lock_timeout):
        broker = brokers.chosen(at, directory)
        agreed = _agreement(auto_approve=auto_approve, may_ask=may_ask and not as_json)
        said = "The server has a new certificate. Clients need no change."
        options = ChangeOptions("rotate server", (said,), as_json=as_json, dry_run=dry_run, agreed=agreed)
        return _carry_out(at, broker, options, without_server)


def rotate_client(
    name: User,
    directory: Directory = "",
    dry_run: DryRun = False,
    as_json: opt.Json = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Issue a new certificate for a user.

    The old one stays valid until it expires. To lock a user out, remove the user.

    \b
    Example:
      reconciler broker rotate client claude-worker
    """
    at = find_project(chdir, registry)
    with _held(at, "rotate client", lock_timeout):
        broker = brokers.chosen(at, directory)
        brokers.expect_certificates(broker)
        brokers.expect_user(broker, name)
        said = f"Give {name} the new clients/{name}.crt and clients/{name}.key."
        options = ChangeOptions("rotate client", (said,), as_json=as_json, dry_run=dry_run)
        return _carry_out(at, broker, options, lambda found: without_client(found, name))


def rotate_ca(
    directory: Directory = "",
    dry_run: DryRun = False,
    as_json: opt.Json = False,
    lock_timeout: opt.LockTimeout = "0s",
    chdir: opt.Root = "",
    registry: opt.RegistryPath = "",
) -> int:
    """Take the next of the three steps to a new CA.

    First both CAs are trusted, then the new CA signs, then the old CA is dropped. Between two steps, give
    your clients the file that the command names. Then no client is locked out.

    \b
    Example:
      reconciler broker rotate ca
    """
    at = find_project(chdir, registry)
    with _held(at, "rotate ca", lock_timeout):
        broker = brokers.chosen(at, directory)
        step = brokers.next_step(at, broker)
        options = ChangeOptions("rotate ca", tuple(rolled_text(broker, step)), as_json=as_json, dry_run=dry_run)
        return _carry_out(at, broker, options, lambda found: roll_ca(found, broker.broker, at.now()))


# --- what they share --------------------------------------------------------------------------


def _held(at: Project, operation: str, lock_timeout: str) -> AbstractContextManager[None]:
    return held(at, operation, seconds(lock_timeout), partial(note, at))


def _unasked(change: BrokerChange) -> bool:
    """Allow every change, except the first one of a broker that was made by hand, which needs a confirmation."""
    if change.survey.by_hand:
        raise Refused(
            "this broker was made by hand and is not taken over yet",
            fix="take it over first: reconciler broker init DIR, or, if a manifest declares it, reconciler apply",
        )
    return True


def _agreement(*, auto_approve: bool, may_ask: bool, always: bool = False) -> Callable[[BrokerChange], bool]:
    """A function that asks about the first change of a broker that was made by hand, or with `always` about each."""

    def agreed(change: BrokerChange) -> bool:
        if auto_approve or not (change.survey.by_hand or always):
            return True
        if not (may_ask and has_terminal()):
            raise confirmation_needed()
        return approved()

    return agreed


class ChangeOptions(Struct, frozen=True):
    """A change that a command makes: its name, the lines printed afterwards, and the options for asking and output."""

    operation: str
    said: tuple[str, ...]
    as_json: bool = False
    dry_run: bool = False
    agreed: Callable[[BrokerChange], bool] = _unasked


def _carry_out(at: Project, of: ChosenBroker, options: ChangeOptions, rework: Rework | None = None) -> int:
    """Show the change, make it, and print what was done. Returns exit code 1 if the user declines."""
    shown = question(at, of, lambda: True, dry_run=options.dry_run, as_json=False)

    def may(change: BrokerChange) -> bool:
        return (not options.dry_run if options.as_json else shown(change)) and (
            not change.pending or options.agreed(change)
        )

    change = carry_out(at, of, may, rework)
    made = change.done and change.pending
    refused = not (change.done or options.dry_run)
    said = ["", *options.said] if made else ["", "Nothing was done."] if refused else []
    done = BrokerOperation(options.operation, of.broker, changed=made)
    if options.as_json:
        tell_json(operation_document(done, change.document))
    else:
        _say(at, said)
    return ExitCode.ERROR if refused else ExitCode.OK


def _tell(at: Project, done: BrokerOperation, lines: Iterable[str], *, as_json: bool) -> int:
    """Print what was done, as text or as one document."""
    if as_json:
        tell_json(operation_document(done))
    else:
        _say(at, lines)
    return ExitCode.OK


def _say(at: Project, lines: Iterable[str]) -> None:
    show(lines, sys.stdout, at.env)


def _users(words: Iterable[str], option: str = "--user") -> dict[str, str]:
    """Parse users and their roles from NAME:ROLE."""
    users: dict[str, str] = {}
    for word in words:
        name, _, role = word.partition(":")
        if not is_name(name):
            raise UsageError(f"{option} {word}: {name!r} is not a valid name", fix="use letters, digits, - and _")
        if role == Role.CUSTOM:
            raise UsageError(
                f"{option} {word}: a custom role needs ACL lines", fix="write them under `users` in broker.yaml"
            )
        users[name] = _one_of(Role, role, option)
    return users


def _one_of(choices: type[StrEnum], word: str, option: str) -> str:
    try:
        return choices(word).value
    except ValueError:
        raise UsageError(f"{option}: {word!r} is not known", fix=f"use one of: {', '.join(choices)}") from None

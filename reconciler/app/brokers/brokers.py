"""Find the broker a command is about, see what would change, and change it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NoReturn, cast

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.app.plan.plans import published
from reconciler.app.project.manifests import OWN_BROKER, load_manifests, load_source, manifest_paths
from reconciler.app.project.project import Project
from reconciler.broker.by_hand.folder import hand_made
from reconciler.broker.by_hand.takeover import takeover
from reconciler.broker.files import passwords
from reconciler.broker.files.file_set import InvalidBrokerFiles
from reconciler.broker.keys import pki
from reconciler.broker.keys.expiry import expiries
from reconciler.broker.keys.pki import Rollover
from reconciler.broker.make import BrokerDirectory
from reconciler.broker.real import Reloaded, Rework
from reconciler.broker.running.process import Running
from reconciler.kinds.broker.decide import decide_files, how_to_start
from reconciler.manifest import Source
from reconciler.manifest.amend import amended
from reconciler.model.action import Reason, Verb
from reconciler.model.broker import DEFAULT_USERS, Broker, Survey, Target
from reconciler.model.errors import ReconcilerError, Refused, UsageError
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.plan import Mode, Plan
from reconciler.model.record import Json
from reconciler.plan.request import Request
from reconciler.render.broker import expiry_document, status_document
from reconciler.render.documents.broker_expiry import ExpiryDoc
from reconciler.render.documents.broker_status import BrokerStatusDoc
from reconciler.render.documents.plan import PlanDoc
from reconciler.state.lock import hold


class ChosenBroker(Struct, frozen=True):
    """The broker that a command is about.

    `file` is its own manifest with the broker block `settings`; empty for a broker that the project declares.
    `given` is its folder as the user wrote it.
    """

    broker: Broker
    given: str
    file: str = ""
    data: bytes = b""
    settings: Mapping[str, Json] = field(default_factory=dict)

    def command(self, words: str) -> str:
        """A command about the same broker, for the user to copy."""
        return " ".join(["reconciler broker", words, *([shlex.quote(self.given)] if self.given else [])])


class BrokerChange(Struct, frozen=True):
    """The plan for a broker's files; `pending` if it changes anything, `done` if it was carried out."""

    document: PlanDoc
    survey: Survey
    pending: bool
    done: bool = False


class BrokerOptions(Struct, frozen=True):
    """What the user wants for a new or changed broker; None where nothing was said."""

    host: str | None = None
    names: Sequence[str] | None = None
    port: int | None = None
    users: Mapping[str, str] | None = None
    mtls: bool | None = None
    topic_prefix: str | None = None
    key: str | None = None
    target: str | None = None


def chosen(at: Project, directory: str) -> ChosenBroker:
    """The broker in `directory`; without a directory, the declared one, else the one that `broker init` made.

    Raises:
        UsageError: The project declares several.
        ReconcilerError: There is none, or its manifest cannot be used.
    """
    declared = _declared(at, directory)
    if declared:
        return ChosenBroker(declared, directory)
    path = _own_path(at, directory)
    data = _content(at, path)
    if not data:
        fix = f"make one: reconciler broker init{' ' + shlex.quote(directory) if directory else ''}"
        raise ReconcilerError(f"there is no broker in {os.path.dirname(path)}", fix=fix)
    found = _parsed(at, directory, data)
    if found.broker.directory != os.path.dirname(path):
        raise ReconcilerError(
            f"{path} is for a broker in another folder: {found.broker.directory}",
            fix=f"if you moved the folder, make its files again: {found.command('init')}",
        )
    return found


def changeable(at: Project, directory: str) -> ChosenBroker:
    """The broker in `directory`, if its settings are in its own manifest.

    Raises:
        Refused: The project declares it, so its settings are in the project's manifest.
    """
    _refuse_declared(_declared(at, directory))
    return chosen(at, directory)


def on_this_machine(of: ChosenBroker) -> ChosenBroker:
    """The broker `of`, if this user runs it.

    Raises:
        UsageError: systemd or a container runs it.
    """
    target = of.broker.target
    if target is not Target.PROCESS:
        raise UsageError(f"{of.broker.address} is run by {target}, not by reconciler", fix=next_command(of))
    return of


@contextmanager
def held(at: Project, operation: str, timeout: float, note: Callable[[str], None]) -> Iterator[None]:
    """Hold the project's lock; `note` gets a sentence about a stale lock."""
    with hold(at.lock, f"broker {operation}", timeout) as taken:
        if taken.note:
            note(taken.note)
        at.clear_up()
        yield


# --- the process ------------------------------------------------------------------------------


def run(at: Project, of: ChosenBroker) -> NoReturn:
    """Check the broker's files, then replace this process by the broker. Raises ReconcilerError."""
    at.brokers.real.run(of.broker)


def start(at: Project, of: ChosenBroker) -> Running:
    """Check the broker's files, then start it in the background. Raises ReconcilerError."""
    return at.brokers.real.start(of.broker)


def stop(at: Project, of: ChosenBroker) -> bool:
    """Stop the broker; False if it was not running. Raises ReconcilerError."""
    return at.brokers.real.end(of.broker)


def reload(at: Project, of: ChosenBroker) -> Reloaded:
    """Check the broker's files, then make it read them again. Raises ReconcilerError."""
    return at.brokers.real.reload(of.broker)


# --- settings ---------------------------------------------------------------------------------


def initialised(at: Project, directory: str, options: BrokerOptions) -> ChosenBroker:
    """The broker in `directory` with its manifest's settings changed by the options; nothing is written.

    Without a manifest, the settings are read from a broker that was made by hand.

    Raises:
        Refused: The project declares it.
        InvalidManifest: Its manifest cannot be used.
    """
    _refuse_declared(_declared(at, directory))
    path = _own_path(at, directory)
    data = _content(at, path)
    folder = os.path.dirname(path)
    if data:
        settings = _wanted_settings(_parsed(at, directory, data).settings, options, folder)
    else:
        settings = _new_settings(at, options, folder)
    return _parsed(at, directory, amended(Source(path, data), settings))


def _new_settings(at: Project, options: BrokerOptions, folder: str) -> dict[str, Json]:
    """The settings of a broker without a manifest: those that were recognised, changed by the options.

    Users named in the options get a role; other users that were found stay.
    """
    found = hand_made(folder)
    known = takeover(found, at.now()).block if found else {}
    users = {**cast("dict[str, Json]", known.get("users", {})), **(options.users or {})}
    named = replace(options, users=cast("Mapping[str, str]", users)) if found else options
    return {**known, **_wanted_settings(known, named, folder)}


def with_user(at: Project, of: ChosenBroker, name: str, role: str) -> ChosenBroker:
    """The broker with one more user, or another role for one, in its manifest; nothing is written."""
    return _with_users(at, of, {**_users(of), name: role})


def without_user(at: Project, of: ChosenBroker, name: str) -> ChosenBroker:
    """The broker with that user removed from its manifest; nothing is written.

    Raises:
        UsageError: The user does not exist.
        Refused: It is the last one.
    """
    expect_user(of, name)
    if len(of.broker.users) == 1:
        raise Refused(f"{name} is the last user", fix="add another user first, or stop the broker: broker stop")
    return _with_users(at, of, {user: settings for user, settings in _users(of).items() if user != name})


def _users(of: ChosenBroker) -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", of.settings.get("users") or _default_users())


def _with_users(at: Project, of: ChosenBroker, users: dict[str, Json]) -> ChosenBroker:
    return _parsed(at, of.given, amended(Source(of.file, of.data), {"users": users}))


def _wanted_settings(settings: Mapping[str, Json], options: BrokerOptions, folder: str) -> dict[str, Json]:
    """The settings for a broker's manifest, with defaults written out."""
    first, *others = cast("list[dict[str, Json]]", settings.get("listeners") or [{"port": 8883}])
    listener = {"port": options.port, "mtls": options.mtls}
    said: dict[str, Json] = {
        "dir": folder,
        "host": options.host or settings.get("host", "localhost"),
        "names": list(options.names) if options.names else None,
        "listeners": [{**first, **_said(listener)}, *others],
        "users": dict(options.users) if options.users else settings.get("users") or _default_users(),
        "topics": [f"{options.topic_prefix.rstrip('/')}/jobs/+/events"] if options.topic_prefix else None,
        "tls": {**cast("dict[str, Json]", settings.get("tls") or {}), "key": options.key} if options.key else None,
        "target": options.target,
    }
    return _said(said)


def _said(values: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in values.items() if value is not None}


def _default_users() -> dict[str, Json]:
    return {user.name: user.role.value for user in DEFAULT_USERS}


def _declared(at: Project, directory: str) -> Broker | None:
    """The declared broker that the command is about, if there is one."""
    if not manifest_paths(at, ()):
        return None
    brokers = list(load_manifests(at, ()).desired.brokers.values())
    if directory:
        brokers = [each for each in brokers if each.directory == os.path.abspath(directory)]
    if len(brokers) > 1:
        folders = " or ".join(each.directory for each in brokers)
        raise UsageError("the project declares several brokers", fix=f"name the folder of one: {folders}")
    return brokers[0] if brokers else None


def _refuse_declared(broker: Broker | None) -> None:
    if broker:
        raise Refused(
            f"{broker.address} is declared in {broker.place}", fix="change it there, then apply: reconciler apply"
        )


def _own_path(at: Project, directory: str) -> str:
    own = os.path.join(at.root, OWN_BROKER)
    return os.path.join(os.path.abspath(directory), os.path.basename(own)) if directory else own


def _content(at: Project, path: str) -> bytes:
    """The manifest's content; empty if it does not exist."""
    match at.files.read(path):
        case Present(data):
            return data
        case Absent():
            return b""
        case Unknown(reason):
            raise ReconcilerError(f"{path} cannot be read", detail=reason)


def _parsed(at: Project, directory: str, data: bytes) -> ChosenBroker:
    path = _own_path(at, directory)
    loaded = load_source(at, Source(path, data))
    brokers = list(loaded.desired.brokers.values())
    if not brokers:
        raise ReconcilerError(f"{path} declares no broker", fix="give it a `broker:` block, or remove it")
    settings = cast("Mapping[str, Json]", loaded.documents[0].content.get("broker") or {})
    return ChosenBroker(brokers[0], directory, path, data, settings)


# --- changes ----------------------------------------------------------------------------------


def carry_out(
    at: Project, of: ChosenBroker, may: Callable[[BrokerChange], bool], rework: Rework | None = None
) -> BrokerChange:
    """Plan the broker's files, and write them if `may` agrees.

    A running broker loads them and is tested; if that fails, files and settings are restored. A broker that is not
    running is not started. `rework` is a rotation.

    Raises:
        InvalidBrokerFiles: The files are not usable.
        ReconcilerError: The broker does not work with them.
    """
    change = _examined(at, of, rework)
    if not may(change):
        return change
    with _written_settings(at, of):
        if change.pending:
            at.brokers.real.update(of.broker.address)
    return replace(change, done=True)


def _examined(at: Project, of: ChosenBroker, rework: Rework | None) -> BrokerChange:
    survey = at.brokers.real.examine(of.broker, rework)
    if survey.problems:
        raise InvalidBrokerFiles("Mosquitto would reject these files", survey.problems)
    decision = decide_files(of.broker, survey)
    action = decision.action
    if rework:
        action = replace(action, reason=Reason.REQUESTED)
    plan = Plan(Mode.NORMAL, "", 0, "", (action,), diagnostics=decision.diagnostics)
    document = published(at, plan, Request(), "")
    return BrokerChange(document, survey, action.verb is not Verb.NOOP)


@contextmanager
def _written_settings(at: Project, of: ChosenBroker) -> Iterator[None]:
    """Write the broker's own manifest; restore the old one if the block fails.

    The manifest is written first: after a crash, the next command completes what it asks for.
    """
    before = _content(at, of.file) if of.file else of.data
    if before != of.data:
        at.files.make_folder(of.broker.directory, 0o700)
        at.files.write(of.file, of.data)
    try:
        yield
    except ReconcilerError:
        if before and before != of.data:
            at.files.write(of.file, before)
        raise


def expect_user(of: ChosenBroker, name: str) -> None:
    """Raise UsageError unless the broker has a user of this name."""
    names = [user.name for user in of.broker.users]
    if name not in names:
        raise UsageError(f"{of.broker.address} has no user {name}", fix=f"users are: {', '.join(names)}")


def expect_password(at: Project, of: ChosenBroker, name: str, secret: str) -> None:
    """Raise UsageError unless `secret` is the password of the user in the password file.

    Raises:
        ReconcilerError: The user has no entry yet.
    """
    expect_user(of, name)
    entry = at.brokers.real.look(of.broker).material.entries.get(name, "")
    if not entry:
        raise ReconcilerError(f"{name} has no password yet", fix=f"make the broker's files: {of.command('init')}")
    if not passwords.verifies(entry, secret):
        rotate = of.command(f"user rotate {name}")
        raise UsageError(f"this is not the password of {name}", fix=f"try again, or make a new password: {rotate}")


def expect_certificates(of: ChosenBroker) -> None:
    """Raise UsageError unless users of the broker have certificates."""
    if not any(listener.mtls for listener in of.broker.listeners):
        raise UsageError(f"{of.broker.address} uses no client certificates", fix="rotate the password: user rotate")


def next_step(at: Project, of: ChosenBroker) -> Rollover:
    """The next step of replacing the CA.

    Raises:
        Refused: reconciler did not make the CA.
        ReconcilerError: There is no CA yet.
    """
    if of.broker.tls.ca_cert:
        raise Refused("reconciler did not make this CA, so it cannot replace it", fix="set `tls: {ca: ...}`")
    authority = at.brokers.real.look(of.broker).material.authority
    if authority is None:
        raise ReconcilerError(f"{of.broker.address} has no CA yet", fix=f"make its files: {of.command('init')}")
    return pki.next_step(authority)


# --- what is asked ----------------------------------------------------------------------------


def status(at: Project, of: ChosenBroker) -> BrokerStatusDoc:
    """The state of the broker: what runs, who may log in, what expires, and what would change."""
    return status_document(at.brokers.real.status(of.broker))


def expiry(at: Project, of: ChosenBroker) -> ExpiryDoc:
    """When its certificates expire."""
    return expiry_document(expiries(at.brokers.real.look(of.broker).files, at.now()))


def directory_of(at: Project, of: ChosenBroker) -> BrokerDirectory:
    """The content of the broker's directory. Raises ReconcilerError."""
    return at.brokers.real.look(of.broker)


def next_command(of: ChosenBroker) -> str:
    """The command to run after the files were made."""
    by_hand = how_to_start(of.broker)
    return by_hand or f"{of.command('run --background')}, then {of.command('verify')}"

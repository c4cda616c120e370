"""The work of the broker commands: find the broker that is meant, show what would change, do it, tell."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import cast

from reconciler.app.plan.plans import options_of
from reconciler.app.project.manifests import OWN_BROKER, load_manifests, load_source, manifest_paths
from reconciler.app.project.project import Project
from reconciler.broker import layout, pki
from reconciler.broker.files import Unfit
from reconciler.broker.pki import Rollover
from reconciler.broker.real import RealBrokers, Reloaded, Rework
from reconciler.kinds.broker.decide import BrokerCase, decide, how_to_start
from reconciler.manifest import Source
from reconciler.manifest.amend import amended
from reconciler.model.action import Reason, Verb
from reconciler.model.broker import DEFAULT_USERS, Broker, Effect, Survey, Target
from reconciler.model.errors import ReconcilerError, Refused, UsageError
from reconciler.model.observed import Absent, Present, Unknown
from reconciler.model.plan import Mode, Plan
from reconciler.model.record import BrokerRow, Json
from reconciler.plan.request import Request
from reconciler.render.document import plan_document
from reconciler.render.door import tell_json
from reconciler.render.terminal import show
from reconciler.render.text import plan_text
from reconciler.state.lock import hold


@dataclass(frozen=True, slots=True)
class Meant:
    """The broker that a command is about.

    `file` is its own manifest, whose broker block says `settings`; empty for one that the project declares.
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


@dataclass(frozen=True, slots=True)
class Manner:
    """How a change is approved and shown; nobody is asked without `approve`."""

    dry_run: bool = False
    as_json: bool = False
    approve: Callable[[], bool] | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user said about a new broker, or changes of one; None is what was not said."""

    host: str | None = None
    names: Sequence[str] | None = None
    port: int | None = None
    users: Mapping[str, str] | None = None
    mtls: bool | None = None
    topic_prefix: str | None = None
    key: str | None = None
    target: str | None = None


def meant(at: Project, directory: str) -> Meant:
    """The broker in `directory`; without one, that which the project declares, else that of `broker init`.

    Raises:
        UsageError: The project declares several.
        ReconcilerError: There is none, or its manifest cannot be used.
    """
    declared = _declared(at, directory)
    if declared:
        return Meant(declared, directory)
    path = _own_path(at, directory)
    data = _content(at, path)
    if not data:
        fix = f"make one: reconciler broker init{' ' + shlex.quote(directory) if directory else ''}"
        raise ReconcilerError(f"there is no broker in {os.path.dirname(path)}", fix=fix)
    found = _parsed(at, directory, data)
    if found.broker.directory != os.path.dirname(path):
        raise ReconcilerError(
            f"{path} is about another folder: {found.broker.directory}",
            fix=f"after a move, make its files anew: {found.command('init')}",
        )
    return found


def changeable(at: Project, directory: str) -> Meant:
    """The same, when its settings are in a manifest of its own.

    Raises:
        Refused: The project declares it, and there its settings are.
    """
    _refuse_declared(_declared(at, directory))
    return meant(at, directory)


def on_this_machine(of: Meant) -> Meant:
    """The same, when it is run by this user.

    Raises:
        UsageError: Something else runs it.
    """
    target = of.broker.target
    if target is not Target.PROCESS:
        raise UsageError(f"{of.broker.address} is run by {target}, not by reconciler", fix=next_command(of))
    return of


@contextmanager
def held(at: Project, operation: str, timeout: float) -> Iterator[RealBrokers]:
    """The brokers of this machine, while nobody else changes the project."""
    with hold(at.lock, f"broker {operation}", timeout) as taken:
        if taken.note:
            show([f"Note: {taken.note}"], sys.stderr, at.env)
        at.clear_up()
        yield at.brokers.real


# --- settings ---------------------------------------------------------------------------------


def initialised(at: Project, directory: str, wish: Wish) -> Meant:
    """The broker in `directory` as it is wished, in addition to what its manifest says already; nothing is written.

    Raises:
        Refused: The project declares it.
        InvalidManifest: Its manifest cannot be used.
    """
    _refuse_declared(_declared(at, directory))
    path = _own_path(at, directory)
    data = _content(at, path)
    settings = _parsed(at, directory, data).settings if data else {}
    return _parsed(at, directory, amended(data, _wished(settings, wish, os.path.dirname(path))))


def with_users(at: Project, of: Meant, change: Callable[[dict[str, Json]], object]) -> Meant:
    """The broker after `change` to the users in its manifest; nothing is written."""
    users = dict(cast("Mapping[str, Json]", of.settings.get("users") or _default_users()))
    change(users)
    return _parsed(at, of.given, amended(of.data, {"users": users}))


def _wished(settings: Mapping[str, Json], wish: Wish, folder: str) -> dict[str, Json]:
    """The settings that a broker's manifest shall have; what is not there yet is written out."""
    first, *others = cast("list[dict[str, Json]]", settings.get("listeners") or [{"port": 8883}])
    listener = {"port": wish.port, "mtls": wish.mtls}
    said: dict[str, Json] = {
        "dir": folder,
        "host": wish.host or settings.get("host", "localhost"),
        "names": list(wish.names) if wish.names else None,
        "listeners": [{**first, **_said(listener)}, *others],
        "users": dict(wish.users) if wish.users else settings.get("users") or _default_users(),
        "topics": [f"{wish.topic_prefix.rstrip('/')}/jobs/+/events"] if wish.topic_prefix else None,
        "tls": {**cast("dict[str, Json]", settings.get("tls") or {}), "key": wish.key} if wish.key else None,
        "target": wish.target,
    }
    return _said(said)


def _said(values: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in values.items() if value is not None}


def _default_users() -> dict[str, Json]:
    return {user.name: user.role.value for user in DEFAULT_USERS}


def _declared(at: Project, directory: str) -> Broker | None:
    """The one broker of the project's manifests that is meant."""
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
    """What is in the manifest; empty when there is none."""
    match at.files.read(path):
        case Present(data):
            return data
        case Absent():
            return b""
        case Unknown(reason):
            raise ReconcilerError(f"{path} cannot be read", detail=reason)


def _parsed(at: Project, directory: str, data: bytes) -> Meant:
    path = _own_path(at, directory)
    loaded = load_source(at, Source(path, data))
    brokers = list(loaded.desired.brokers.values())
    if not brokers:
        raise ReconcilerError(f"{path} declares no broker", fix="give it a `broker:` block, or remove it")
    settings = cast("Mapping[str, Json]", loaded.documents[0].content.get("broker") or {})
    return Meant(brokers[0], directory, path, data, settings)


# --- changes ----------------------------------------------------------------------------------


def carry_out(at: Project, of: Meant, manner: Manner, rework: Rework | None = None) -> Survey | None:
    """Show what would become of the broker's files, and unless it is only a trial, make it so.

        What was settled comes back; None when nothing was to be done, or nothing was done. A broker that
    runs follows and is proved; when that fails, files and settings are as before. One that does not run
    is not started. `rework` is a rotation.

    Raises:
        Unfit: The files would not do.
        ReconcilerError: It does not work with them.
    """
    brokers = at.brokers.real
    survey = brokers.examine(of.broker, rework)
    if survey.problems:
        raise Unfit("no broker would take the files", survey.problems)
    pending = _show_plan(at, of.broker, survey, manner, rotates=rework is not None)
    if manner.dry_run or (pending and manner.approve and not manner.approve()):
        return None
    with _settings(at, of):
        if pending:
            brokers.update(of.broker.address)
    return survey if pending else None


@contextmanager
def _settings(at: Project, of: Meant) -> Iterator[None]:
    """Write the broker's own manifest, and bring the old one back when the block fails.

    It comes first: whoever comes after a crash in between completes what it asks for.
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


def _show_plan(at: Project, broker: Broker, survey: Survey, manner: Manner, *, rotates: bool) -> bool:
    """Print what would change; False when nothing would."""
    resting = survey.runs is False
    quiet = Survey(survey.made, survey.changes, edited=survey.edited, due=survey.due) if resting else survey
    row = BrokerRow(broker.address.workspace, broker.directory, broker.target.value)  # only apply has others
    action = decide(BrokerCase(broker, row, Present(quiet))).action
    if rotates:
        action = replace(action, reason=Reason.REQUESTED)
    pending = action.verb is not Verb.NOOP
    document = plan_document(Plan(Mode.NORMAL, "", 0, "", (action,)), options_of(Request()))
    if manner.as_json:
        tell_json(document)
    else:
        unchanged = f"No changes. The files of {broker.address} are as its settings say."
        show(plan_text(document) if pending else [unchanged], sys.stdout, at.env)
    return pending


def expect_user(of: Meant, name: str) -> None:
    """Raise UsageError unless the broker has a user of this name."""
    names = [user.name for user in of.broker.users]
    if name not in names:
        raise UsageError(f"{of.broker.address} has no user {name}", fix=f"users are: {', '.join(names)}")


def expect_certificates(of: Meant) -> None:
    """Raise UsageError unless users of the broker have certificates."""
    if not any(listener.mtls for listener in of.broker.listeners):
        raise UsageError(f"{of.broker.address} asks nobody for a certificate", fix="rotate the password: user rotate")


def next_step(at: Project, of: Meant) -> Rollover:
    """The step of the CA's roll-over that comes next.

    Raises:
        Refused: The CA is not ours.
        ReconcilerError: There is none yet.
    """
    if of.broker.tls.ca_cert:
        raise Refused("the CA was given, and is not ours to replace", fix="name another one under `tls: {ca: ...}`")
    authority = at.brokers.real.look(of.broker).material.authority
    if authority is None:
        raise ReconcilerError(f"{of.broker.address} has no CA yet", fix=f"make its files: {of.command('init')}")
    return pki.next_step(authority)


# --- what is told -----------------------------------------------------------------------------


def next_command(of: Meant) -> str:
    """What a user does with files that were made."""
    by_hand = how_to_start(of.broker)
    return by_hand or f"{of.command('run --background')}, then {of.command('verify')}"


def reloaded_text(of: Meant, reloaded: Reloaded) -> Iterator[str]:
    """What a reload has changed, and what it could not."""
    changed = reloaded.before is not Effect.NOTHING
    yield (
        f"{of.broker.address} (pid {reloaded.pid}) has read its files again"
        f"{' and follows what had changed in them.' if changed else '; nothing had changed in them.'}"
    )
    if reloaded.after is Effect.RESTART:
        yield f"Some of it is read at a start only: {of.command('stop')} && {of.command('run --background')}"


def rolled_text(of: Meant, step: Rollover) -> Iterator[str]:
    """Which step of a roll-over was taken, and what comes before the next one."""
    trusted = os.path.join(of.broker.directory, layout.CA_CERTIFICATE)
    match step:
        case Rollover.PUBLISH:
            yield "Step 1 of 3: a new CA is made, and the old one signs still."
            yield f"Give {trusted} to every client on another machine. Then: {of.command('rotate ca')}"
        case Rollover.SWITCH:
            yield "Step 2 of 3: the new CA has signed all certificates anew; those of the old one are trusted still."
            yield "Clients with a certificate need the new one, from clients/. Then: " + of.command("rotate ca")
        case Rollover.RETIRE:
            yield "Step 3 of 3: the old CA is trusted no more. The roll-over is done."
            yield f"{trusted} holds the new one alone; clients may get it at any time."

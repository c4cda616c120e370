"""Make a profile of what is said of an agent CLI as data, in a manifest or in a built-in type."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from types import UnionType
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import asdict, replace

from reconciler.model.desired import AgentType
from reconciler.model.event_kind import EventKind

from .binding import Binding
from .box import InputBox
from .display import Display, no_rules, unknown_activity
from .form import BoxForm, HooksForm, PermissionForm, TrustForm, TypeForm
from .hooks import Hooks
from .json_form import (
    HeadReader,
    MessageReader,
    NoteReader,
    NotesOfUsers,
    RowOfId,
    RowsOfFolder,
    TrustedFolder,
    read_row,
)
from .launch import SESSION_ID, Launch, Shutdown, Trust
from .path_form import Artifacts, Beside, HeldFiles, NotePlaces, OnePath, PathForms, Roots, StorePlaces
from .payload import tool_request
from .permission import PermissionPrompt
from .profile import Profile
from .screen import Rule, rules
from .storage import Database, Storage, Transcript
from .text_form import (
    ANY_ID,
    BusyExpression,
    id_pattern,
    last_line_pattern,
    line_pattern,
    title_rules,
    wrapped_pattern,
)
from .usage import ENDS, Usage


def declared_profile(declared: AgentType) -> Profile:
    """Make the profile of an agent type that a manifest describes. Its content must have been checked."""
    return profile_of(form_of(declared))


def form_of(declared: AgentType) -> TypeForm:
    """What a manifest says of an agent type, in the form of the built-in ones."""
    said = {
        "name": declared.name,
        "command": declared.command,
        "wrap": declared.wrap,
        "new": declared.new,
        "resume": declared.resume,
        "artifacts": declared.artifacts,
        "quit": declared.quit,
        "busy": declared.busy,
        **declared.parts,
    }
    form: TypeForm = msgspec.convert(_listed(said, TypeForm), TypeForm)
    words = form.command_line
    return replace(form, command_line=replace(words, id=ANY_ID)) if words else form


def _listed(value: Any, kind: Any) -> Any:
    """The value with a list around each single text that stands for a list of one."""
    if isinstance(value, str) and typing.get_origin(kind) is tuple:
        return [value]
    inner = next((each for each in _parts_of(kind) if isinstance(each, type) and issubclass(each, Struct)), None)
    if isinstance(value, Mapping) and inner:
        kinds = {each.name: each.type for each in msgspec.structs.fields(inner)}
        return {key: _listed(each, kinds.get(key)) for key, each in value.items()}
    if isinstance(value, Mapping):
        of_values = (*typing.get_args(kind), None, None)[1]
        return {key: _listed(each, of_values) for key, each in value.items()}
    if isinstance(value, list) and typing.get_origin(kind) is tuple:
        return [_listed(each, typing.get_args(kind)[0]) for each in value]
    return value


def _parts_of(kind: Any) -> tuple[Any, ...]:
    return typing.get_args(kind) if isinstance(kind, UnionType) else (kind,)


def profile_of(form: TypeForm) -> Profile:
    """Make the profile: equal forms give equal profiles."""
    return Profile(
        name=form.name,
        form=form,
        tested=form.tested,
        launch=_launch(form),
        usage=_usage(form),
        trust=_trust(form, form.trust) if form.trust else Trust(),
        shutdown=Shutdown(
            quit=form.quit, resume_line=last_line_pattern(form.resume_line, form.id), survives_kill=form.survives
        ),
        storage=_storage(form),
        database=_database(form),
        transcript=_transcript(form),
        binding=_binding(form),
        display=_display(form),
        hooks=_hooks(form, form.hooks) if form.hooks else None,
    )


def _launch(form: TypeForm) -> Launch:
    return Launch(
        command=form.command,
        args_always=form.args_always,
        new=form.new,
        resume=form.resume,
        prompt=form.prompt,
        since=tuple(form.since.items()),
        goes_on_in_child=form.goes_on_in_child,
        wrap=form.wrap,
    )


def _usage(form: TypeForm) -> Usage:
    own = Usage(resume=_before_id(form.resume) + _before_id(form.new), id=ANY_ID, once=ENDS)
    return replace(form.command_line or own, **({"id": id_pattern(form.id)} if form.id else {}))


def _before_id(template: tuple[str, ...]) -> tuple[str, ...]:
    """The word before the id of a conversation, if the id is a separate word."""
    at = template.index(SESSION_ID) if SESSION_ID in template else 0
    return template[at - 1 : at]


def _trust(form: TypeForm, trust: TrustForm) -> Trust:
    if not trust.file:
        return Trust(args=trust.args, setting=trust.setting)
    file = OnePath((trust.file,), tuple(form.variables.items()))
    return Trust(args=trust.args, file=file, with_folder=TrustedFolder(trust), setting=trust.setting)


def _forms(form: TypeForm, templates: tuple[str, ...]) -> PathForms:
    return PathForms(templates, tuple(form.variables.items()), form.id)


def _storage(form: TypeForm) -> Storage:
    variables = tuple(form.variables.items())
    storage = Storage(
        variables=tuple(form.variables), several_files=form.several_files, fragile_resume=form.fragile_resume
    )
    if form.roots:
        storage = replace(storage, roots=Roots(form.roots, variables))
    if form.follows is not None:
        storage = replace(storage, follows=Follows(form.follows))
    if form.belongs:
        storage = replace(storage, belongs=Beside(form.belongs))
    if not form.artifacts:
        return storage
    return replace(
        storage,
        artifacts=Artifacts(form.artifacts, variables, form.id),
        stores=StorePlaces(form.stores or form.artifacts, variables, form.id),
        read_head=HeadReader(_forms(form, form.artifacts), form.head),
    )


class Follows(Struct, frozen=True):
    """Whether a CLI resumes a conversation from another folder, in every version."""

    answer: bool

    def __call__(self, _version: str) -> bool:
        """The same for each version."""
        return self.answer


def _database(form: TypeForm) -> Database:
    table = form.database
    if table is None:
        return Database()
    paths = _forms(form, (table.file,))
    return Database(
        rows=RowsOfFolder(paths, table), row_of=RowOfId(paths, table), read_row=read_row, delete_row=table.delete
    )


def _transcript(form: TypeForm) -> Transcript:
    own = Transcript(proof=form.proof.encode(), wrapped=wrapped_pattern(form.wrapped), opaque=form.opaque)
    messages = form.messages
    return replace(own, read_message=MessageReader(messages), rewrites=messages.rewrites) if messages else own


def _binding(form: TypeForm) -> Binding:
    binding, notes = Binding(), form.notes
    if form.held:
        held = HeldFiles(form.held, tuple(form.variables.items()), form.id)
        binding = Binding(held=held, held_from_start=form.held_from_start)
    if notes is None:
        return binding
    return replace(
        binding,
        notes=NotePlaces(notes.files, tuple(form.variables.items()), form.id),
        users=NotesOfUsers(_forms(form, notes.users or notes.files)),
        read_note=NoteReader(_forms(form, notes.files), notes),
        dates_notes=bool(notes.started),
    )


class DeclaredRules(Struct, frozen=True):
    """Rules for screens that stand in a manifest."""

    known: tuple[Rule, ...]

    def __call__(self) -> tuple[Rule, ...]:
        """The rules."""
        return self.known


class BuiltInRules(Struct, frozen=True):
    """Rules for screens in a file of the package, which is read when a screen is looked at."""

    name: str

    def __call__(self) -> tuple[Rule, ...]:
        """The rules."""
        return rules(self.name)


def _display(form: TypeForm) -> Display:
    display = Display(
        tells_activity=_tells_activity(form),
        activity=_activity(form),
        box=_box(form.box) if form.box else None,
        submit=form.submit,
        paste_pause=form.paste_pause,
        permission=_permission(form.permission) if form.permission else None,
    )
    if form.screens_file:
        return replace(display, rules=BuiltInRules(form.screens_file))
    known = tuple(Rule(**asdict(each)) for each in form.screens)
    return replace(display, rules=DeclaredRules(known) if known else no_rules)


def _tells_activity(form: TypeForm) -> bool:
    """Where nothing ever says "idle", "unknown" cannot mean that the agent is at work."""
    if form.tells_activity is not None:
        return form.tells_activity
    by_screen = "idle" in {each.state for each in form.screens}
    return bool(form.busy or form.titles.get("idle") or by_screen or (form.notes and form.notes.status))


def _activity(form: TypeForm) -> Any:
    if form.busy:
        return BusyExpression(form.busy)
    return title_rules(form.titles) if form.titles else unknown_activity


def _box(box: BoxForm) -> InputBox:
    return InputBox(box.mark, line_pattern(box.empty), frame=line_pattern(box.frame))


def _permission(asked: PermissionForm) -> PermissionPrompt:
    return PermissionPrompt(
        first=line_pattern(asked.first),
        last=line_pattern(asked.last),
        once=line_pattern(asked.once),
        approve=asked.approve,
        deny=asked.deny,
        opening=line_pattern(asked.opening),
        mark=asked.mark,
        reason=line_pattern(asked.reason),
    )


def _hooks(form: TypeForm, hooks: HooksForm) -> Hooks:
    return Hooks(
        user=OnePath((hooks.user,), tuple(form.variables.items())),
        project=hooks.project,
        events={name: EventKind(kind) for name, kind in hooks.events.items()},
        limit=hooks.limit,
        request=tool_request,
        reply=hooks.reply,
        notice=hooks.notice,
        review=hooks.review,
    )

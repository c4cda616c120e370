"""Say a type in the words of a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from msgspec import Struct
from msgspec.structs import fields

from reconciler.model.record import Json

from .declared import profile_of
from .form import TypeForm
from .profile import Profile
from .screen import Rule, rules

# What a manifest cannot say, because it is said there in another way.
_OWN = ("name", "screens_file", "tells_activity")


def manifest_words(form: TypeForm) -> dict[str, Json]:
    """The block under `agent_types` that says the same; what has its default is left out."""
    said = {each.name: getattr(form, each.name) for each in fields(TypeForm) if each.name not in _OWN}
    if form.screens_file:
        said["screens"] = rules(form.screens_file)
    if isinstance(said["command_line"], Struct):
        said["command_line"] = {key: value for key, value in _items(said["command_line"]).items() if key != "id"}
    return {
        key: cast("Json", _plain(value))
        for key, value in said.items()
        if value != _default(key) and value not in (None, "", (), {})
    }


def parts_in_python(profile: Profile) -> tuple[str, ...]:
    """The parts of a profile that its data form does not say, because they take an algorithm."""
    if profile.form is None:
        return ()
    made = profile_of(profile.form)
    return tuple(name for name in Profile.__struct_fields__ if getattr(profile, name) != getattr(made, name))


def _default(key: str) -> object:
    return next((each.default for each in fields(TypeForm) if each.name == key), None)


def _items(value: Struct) -> dict[str, Any]:
    """The keys that do not have their default."""
    kept = {each.name: (getattr(value, each.name), each) for each in fields(value)}
    return {name: found for name, (found, each) in kept.items() if found != each.default and found not in ((), {}, "")}


def _plain(value: Any) -> Any:
    if isinstance(value, Rule):
        kept = {key: each for key, each in value._asdict().items() if each != Rule._field_defaults.get(key)}
        return _plain(kept)
    if isinstance(value, Struct):
        return _plain(_items(value))
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple | list) else value

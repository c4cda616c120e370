"""Make the profile of an agent type that changes another one."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.desired import AgentType

from .declared import form_of, profile_of
from .form import TypeForm
from .profile import Profile

# The keys that are fields of an AgentType; all others are its `parts`.
_NAMED = ("command", "wrap", "new", "resume", "artifacts", "quit", "busy")


def extended_profile(declared: AgentType, base: Profile) -> Profile:
    """The profile of `base`, changed by each key that the manifest gives. Its content must have been checked.

    What the base says in Python stays, unless a given key says the same thing.
    """
    before = base.form or TypeForm(name=base.name, command=base.launch.command)
    form = _changed(before, declared)
    plain, wanted = profile_of(before), profile_of(form)
    changed: Profile = _merged(plain, wanted, base)
    return replace(changed, form=form, tokens="" if "usage" in declared.parts else base.tokens)


def _changed(form: TypeForm, declared: AgentType) -> TypeForm:
    """The form with the keys that the manifest gives."""
    given = {"name", *declared.parts, *(key for key in _NAMED if getattr(declared, key))}
    own = form_of(replace(declared, command=declared.command or form.command))
    if "screens" in given:
        form = replace(form, screens_file="")
    return replace(form, **{key: getattr(own, key) for key in given})


def _merged(plain: Any, wanted: Any, base: Any) -> Any:
    """`wanted` where it differs from `plain`, else `base`; structs field by field."""
    if wanted == plain:
        return base
    if not isinstance(base, Struct) or type(base) is not type(wanted) or type(base) is not type(plain):
        return wanted
    names = base.__struct_fields__
    return replace(base, **{name: _merged(*(getattr(each, name) for each in (plain, wanted, base))) for name in names})

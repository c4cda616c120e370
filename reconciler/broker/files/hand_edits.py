"""Describe edits by hand in a broker's files as changes of options, rights and users."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256

from reconciler.model.broker import HandEdit
from reconciler.model.deep import DeepChange, Path, compare
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.record import Json

from . import acl, conf, layout, passwords
from .file_set import FileSet

_SECRET_OPTIONS = ("password", "kpass_sha1")
_PLUGINS = ("plugin_opt_", "auth_opt_")  # options of plugins: any of them may be a secret
_NAMELESS = "clients without a name"


def hand_edits(
    edited: tuple[str, ...], found: FileSet, wanted: FileSet, written: Mapping[str, str]
) -> tuple[HandEdit, ...]:
    """The changes in each edited file, without secrets.

    Only the digests of the `written` files are known, so the files are compared with those that are `wanted` now.
    """
    if not edited:
        return ()
    against_now = any(written.get(path) != _digest(wanted, path) for path in (layout.CONF, layout.ACL))
    return tuple(_edit(path, found, wanted, written=path in written, against_now=against_now) for path in edited)


def _digest(files: FileSet, path: str) -> str | None:
    return sha256(files[path].data).hexdigest() if path in files else None


def _edit(path: str, found: FileSet, wanted: FileSet, *, written: bool, against_now: bool) -> HandEdit:
    differences = _COMPARED.get(path)
    if differences and path in found and path in wanted:
        before, after = (files[path].data.decode("utf-8", "replace") for files in (wanted, found))
        return HandEdit(path, tuple(differences(before, after)), against_now)
    op = "remove" if path not in found else "replace" if written else "add"
    return HandEdit(path, (DeepChange("", op, sensitive=True),))


# --- the configuration ------------------------------------------------------------------------


def _conf_changes(before: str, after: str) -> Iterator[DeepChange]:
    old, new = ({key: _options(each) for key, each in _by_listener(text).items()} for text in (before, after))
    common = old.pop("", {}), new.pop("", {})
    yield from compare(*common, _is_secret)
    gone, come = [key for key in old if key not in new], [key for key in new if key not in old]
    pairs = {**{key: key for key in old if key in new}, **dict(zip(gone, come, strict=False))}
    for was, now in pairs.items():
        if was != now:
            yield DeepChange("listener", "replace", was, now)
        yield from compare({"listener": {now: old[was]}}, {"listener": {now: new[now]}}, _is_secret)
    yield from (DeepChange("listener", "remove", key) for key in gone[len(come) :])
    yield from (DeepChange("listener", "add", after=key) for key in come[len(gone) :])


def _by_listener(text: str) -> dict[str, list[conf.Setting]]:
    """The settings by port; settings for all listeners have an empty name."""
    settings = conf.parse(text)
    ports = [setting.value.partition(" ")[0] for setting in settings if setting.option == "listener"]
    found: dict[str, list[conf.Setting]] = {"": []}
    for setting in settings:
        port = setting.listener.partition(" ")[0]
        found.setdefault(setting.listener if ports.count(port) > 1 else port, []).append(setting)
    return found


def _options(settings: list[conf.Setting]) -> dict[str, Json]:
    """Each option with its value, or with its sorted values if it is set several times."""
    values: dict[str, list[str]] = {}
    for setting in settings:
        name, value = setting.option, setting.value
        if name == "listener":
            name, value = "bind", value.partition(" ")[2]
        if value or name != "bind":
            values.setdefault(name, []).append(value)
    return {name: each[0] if len(each) == 1 else list[Json](sorted(each)) for name, each in values.items()}


def _is_secret(path: Path, _value: Json) -> bool:
    options = [step for step in path if isinstance(step, str)]
    return options[-1:] != [] and (options[-1].endswith(_SECRET_OPTIONS) or options[-1].startswith(_PLUGINS))


# --- rights and users -------------------------------------------------------------------------


def _acl_changes(before: str, after: str) -> Iterator[DeepChange]:
    (old, _), (new, problems) = acl.parse(before, layout.ACL), acl.parse(after, layout.ACL)
    nameless = acl.differences(*(acl.Acl({_NAMELESS: each.users.get("", ())}) for each in (old, new)))
    for change in (*nameless, *acl.differences(old, new)):
        who, line = f"acl.{change.user or 'everybody'}", f"{change.grant.access} {change.grant.topic}"
        yield DeepChange(who, "add", after=line) if change.added else DeepChange(who, "remove", line)
    yield from (DeepChange("acl", "add", after=_unread(each)) for each in problems)


def _user_changes(before: str, after: str) -> Iterator[DeepChange]:
    (old, _), (new, problems) = (passwords.parse(text, layout.PASSWORDS) for text in (before, after))
    yield from (DeepChange(f"users.{name}", "add", after="may log in") for name in sorted(new.keys() - old.keys()))
    yield from (DeepChange(f"users.{name}", "remove", "may log in") for name in sorted(old.keys() - new.keys()))
    changed = sorted(name for name in old.keys() & new.keys() if old[name] != new[name])
    yield from (DeepChange(f"users.{name}.password", "replace", sensitive=True) for name in changed)
    yield from (DeepChange("users", "add", after=_unread(each)) for each in problems)


def _unread(problem: Diagnostic) -> str:
    """Describe a line that Mosquitto would reject."""
    return f"line {problem.place.line}: {problem.summary}" if problem.place else problem.summary


_COMPARED: Mapping[str, Callable[[str, str], Iterator[DeepChange]]] = {
    layout.CONF: _conf_changes,
    layout.ACL: _acl_changes,
    layout.PASSWORDS: _user_changes,
}

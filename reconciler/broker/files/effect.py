"""Decide what a running broker must do after a change of its files: nothing, reload or restart."""

from __future__ import annotations

from hashlib import sha256

from msgspec import Struct

from reconciler.model.broker import Effect
from reconciler.model.diagnostic import Diagnostic

from . import acl, conf, layout, passwords
from .file_set import FileSet


class EffectReasons(Struct, frozen=True):
    """The effect, and the reasons for it for the user."""

    effect: Effect
    reasons: tuple[str, ...] = ()


def meaning(old: FileSet, new: FileSet) -> EffectReasons:
    """What a broker that runs with the old set must do to use the new one.

    Measured with Mosquitto 2.0.11 and 2.1.2. Both read a `cafile` only when a port opens, not at a reload (src/net.c).
    """
    if layout.CONF not in old:
        return EffectReasons(Effect.RESTART, ("there were no files before",))
    restart, reload = _restart_reasons(old, new), _reload_reasons(old, new)
    if restart:
        return EffectReasons(Effect.RESTART, (*restart, *reload))
    return EffectReasons(Effect.RELOAD, reload) if reload else EffectReasons(Effect.NOTHING)


class Fingerprints(Struct, frozen=True):
    """Digests of a set of files: of the parts that are read only at a start, and of those that a reload reads too."""

    start: str
    reload: str


def prints(files: FileSet) -> Fingerprints:
    """The digests of a set; comments and the order of lines do not count."""
    settings = sorted((each.listener, each.option, each.value) for each in _settings(files))
    trusted = files[layout.TRUSTED].data if _demands_certificates(files) and layout.TRUSTED in files else b""
    server = [files[path].data for path in (layout.SERVER_CERTIFICATE, layout.SERVER_KEY) if path in files]
    rules = acl.differences(acl.Acl({}), _acl(files)[0])
    return Fingerprints(
        start=_digest([each for each in settings if not conf.is_reloaded(each[1])], trusted),
        reload=_digest(
            [each for each in settings if conf.is_reloaded(each[1])], rules, sorted(_entries(files).items()), server
        ),
    )


def unread(read: Fingerprints, files: FileSet) -> Effect:
    """What a broker that has read `read` must do to use the files as they are now."""
    now = prints(files)
    if now.start != read.start:
        return Effect.RESTART
    return Effect.RELOAD if now.reload != read.reload else Effect.NOTHING


def _digest(*parts: object) -> str:
    return sha256(repr(parts).encode()).hexdigest()


def _restart_reasons(old: FileSet, new: FileSet) -> tuple[str, ...]:
    options = conf.changed(_settings(old), _settings(new))
    reasons = [f"{option} is read at the start only" for option in options if not conf.is_reloaded(option)]
    if _demands_certificates(new) and _differs(old, new, layout.TRUSTED):
        reasons.append("the CAs of client certificates are read at the start only")
    return tuple(reasons)


def _reload_reasons(old: FileSet, new: FileSet) -> tuple[str, ...]:
    options = conf.changed(_settings(old), _settings(new))
    reasons = [f"{option} has changed" for option in options if conf.is_reloaded(option)]
    (old_acl, problems), (new_acl, _) = _acl(old), _acl(new)
    if problems or acl.differences(old_acl, new_acl):
        reasons.append("the ACL has changed")
    if _entries(old) != _entries(new):
        reasons.append("users or passwords have changed")
    if _differs(old, new, layout.SERVER_CERTIFICATE) or _differs(old, new, layout.SERVER_KEY):
        reasons.append("the server has another certificate")
    return tuple(reasons)


def _demands_certificates(files: FileSet) -> bool:
    return "true" in conf.values(_settings(files), "require_certificate")


def _differs(old: FileSet, new: FileSet, path: str) -> bool:
    return path not in old or old[path].data != new[path].data


def _settings(files: FileSet) -> tuple[conf.Setting, ...]:
    return conf.parse(_text(files, layout.CONF))


def _acl(files: FileSet) -> tuple[acl.Acl, tuple[Diagnostic, ...]]:
    return acl.parse(_text(files, layout.ACL), layout.ACL)


def _entries(files: FileSet) -> dict[str, str]:
    return passwords.parse(_text(files, layout.PASSWORDS), layout.PASSWORDS)[0]


def _text(files: FileSet, path: str) -> str:
    return files[path].data.decode("utf-8", "replace") if path in files else ""

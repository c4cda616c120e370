"""The ACL file: who may read and write which topics.

The grammar is that of the parser in Mosquitto 2.0.11 and 2.1.2 (src/acl_file.c), which is stricter
than its manual.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from reconciler.model.broker import DEMO_TOPIC, Access, Broker, BrokerUser, Grant, Role
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.host_topics import ANY, EVENTS, box, cancel, dead, prefixes
from reconciler.model.utf8 import is_utf8

from .file_set import mistake

_ROLE_ACCESS = {Role.OBSERVER: Access.READ, Role.WORKER: Access.WRITE, Role.RECONCILER: Access.READWRITE}
_LONGEST_TOPIC = 65535  # bytes, MQTT 5.0 section 4.7.3
_SHAPE = "write `topic [read|write|readwrite|deny] FILTER`, `pattern ...` or `user NAME`"


class Acl(Struct, frozen=True):
    """The content of an ACL file in the order of its lines: grants by user, and patterns for every user.

    The user "" has the lines before the first `user` line, which are for clients without a name.
    """

    users: Mapping[str, tuple[Grant, ...]]
    patterns: tuple[Grant, ...] = ()


class GrantChange(Struct, frozen=True):
    """A line that only one of two ACLs has; `user` is empty for a pattern, which counts for every user."""

    user: str
    grant: Grant
    added: bool


def grants(user: BrokerUser, topics: tuple[str, ...], *, runners: bool = False) -> tuple[Grant, ...]:
    """The ACL lines of a user, in a fixed order: its own for the role custom, else those of its role.

    `runners` says whether the broker has users with the role runner: then the role reconciler reaches their boxes.
    """
    if user.role is Role.CUSTOM:
        return tuple(sorted(user.grants, key=_order))
    if user.role is Role.RUNNER:
        return tuple(grant for prefix in sorted(prefixes(topics)) for grant in _of_runner(prefix, user.name))
    events = tuple(Grant(_ROLE_ACCESS[user.role], topic) for topic in sorted(topics))
    if user.role is Role.RECONCILER and runners:
        return (*events, *(grant for prefix in sorted(prefixes(topics)) for grant in _of_all_hosts(prefix)))
    return events


def declared(broker: Broker) -> Acl:
    """The ACL from the settings."""
    runners = any(user.role is Role.RUNNER for user in broker.users)
    named = sorted(broker.users, key=lambda user: user.name)
    users = {user.name: grants(user, broker.topics, runners=runners) for user in named}
    return Acl(users, (Grant(Access.READWRITE, DEMO_TOPIC),) if broker.demo_topic else ())


def parse(text: str, path: str) -> tuple[Acl, tuple[Diagnostic, ...]]:
    """Parse an ACL file, and report every line that Mosquitto would reject."""
    users: dict[str, tuple[Grant, ...]] = {}
    patterns: list[Grant] = []
    problems: list[Diagnostic] = []
    user = ""
    for number, line in enumerate(text.splitlines(), 1):
        word, rest = _words(line)
        if not word:
            continue
        problem = _problem(word, rest)
        if problem:
            problems.append(mistake(path, number, problem, _SHAPE))
        elif word == "user":
            user = rest
            users.setdefault(user, ())
        elif word == "topic":
            users[user] = (*users.get(user, ()), _grant(rest))
        else:
            patterns.append(_grant(rest))
    return Acl(users, tuple(patterns)), tuple(problems)


def differences(old: Acl, new: Acl) -> tuple[GrantChange, ...]:
    """The removed and added grants, sorted by user; patterns first."""
    names = sorted({"", *old.users, *new.users})
    return tuple(change for name in names for change in _changes(name, _of(old, name), _of(new, name)))


def filter_problem(topic: str) -> str:
    """Why `topic` is not a valid MQTT topic filter (MQTT 5.0 section 4.7); empty when it is."""
    if not topic:
        return "the topic filter is empty"
    if any(ord(char) < 32 or ord(char) == 127 for char in topic):
        return f"the topic filter {topic!r} has a control character"
    if not is_utf8(topic):
        return f"the topic filter {topic!r} is not UTF-8"
    if len(topic.encode()) > _LONGEST_TOPIC:
        return "the topic filter is too long"
    return _level_problem(topic)


def _of_runner(prefix: str, host: str) -> tuple[Grant, ...]:
    return (
        Grant(Access.WRITE, f"{prefix}{EVENTS}"),
        Grant(Access.READWRITE, box(prefix, host)),
        Grant(Access.READWRITE, cancel(prefix, host)),
        Grant(Access.WRITE, dead(prefix, host)),
    )


def _of_all_hosts(prefix: str) -> tuple[Grant, ...]:
    return tuple(Grant(Access.READWRITE, topic(prefix, ANY)) for topic in (box, cancel, dead))


def _level_problem(topic: str) -> str:
    levels = topic.split("/")
    if any("+" in level and level != "+" for level in levels):
        return f"in {topic!r}, a + is only a part of its level"
    if any("#" in level for level in levels[:-1]) or ("#" in levels[-1] and levels[-1] != "#"):
        return f"in {topic!r}, a # is not the last level"
    return ""


def _order(grant: Grant) -> tuple[bool, str, str]:
    # Mosquitto checks a user's denials first, wherever they are in the file: so they come first here.
    return grant.access is not Access.DENY, grant.topic, grant.access


def _words(line: str) -> tuple[str, str]:
    if line.startswith("#"):
        return "", ""
    word, _, rest = line.strip().partition(" ")
    return word, rest.strip()


def _problem(word: str, rest: str) -> str:
    if word not in {"topic", "pattern", "user"}:
        return f"{word!r} is not a keyword of an ACL file"
    if word == "user":
        return _name_problem(rest)
    if not rest:
        return f"a {word} line without a topic"
    access, _, topic = rest.partition(" ")
    if topic and access not in set(Access):
        return f"{access!r} is not one of read, write, readwrite, deny"
    return filter_problem(topic.strip() or access)


def _name_problem(name: str) -> str:
    if not name:
        return "a user line without a name"
    return f"{name!r} cannot have a password: in the password file, a colon ends the name" if ":" in name else ""


def _grant(rest: str) -> Grant:
    access, _, topic = rest.partition(" ")
    return Grant(Access(access), topic.strip()) if topic else Grant(Access.READWRITE, access)


def _of(acl: Acl, name: str) -> tuple[Grant, ...]:
    return acl.users.get(name, ()) if name else acl.patterns


def _changes(user: str, old: tuple[Grant, ...], new: tuple[Grant, ...]) -> list[GrantChange]:
    removed = [GrantChange(user, grant, added=False) for grant in sorted(set(old) - set(new), key=_order)]
    return removed + [GrantChange(user, grant, added=True) for grant in sorted(set(new) - set(old), key=_order)]

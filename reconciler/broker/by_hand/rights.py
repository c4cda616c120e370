"""The users of a broker that was made by hand, and the role that matches the ACL lines of each."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct

from reconciler.broker.files import acl, passwords
from reconciler.model.address import is_name
from reconciler.model.adoption import LeftAlone
from reconciler.model.broker import DEMO_TOPIC, JOB_EVENTS, Access, BrokerUser, Grant, Role
from reconciler.model.destination import is_host_name
from reconciler.model.diagnostic import Diagnostic, Place

from .folder import HandMadeBroker

_EVENTS = re.compile(r".+/jobs/\+/events")
_EVERYTHING = (Grant(Access.READWRITE, "#"),)
_NOTHING = (Grant(Access.DENY, "#"),)
_LONGEST = 64


class RightsFiles(Struct, frozen=True):
    """The paths of the password file and the ACL; empty when missing.

    With `certified`, users log in with certificates, so only the ACL names them.
    """

    passwords: str
    acl: str
    certified: bool = False


class FoundRights(Struct, frozen=True):
    """The users of a broker in the form of settings; `topics` are those of the job events."""

    users: tuple[BrokerUser, ...] = ()
    topics: tuple[str, ...] = (JOB_EVENTS,)
    demo_topic: bool = False
    left_alone: tuple[LeftAlone, ...] = ()
    problems: tuple[Diagnostic, ...] = ()


def rights(found: HandMadeBroker, sources: RightsFiles) -> FoundRights:
    """Find each user with a role, or with its ACL lines if no role matches."""
    entries, bad = passwords.parse(found.text(sources.passwords), found.full(sources.passwords))
    rules, problems = acl.parse(found.text(sources.acl), found.full(sources.acl))
    names = [*entries, *(name for name in rules.users if sources.certified and name and name not in entries)]
    known = [name for name in names if not _name_problem(name)]
    patterns = _Patterns(rules.patterns)
    if not sources.acl:
        rules = acl.Acl(dict.fromkeys(known, _EVERYTHING))
    topics = _topics(rules)
    return FoundRights(
        users=_users({name: _lines(name, rules, patterns) for name in known}, topics, patterns),
        topics=topics,
        demo_topic=patterns.demo,
        left_alone=(
            *_unread_entries(found, sources.passwords, bad),
            *_left_users(found, sources, names, rules),
            *_left_patterns(found, sources, patterns),
        ),
        problems=problems,
    )


class _Patterns(Struct, frozen=True):
    """The `pattern` lines, which count for every user."""

    grants: tuple[Grant, ...]

    @property
    def demo(self) -> bool:
        return Grant(Access.READWRITE, DEMO_TOPIC) in self.grants

    @property
    def system(self) -> tuple[Grant, ...]:
        """Patterns about the broker itself; they tell every user about all others."""
        return tuple(grant for grant in self.grants if grant.topic.startswith("$"))

    @property
    def by_client(self) -> tuple[Grant, ...]:
        """Patterns with the client id."""
        return tuple(grant for grant in self.grants if "%c" in grant.topic and grant not in self.system)

    def of(self, name: str) -> tuple[Grant, ...]:
        """The patterns as lines of one user."""
        demo = Grant(Access.READWRITE, DEMO_TOPIC)
        rest = (each for each in self.grants if each != demo and each not in (*self.system, *self.by_client))
        return tuple(Grant(each.access, each.topic.replace("%u", name)) for each in rest)


def _lines(name: str, rules: acl.Acl, patterns: _Patterns) -> tuple[Grant, ...]:
    """The ACL lines that count for a user."""
    return tuple(dict.fromkeys((*rules.users.get(name, ()), *patterns.of(name))))


def _users(
    lines: Mapping[str, tuple[Grant, ...]], topics: tuple[str, ...], patterns: _Patterns
) -> tuple[BrokerUser, ...]:
    """Each user with the role that has exactly these lines; custom if there is none."""
    runners = {name for name, own in lines.items() if _is(Role.RUNNER, name, own, topics)}
    return tuple(_user(name, own, _role(name, own, topics, runners), patterns) for name, own in lines.items())


def _user(name: str, lines: tuple[Grant, ...], role: Role, patterns: _Patterns) -> BrokerUser:
    if role is not Role.CUSTOM:
        return BrokerUser(name, role)
    return BrokerUser(name, role, lines or ((Grant(Access.READWRITE, DEMO_TOPIC),) if patterns.demo else _NOTHING))


def _role(name: str, lines: tuple[Grant, ...], topics: tuple[str, ...], runners: Collection[str]) -> Role:
    if name in runners:
        return Role.RUNNER
    roles = (Role.OBSERVER, Role.WORKER, Role.RECONCILER)
    return next((role for role in roles if _is(role, name, lines, topics, runners=bool(runners))), Role.CUSTOM)


def _is(role: Role, name: str, lines: tuple[Grant, ...], topics: tuple[str, ...], *, runners: bool = True) -> bool:
    """Whether these are the lines of the role; read and write may be one line or two."""
    if role is Role.RUNNER and not is_host_name(name):
        return False
    return _by_topic(lines) == _by_topic(acl.grants(BrokerUser(name, role), topics, runners=runners))


def _by_topic(lines: tuple[Grant, ...]) -> dict[str, set[Access]]:
    rights: dict[str, set[Access]] = {}
    for grant in lines:
        said = {Access.READ, Access.WRITE} if grant.access is Access.READWRITE else {grant.access}
        rights.setdefault(grant.topic, set()).update(said)
    return rights


def _topics(rules: acl.Acl) -> tuple[str, ...]:
    """The filter of the job events: the usual one, else the only one of this form."""
    said = {grant.topic for grants in rules.users.values() for grant in grants if grant.access is not Access.DENY}
    others = sorted(topic for topic in said if _EVENTS.fullmatch(topic))
    return (JOB_EVENTS,) if JOB_EVENTS in said or len(others) != 1 else (others[0],)


def _name_problem(name: str) -> str:
    if is_name(name) and len(name) <= _LONGEST:
        return ""
    return f"a user name must have up to {_LONGEST} letters, digits, - and _"


def _left_users(found: HandMadeBroker, sources: RightsFiles, names: list[str], rules: acl.Acl) -> Iterator[LeftAlone]:
    for name in names:
        if problem := _name_problem(name):
            place = _place(found, sources.passwords, f"{name}:")
            fix = "add a user with another name for its clients: reconciler broker user add NAME"
            yield LeftAlone(f"user {name}", f"it can no longer log in: {problem}", fix, place)
    for name in rules.users:
        if name and name not in names:
            place = _place(found, sources.acl, "user", name)
            fix = f"to let it log in: reconciler broker user add {name}" if not _name_problem(name) else ""
            yield LeftAlone(f"the ACL lines of {name}", "it has no password, so it cannot log in", fix, place)
    if "" in rules.users:
        why = "they are for clients without a name, which cannot log in"
        yield LeftAlone("ACL lines above the first user", why, place=_place(found, sources.acl, "topic"))


def _left_patterns(found: HandMadeBroker, sources: RightsFiles, patterns: _Patterns) -> Iterator[LeftAlone]:
    for grant in patterns.system:
        yield _left_pattern(found, sources, grant, "it tells every user about the broker and all of its clients")
    for grant in patterns.by_client:
        yield _left_pattern(found, sources, grant, "a client chooses its own id, so the id does not identify a user")
    for grant in patterns.of("%u"):
        if grant.access is Access.DENY:
            why = "it becomes a line of each user, and a denial wins over the user's other lines"
            yield _left_pattern(found, sources, grant, why)


def _left_pattern(found: HandMadeBroker, sources: RightsFiles, grant: Grant, why: str) -> LeftAlone:
    fix = "add the lines that a user needs under `users: {NAME: {acl: [...]}}`"
    return LeftAlone(
        f"pattern {grant.access} {grant.topic}", why, fix, _place(found, sources.acl, "pattern", grant.topic)
    )


def _unread_entries(found: HandMadeBroker, path: str, bad: tuple[Diagnostic, ...]) -> Iterator[LeftAlone]:
    """Password file lines that are not valid entries, except empty lines and comments."""
    lines = found.text(path).splitlines()
    fix = "if this user is still needed, add it with a new password: reconciler broker user add NAME"
    for problem in bad:
        said = lines[problem.place.line - 1].strip() if problem.place else ""
        if said and not said.startswith("#"):
            yield LeftAlone("a line of the password file", problem.summary, fix, problem.place)


def _place(found: HandMadeBroker, path: str, start: str, end: str = "") -> Place:
    """The place of the first line with this beginning and end."""
    lines = enumerate((line.strip() for line in found.text(path).splitlines()), 1)
    number = next((number for number, line in lines if line.startswith(start) and line.endswith(end)), 0)
    return Place(found.full(path), number)

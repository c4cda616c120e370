from __future__ import annotations

import pytest

from reconciler.broker.files import acl
from reconciler.broker.files.acl import Acl, GrantChange
from reconciler.model.address import Address
from reconciler.model.broker import DEMO_TOPIC, Access, Broker, BrokerUser, Grant, Role

READ = Grant(Access.READ, "a/+/b")
WRITE = Grant(Access.WRITE, "a/+/b")


@pytest.mark.parametrize(
    ("role", "access"),
    [(Role.OBSERVER, Access.READ), (Role.WORKER, Access.WRITE), (Role.RECONCILER, Access.READWRITE)],
)
def test_a_role_grants_its_access_to_every_topic_in_sorted_order(role: Role, access: Access) -> None:
    assert acl.grants(BrokerUser("u", role), ("b", "a")) == (Grant(access, "a"), Grant(access, "b"))


def test_a_custom_user_has_its_own_lines_with_denials_first() -> None:
    user = BrokerUser("u", Role.CUSTOM, (Grant(Access.READ, "a/#"), Grant(Access.DENY, "z")))
    assert acl.grants(user, ("b",)) == (Grant(Access.DENY, "z"), Grant(Access.READ, "a/#"))


def test_denials_come_first_whatever_their_topic_and_access() -> None:
    """Among equal topics, too: there the name of the access alone would decide."""
    granted = (Grant(Access.READ, "b"), Grant(Access.DENY, "b"), Grant(Access.WRITE, "a"), Grant(Access.DENY, "c"))
    wanted = [("deny", "b"), ("deny", "c"), ("write", "a"), ("read", "b")]
    assert [(g.access, g.topic) for g in acl.grants(BrokerUser("u", Role.CUSTOM, granted), ())] == wanted
    none, some = Acl({}), Acl({"u": granted})
    assert [(c.grant.access, c.grant.topic, c.added) for c in acl.differences(none, some)] == [
        (*each, True) for each in wanted
    ]
    assert [(c.grant.access, c.grant.topic, c.added) for c in acl.differences(some, none)] == [
        (*each, False) for each in wanted
    ]


@pytest.mark.parametrize("character", ["\0", "\t", "\x1f", "\x7f"])
def test_no_control_character_is_taken_in_a_topic(character: str) -> None:
    assert "control character" in acl.filter_problem(f"a{character}b")
    assert acl.filter_problem("a b~\x80") == ""


@pytest.mark.parametrize("code", [0xD800, 0xDCFF])
def test_what_is_not_utf_8_is_a_mistake_with_its_line(code: int) -> None:
    character = chr(code)
    assert "not UTF-8" in acl.filter_problem(f"a{character}b")
    (problem,) = acl.parse(f"user u\ntopic read a{character}b\n", "acl")[1]
    assert "not UTF-8" in problem.summary
    assert problem.place is not None
    assert (problem.place.file, problem.place.line) == ("acl", 2)


@pytest.mark.parametrize("letter", ["a", "\u00e4"])
def test_the_longest_topic_is_counted_in_bytes(letter: str) -> None:
    longest = letter * (65535 // len(letter.encode()))
    assert acl.filter_problem(longest) == ""
    assert "too long" in acl.filter_problem(longest + letter)


def test_the_demo_topic_is_a_pattern_and_only_there_on_request() -> None:
    closed = Broker(Address("broker", "b"), "/b")
    opened = Broker(Address("broker", "b"), "/b", demo_topic=True)
    assert acl.declared(closed).patterns == ()
    assert acl.declared(opened).patterns == (Grant(Access.READWRITE, DEMO_TOPIC),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Acl({})),
        ("user u\ntopic read a/+/b\n", Acl({"u": (READ,)})),
        ("  user u\r\n  topic   read   a/+/b  \r\n", Acl({"u": (READ,)})),
        ("user u\ntopic a\n", Acl({"u": (Grant(Access.READWRITE, "a"),)})),
        ("user u\ntopic read a b\n", Acl({"u": (Grant(Access.READ, "a b"),)})),
        ("topic read open\nuser u\n", Acl({"": (Grant(Access.READ, "open"),), "u": ()})),
        ("pattern write %u/in\n", Acl({}, (Grant(Access.WRITE, "%u/in"),))),
        ("user u\ntopic read x\nuser v\nuser u\ntopic write y\n",
         Acl({"u": (Grant(Access.READ, "x"), Grant(Access.WRITE, "y")), "v": ()})),
        ("# comment\n\nuser u\n", Acl({"u": ()})),
    ],
)  # fmt: skip
def test_an_acl_file_is_read_as_mosquitto_reads_it(text: str, expected: Acl) -> None:
    assert acl.parse(text, "acl") == (expected, ())


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("subscribe a", "not a keyword"),
        (" # not in the first column", "not a keyword"),
        ("user", "without a name"),
        ("user a:b", "colon"),
        ("topic", "without a topic"),
        ("topic reed a", "'reed' is not one of"),
        ("topic read a/b+", "+ is only a part"),
        ("topic read #/a", "# is not the last"),
        ("topic read a#", "# is not the last"),
        ("topic read a\x01", "control character"),
    ],
)
def test_each_bad_line_is_told_with_its_number(line: str, part: str) -> None:
    _, problems = acl.parse(f"user u\n{line}\ntopic read a\n", "DIR/acl")
    assert len(problems) == 1
    assert str(problems[0].place) == "DIR/acl:2"
    assert part in problems[0].summary
    assert problems[0].fix


def test_differences_are_told_by_user_and_the_same_acl_has_none() -> None:
    old, new = Acl({"u": (READ,), "gone": (READ,)}), Acl({"u": (WRITE,)}, (READ,))
    assert acl.differences(old, new) == (
        GrantChange("", READ, added=True),
        GrantChange("gone", READ, added=False),
        GrantChange("u", READ, added=False),
        GrantChange("u", WRITE, added=True),
    )
    assert acl.differences(new, new) == ()

"""What the roles' tables grant, and how they are asked."""

import pytest

from channels.errors import Code, Refused
from channels.lesson.rules import RuleBook
from channels.member import Member
from channels.roles import ROLES, principal, students, teachers
from channels.topics.kind import CLASS, ROLE, SCHOOL, USER
from tests.channels.support import ANA, DIRETORA, PAULA

RULES = RuleBook(ROLES)


WIDE = {"role:students", "role:teachers", "school", "dashboard", "principals"}


@pytest.mark.parametrize(
    ("member", "listed", "others"),
    [
        (ANA, {"class:7", "class:9", "role:students", "school"}, set()),
        (PAULA, {"class:7", "role:teachers", "school"}, {"class:7:staff"}),
        (DIRETORA, {"class:7", "class:8", "class:9"} | WIDE, {"class:7:staff", "class:8:staff"}),
    ],
)
def test_each_role_may_join_its_own_topics_and_no_others(member: Member, listed: set[str], others: set[str]) -> None:
    known = {"class:7", "class:8", "class:9", "class:10", "class:7:staff", "class:8:staff", "user:me"} | WIDE
    odd = {"", "class", "role", "user", "class:", "class:07", "class: 7", "class:７", "class:7:", "user:1"}
    assert {topic for topic in known | odd if RULES.allows(member, topic)} == listed | others | {"user:me"}
    assert {each.topic for each in RULES.listing(member)} == listed


def test_users_own_topic_has_another_name_inside() -> None:
    assert RULES.resolve(ANA, "user:me")[1].name == "user:1"
    with pytest.raises(Refused) as refused:
        RULES.resolve(ANA, "user:2")
    assert refused.value.code is Code.UNMATCHED_TOPIC


def test_only_staff_announce_and_see_who_has_read() -> None:
    staff = {"announcement:send", "receipts:read"}
    assert staff <= RULES.known_events
    assert not staff & RuleBook([students.ROLE]).known_events
    assert not staff & teachers.ROLE.topics["school"].actions.keys()
    assert staff <= teachers.ROLE.topics["class"].actions.keys()
    for topic in ("class", "school", "role:students", "role:teachers"):
        assert staff <= principal.ROLE.topics[topic].actions.keys()


def test_topics_are_meant_for_the_roles_that_are_counted_there() -> None:
    assert RULES.counted(CLASS.address(7)) == ["student"]
    assert RULES.counted(ROLE.address(part="teachers")) == ["teacher"]
    assert RULES.counted(SCHOOL.address()) == ["student", "teacher", "administrator"]
    assert RULES.counted(USER.address(1)) == []


def test_rule_of_one_topic_goes_before_that_of_its_kind() -> None:
    rule = students.ROLE.rule(ROLE.address(part="students"))
    assert rule is students.ROLE.topics["role:students"]
    assert students.ROLE.rule(ROLE.address(part="teachers")) is None
    assert students.ROLE.rule(CLASS.address(7)) is students.ROLE.topics["class"]

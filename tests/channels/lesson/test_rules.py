"""What the roles' tables give to whom."""

import pytest

from channels import roles
from channels.errors import Code, Refused
from channels.lesson.rules import RoleRules, known_events
from channels.member import Member
from channels.roles import principal, students, teachers
from tests.channels.support import ANA, DIRETORA, PAULA


@pytest.mark.parametrize(
    ("rules", "member", "topics"),
    [
        (students.RULES, ANA, {"class:7", "class:9", "role:students", "school", "user:me"}),
        (teachers.RULES, PAULA, {"class:7", "role:teachers", "school", "user:me"}),
        (
            principal.RULES,
            DIRETORA,
            {"class:7", "class:8", "class:9", "role:students", "role:teachers", "school", "user:me", "dashboard"},
        ),
    ],
)
def test_each_role_may_join_its_own_and_nothing_else(rules: RoleRules, member: Member, topics: set[str]) -> None:
    known = {"class:7", "class:8", "class:9", "class:10", "role:students", "role:teachers", "school", "dashboard"}
    odd = {"", "class", "class:", "class:0", "class:07", "class:-7", "class: 7", "class:７", "class:7:staff", "user:1"}
    assert {topic for topic in known | odd | {"user:me"} if rules.allows(member, topic)} == topics
    assert {each.topic for each in rules.listing(member)} == topics - {"user:me"}


def test_a_users_own_topic_has_another_name_inside() -> None:
    assert students.RULES.resolve(ANA, "user:me")[1] == "user:1"
    with pytest.raises(Refused) as refused:
        students.RULES.resolve(ANA, "user:2")
    assert refused.value.code is Code.UNMATCHED_TOPIC


def test_only_staff_announce_and_see_who_has_read() -> None:
    staff = {"announcement:send", "receipts:read"}
    assert staff <= known_events(roles.ROLES)
    assert not staff & known_events([students.RULES])
    assert not staff & students.RULES.topics["class"].actions.keys()
    assert not staff & teachers.RULES.topics["school"].actions.keys()
    assert staff <= teachers.RULES.topics["class"].actions.keys()
    for topic in ("class", "school", "role:students", "role:teachers"):
        assert staff <= principal.RULES.topics[topic].actions.keys()

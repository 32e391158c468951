"""Each role's file says what the role may join and push; what it does not say is forbidden."""

import pytest

from channels.lesson.rules import Role, RuleBook
from channels.roles import ROLES, administrators, principal, routes, students, teachers
from channels.topics.kind import KINDS

BY_NAME = {role.name: role for role in ROLES}


def pushes(role: str, topic: str) -> set[str]:
    rule = BY_NAME[role].topics.get(topic)
    return set(rule.actions) if rule is not None else set()


@pytest.mark.parametrize("role", ROLES, ids=list(BY_NAME))
def test_topics_of_a_role_name_kinds_that_exist(role: Role) -> None:
    kinds = {kind.name for kind in KINDS}
    for topic in role.topics:
        assert topic in kinds or topic == "user:me" or topic.startswith("role:"), topic


def test_names_and_paths_of_roles_are_unique() -> None:
    assert len({role.name for role in ROLES}) == len({role.path for role in ROLES}) == len(ROLES)


def test_only_staff_announce_and_see_receipts() -> None:
    for role in ROLES:
        pushed = {event for topic in role.topics for event in pushes(role.name, topic)}
        assert ("announcement:send" in pushed) == role.is_staff, role.name
        assert ("receipts:read" in pushed) == role.is_staff, role.name


def test_teacher_announces_to_classes_only() -> None:
    announced = {topic for topic in teachers.ROLE.topics if "announcement:send" in pushes("teacher", topic)}
    assert announced == {"class", "user:me"}


def test_principal_alone_has_the_dashboard_and_all_classes() -> None:
    assert [role for role in ROLES if "dashboard" in role.topics] == [principal.ROLE]
    assert [role for role in ROLES if role.sees_all_classes] == [principal.ROLE]


def test_office_reads_the_audit_log_and_pushes_to_nobody() -> None:
    assert administrators.ROLE.reads_audit
    assert set(administrators.ROLE.topics) == {"school", "user:me"}
    assert not {event for event in pushes("administrator", "school") if event.endswith((":send", ":correct"))}


def test_flags_are_closed_where_their_author_sees_nothing_of_them() -> None:
    closed = {(role.name, topic) for role in ROLES for topic in role.topics if "flag:close" in pushes(role.name, topic)}
    assert closed == {("teacher", "staff"), ("principal", "staff"), ("principal", "principals")}
    assert [role for role in ROLES if "principals" in role.topics] == [principal.ROLE]


def test_students_are_drained_first_and_wait_in_line() -> None:
    assert min(ROLES, key=lambda role: role.drain_rank) is students.ROLE
    assert [role for role in ROLES if role.waits_in_line] == [students.ROLE]


def test_every_role_but_the_office_chats_in_its_classes() -> None:
    assert "class" not in administrators.ROLE.topics
    for role in ROLES:
        if role is administrators.ROLE:
            continue
        assert {"message:send", "history:read", "read:mark"} <= pushes(role.name, "class"), role.name


def test_every_role_has_a_socket_and_a_poll_of_its_own() -> None:
    paths = [path for role in ROLES for path, _ in routes(role)]
    assert len(set(paths)) == 2 * len(ROLES)


def test_pushes_of_another_role_are_known_to_the_rule_book() -> None:
    assert "announcement:send" in RuleBook(ROLES).known_events

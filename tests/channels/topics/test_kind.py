"""Topic names: parsing and building them, and the kind of each."""

import pytest

from channels.topics.kind import (
    ANNOUNCEMENT,
    CLASS,
    CLASS_STAFF,
    DASHBOARD,
    KINDS,
    PRINCIPALS,
    ROLE,
    SCHOOL,
    USER,
    Audience,
    TopicAddress,
    TopicKind,
    class_staff_topic,
    class_topic,
    parse_name,
    parse_wire,
    role_topic,
    user_topic,
)

ADDRESSES = [
    TopicAddress(CLASS, "class:7", "class:7", 7),
    TopicAddress(CLASS_STAFF, "class:7:staff", "class:7:staff", 7),
    TopicAddress(ROLE, "role:students", "role:students", 0, "students"),
    TopicAddress(SCHOOL, "school", "school"),
    TopicAddress(USER, "user:12", "user:me", 12),
    TopicAddress(PRINCIPALS, "principals", "principals"),
    TopicAddress(
        ANNOUNCEMENT, "announcement:3:9f86d081884c7d65", "announcement:3:9f86d081884c7d65", 3, "9f86d081884c7d65"
    ),
    TopicAddress(DASHBOARD, "dashboard", "dashboard"),
]


@pytest.mark.parametrize("address", ADDRESSES, ids=lambda address: address.name)
def test_address_is_parsed_from_either_name(address: TopicAddress) -> None:
    assert parse_wire(address.wire_name, 12) == address
    assert parse_name(address.name) == address
    assert address.kind.address(address.number, address.part) == address


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "class",
            "class:",
            "class:0",
            "class:07",
            "class:-1",
            "class:7:students",
            "class:07:staff",
            "class:7\n",
            "class:٧",
            "class:7 ",
        ),
        *(
            "class:1234567890123456789",
            "Class:7",
            "user:12",
            "user:",
            "role:",
            "role:7",
            "schools",
            "xdashboard",
            "phoenix",
        ),
    ],
)
def test_wire_name_of_no_kind_is_refused(name: str) -> None:
    assert parse_wire(name, 12) is None


def test_unknown_internal_name_raises() -> None:
    with pytest.raises(ValueError, match="'user:me'"):
        parse_name("user:me")


def test_built_names_can_be_parsed() -> None:
    assert parse_name(class_topic(7)).number == 7
    assert parse_name(class_staff_topic(7)).kind is CLASS_STAFF
    assert parse_name(user_topic(12)).number == 12
    assert parse_name(role_topic("teachers")).part == "teachers"


def test_name_matches_only_one_kind() -> None:
    for address in ADDRESSES:
        others = tuple(kind for kind in KINDS if kind is not address.kind)
        assert parse_wire(address.wire_name, 12, others) is None


def test_new_kind_needs_only_one_row() -> None:
    club = TopicKind("club", "club:{id}", "A club.", Audience.ENROLLED)
    address = parse_wire("club:7", 12, (*KINDS, club))
    assert address == TopicAddress(club, "club:7", "club:7", 7)
    assert parse_name("club:7", (*KINDS, club)) == address

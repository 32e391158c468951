import pytest

from server.accounts.known_browser import MAX_ACCOUNTS, add, find

HASH, OTHER_HASH = "$argon2id$one", "$argon2id$two"


def test_browser_is_known_to_the_accounts_that_signed_in() -> None:
    cookie = add(add("", 1, HASH), 2, OTHER_HASH)
    assert find(cookie, 1, HASH)
    assert find(cookie, 2, OTHER_HASH)
    assert find(cookie, 3, HASH) == ""
    assert find(cookie, 1, OTHER_HASH) == "", "a new password makes it a stranger"


def test_signing_in_again_keeps_the_number_of_the_browser() -> None:
    cookie = add("", 1, HASH)
    assert add(cookie, 1, HASH) == cookie
    assert find(add("", 1, HASH), 1, HASH) != find(cookie, 1, HASH)


def test_account_used_longest_ago_makes_room() -> None:
    cookie = ""
    for number in range(MAX_ACCOUNTS):
        cookie = add(cookie, number, HASH)
    cookie = add(add(cookie, 0, HASH), MAX_ACCOUNTS, HASH)
    assert find(cookie, 0, HASH)
    assert find(cookie, 1, HASH) == ""
    assert find(cookie, 2, HASH)
    assert len(cookie) < 4096, "no browser keeps a longer one"


@pytest.mark.parametrize("damage", ["", "x", "1.a.b", "|" * 100_000, "1" * 100_000, "１.{0}", "\n{0}", "2{0}", "{0}x"])
def test_damaged_cookie_is_unknown_and_replaced(damage: str) -> None:
    cookie = damage.format(add("", 1, HASH)) if "{0}" in damage else damage
    assert find(cookie, 1, HASH) == ""
    assert find(add(cookie, 1, HASH), 1, HASH)

import asyncio
import unicodedata
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from server.accounts.passwords import AT_ONCE, MAX_WAITING, Passwords, check_new_password, make_unmatched
from server.accounts.refusals import PasswordRefused, SignInRefused


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """Return the hasher of a running server."""
    passwords = Passwords()
    yield passwords
    passwords.close()


async def test_hash_takes_the_memory_and_passes_of_the_recommendation(passwords: Passwords) -> None:
    assert (await passwords.hash("lousa-demo")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_password_matches_its_hash_only(passwords: Passwords) -> None:
    stored = await passwords.hash("Coração de estudante")
    assert "Coração" not in stored
    assert await passwords.verify(stored, "Coração de estudante")
    assert not await passwords.verify(stored, "coração de estudante")


async def test_password_matches_composed_and_decomposed_accents(passwords: Passwords) -> None:
    stored = await passwords.hash(unicodedata.normalize("NFC", "coração"))
    assert await passwords.verify(stored, unicodedata.normalize("NFD", "coração"))


@pytest.mark.parametrize("given", ["", "x" * 100_000, "a\0b"])
async def test_user_without_a_password_matches_none(passwords: Passwords, given: str) -> None:
    assert not await passwords.verify(None, given)


def test_hash_that_nobody_has_is_checked_like_any_other() -> None:
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    unmatched = make_unmatched(hasher)
    assert extract_parameters(unmatched) == extract_parameters(hasher.hash("lousa-demo"))
    with pytest.raises(VerifyMismatchError):  # not InvalidHashError, which comes at once
        hasher.verify(unmatched, "")
    assert make_unmatched(hasher) != unmatched


async def test_damaged_hash_matches_no_password(passwords: Passwords) -> None:
    assert not await passwords.verify("$argon2id$nonsense", "lousa-demo")


async def test_full_hash_queue_refuses_the_next(passwords: Passwords) -> None:
    go = asyncio.Event()

    async def take_turn() -> None:
        async with passwords.slot():
            await go.wait()

    waiting = [asyncio.create_task(take_turn()) for _ in range(AT_ONCE + MAX_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(SignInRefused) as refusal:
        await take_turn()
    assert (refusal.value.reason, refusal.value.retry_after > 0) == ("throttled", True)
    go.set()
    await asyncio.gather(*waiting)
    await take_turn()


async def test_after_close_a_password_is_refused_as_throttled() -> None:
    passwords = Passwords()
    passwords.close()
    with pytest.raises(SignInRefused) as refusal:
        await passwords.verify(None, "lousa-demo")
    assert refusal.value.reason == "throttled"


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("curta", "short"),
        ("x" * 257, "long"),
        ("Ana.Silva", "login"),
        ("Senha123", "common"),
        ("aaaaAAAA", "common"),
    ],
)
def test_easily_guessed_password_is_refused(password: str, reason: str) -> None:
    with pytest.raises(PasswordRefused) as refusal:
        check_new_password("ana.silva", password)
    assert refusal.value.reason == reason


@pytest.mark.parametrize("password", ["lousa-demo", "quatro palavras sem sentido", "ção-ção-"])
def test_any_other_password_is_accepted(password: str) -> None:
    check_new_password("ana.silva", password)

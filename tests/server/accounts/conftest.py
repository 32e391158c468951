"""A student with a password."""

import pytest

from server.accounts.users import Users
from tests.server.people import People

HERE = "127.0.0.1"
PASSWORD = "lousa-demo"


@pytest.fixture
async def ana(people: People, users: Users) -> int:
    """Make a student who can sign in with PASSWORD, and return her id."""
    ana = await people.user("ana")
    await users.set_password("ana", PASSWORD)
    return ana

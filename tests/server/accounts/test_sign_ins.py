"""Sign-ins are counted by outcome."""

import pytest

from server.accounts.refusals import SignInRefused
from server.accounts.sign_ins import SIGN_INS, SignIns


async def test_sign_ins_are_counted_by_outcome() -> None:
    sign_ins = SignIns()
    async with sign_ins.counted():
        pass
    for _ in range(2):
        with pytest.raises(SignInRefused):
            async with sign_ins.counted():
                raise SignInRefused("wrong")
    assert set(sign_ins.read_numbers()) == {SIGN_INS.of(1, "made"), SIGN_INS.of(2, "wrong")}

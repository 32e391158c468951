"""The office announces to the school; readers on both machines receive, mark and acknowledge what it announces."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from tests.carrier import Gone
from tests.faults.cluster.pupil import MAY_PASS, Manners, Pupil
from tests.faults.cluster.timeline import Timeline
from tests.faults.cluster.verdict import Verdict, judge
from tests.faults.waiting import caught_up, first_position, last_positions
from tests.phoenix import ErrorReply, Payload

SCHOOL = "school"
PAUSE_SECONDS = 2.0
AGAIN_SECONDS = 0.3


class Listener(Pupil):
    """Somebody who receives what is announced to the school."""

    TOPICS, SEND, SENT = SCHOOL, "announcement:send", "announcement:sent"

    def __init__(self, name: str, url: str, seed: int) -> None:
        super().__init__(name, url, [Timeline()], seed, Manners())

    async def ask(self, event: str, payload: Payload) -> Payload:
        """Push to the school until it is answered."""
        while True:
            line = await self._present_line()
            try:
                return await line.request(SCHOOL, event, payload)
            except Gone:
                pass
            except ErrorReply as error:
                self._complain_unless_it_may_pass(error)
                if error.response["code"] not in MAY_PASS:
                    raise
            await asyncio.sleep(AGAIN_SECONDS)


class Announcer(Listener):
    """The principal: sends announcements that ask to be acknowledged."""

    async def announce(self, is_over: Callable[[], bool]) -> None:
        """Announce until it is over; return when all are acknowledged by the server."""
        number = 0
        while not is_over():
            await self.say(SCHOOL, str(number), f"aviso {number}")
            number += 1
            await asyncio.sleep(PAUSE_SECONDS)

    def _push(self, topic: str, push_id: str, text: str) -> tuple[Payload, "partial[None]"]:
        payload, acknowledge = super()._push(topic, push_id, text)
        return payload | {"acknowledge": True}, acknowledge


class Reader(Listener):
    """A student: marks and acknowledges each announcement as soon as it has it."""

    def __init__(self, name: str, url: str, seed: int) -> None:
        super().__init__(name, url, seed)
        self.marked = 0

    async def read(self) -> None:
        """Read whatever comes until cancelled."""
        while True:
            if (position := self.positions.get(SCHOOL, 0)) == self.marked:
                await asyncio.sleep(0.05)
                continue
            for target in range(self.marked + 1, position + 1):
                await self.ask("announcement:acknowledge", {"target": target, "id": f"{self._prefix}-read-{target}"})
            await self.ask("read:mark", {"seq": position})
            self.marked = position


class Office:
    """The principal at two computers, of which one announces, and the readers; `receipts` are those of the last one."""

    def __init__(self, announcer: Announcer, other: Listener, readers: Sequence[Reader]) -> None:
        self.members: list[Listener] = [announcer, other, *readers]
        self.announce = announcer.announce
        self._askers = announcer, other
        self._readers = readers
        self.receipts: list[Payload] = []

    def start(self) -> list["asyncio.Task[None]"]:
        """Have all come, and the readers read."""
        staying = [each.run() for each in self.members]
        return [asyncio.create_task(each) for each in (*staying, *(reader.read() for reader in self._readers))]

    async def settle(self) -> None:
        """Wait until everybody has everything, and each machine says that all readers have read it."""
        lasts = last_positions(self.members)
        await asyncio.gather(*(caught_up(each, lasts) for each in self.members))
        await asyncio.gather(*(each.read_holes() for each in self.members))
        self.receipts = await asyncio.gather(*(self._read_by_all(each, lasts[SCHOOL]) for each in self._askers))

    async def _read_by_all(self, asker: Listener, last: int) -> Payload:
        answer: Payload = {}
        for target in range(1, last + 1):
            answer = await self._progress(asker, target)
            while answer["read"] < len(self._readers) or answer["acknowledged"] < len(self._readers):
                await asyncio.sleep(AGAIN_SECONDS)
                answer = await self._progress(asker, target)
        return answer

    @staticmethod
    async def _progress(asker: Listener, target: int) -> Payload:
        return await asker.ask("announcement:progress", {"target": target})

    def verdict(self) -> Verdict:
        """Judge the diaries of all."""
        lasts = last_positions(self.members)
        diaries = [each.diaries[SCHOOL] for each in self.members]
        verdict = judge({SCHOOL: diaries}, {SCHOOL: min(map(first_position, diaries))}, lasts)
        verdict.breaches += [complaint for each in self.members for complaint in each.complaints]
        return verdict

    def close(self) -> None:
        """Close every connection."""
        for each in self.members:
            each.close()

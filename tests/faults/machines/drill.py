"""Plays one schedule on two machines: the cluster's drill, with cuts of lines for faults, and an office."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from tests.faults.cluster.drill import COME_SECONDS, SETTLE_SECONDS, Drill, Outcome
from tests.faults.cluster.plan import Step
from tests.faults.cluster.pupil import Pupil
from tests.faults.diary import Acknowledged
from tests.faults.machines.office import Announcer, Listener, Office, Reader
from tests.faults.machines.plan import cut
from tests.faults.machines.site import Machines

# Pushes of the pupils of the other machine, of which each fault must see as many answered before it ends.
ANSWERED = 10
ANSWERED_SECONDS = 30.0

READERS = 6

# After the last fault, before pupils stop sending.
AFTER_SECONDS = 2.0


class MachinesDrill(Drill):
    """One schedule; `refused` counts the replies by which pupils of the whole machine were put off meanwhile."""

    def __init__(self, site: Machines, seed: int, plan: Sequence[Step]) -> None:
        last = plan[-1]
        super().__init__(site, seed, last.at + last.seconds + AFTER_SECONDS, plan)
        self.refused: Counter[str] = Counter()
        self._machines = site
        readers = list(site.tokens)[-READERS:]
        self.office = Office(
            Announcer("principal", site.office_url(seed % 2), seed),
            Listener("the other computer", site.office_url(1 - seed % 2), seed),
            [Reader(login, site.url(login, polls=number % 2 == 0), seed) for number, login in enumerate(readers)],
        )

    async def play(self) -> Outcome:
        """Play the schedule and judge it, the office too."""
        staying = self.office.start()
        try:
            outcome = await super().play()
        finally:
            for task in staying:
                task.cancel()
            ended = await asyncio.gather(*staying, return_exceptions=True)
            self.office.close()
            await asyncio.sleep(0.1)  # time for the transports to close
        outcome.verdict.add(self.office.verdict())
        outcome.verdict.breaches += [f"the office failed: {error!r}" for error in ended if isinstance(error, Exception)]
        return outcome

    async def _strike_all(self) -> None:
        coming = (each.here.wait() for each in self.office.members)
        await self._within(COME_SECONDS, "the office did not come", *coming)
        striking = asyncio.create_task(super()._strike_all())
        await asyncio.gather(striking, self.office.announce(striking.done))
        await self._within(SETTLE_SECONDS, "not everybody has read what was announced", self.office.settle())

    async def _strike(self, step: Step) -> None:
        machine = self._machines.machines[step.dice]
        others = [each for each in self.pupils if self._machines.machine_of(each.name) == 1 - step.dice]
        before, put_off = _acknowledged(others), _put_off(others)
        complaint = f"too few pushes on the other machine were answered during {step.name}"
        await asyncio.to_thread(cut, machine, step.name, self._machines.ports)
        try:
            answered = self._within(ANSWERED_SECONDS, complaint, _until_acknowledged(others, before + ANSWERED))
            await asyncio.gather(asyncio.sleep(step.seconds), answered)
        finally:
            await asyncio.to_thread(machine.drop)
        self.refused.update(_put_off(others) - put_off)


async def _until_acknowledged(pupils: Sequence[Pupil], count: int) -> None:
    while _acknowledged(pupils) < count:
        await asyncio.sleep(0.05)


def _acknowledged(pupils: Sequence[Pupil]) -> int:
    diaries = (diary for pupil in pupils for diary in pupil.diaries.values())
    return sum(isinstance(entry, Acknowledged) for diary in diaries for entry in diary.entries)


def _put_off(pupils: Sequence[Pupil]) -> Counter[str]:
    return sum((pupil.put_off for pupil in pupils), Counter[str]())

"""Others at the school while its office does something large: they chat, open pages and sign in, and are measured.

    async with Others.of(lousa, logins) as others:
        others.phase = "apply"
        …
    others.report()     one line for each phase

Nothing is asserted of times: a busy machine makes all of them longer.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from statistics import quantiles
from time import monotonic
from typing import Self

from channels.transports.credential import SIGN_IN_COOKIE
from tests.browser.visitor import PASSWORD
from tests.lousa import Lousa
from tests.phoenix import Payload
from tests.scenarios.participant import Participant, Way, url_of
from tests.server.views.visitor import Visitor

# A rate of messages as in a lesson, and of pages as at a small school.
MESSAGE_SECONDS = 0.2
PAGE_SECONDS = 0.5
SIGN_IN_SECONDS = 1.0


class _Reader(Participant):
    """A participant who notes when each message came."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.at: dict[str, float] = {}

    def _take(self, topic: str, event: str, payload: Payload) -> None:
        if event == "message:sent":
            self.at[payload["text"]] = monotonic()


class Others:
    """Two of a class, over WebSockets, and one who signs in again and again; `phase` is what the office does."""

    def __init__(self, lousa: Lousa, login: str, writer: Participant, reader: _Reader) -> None:
        self.phase = "nothing"
        self.failed: list[str] = []
        self._is_over = False
        self._lousa = lousa
        self._login = login
        self._writer = writer
        self._reader = reader
        self._visitor = Visitor(lousa.url)
        self._messages: dict[str, list[tuple[str, float]]] = defaultdict(list)
        self._pages: dict[str, list[float]] = defaultdict(list)
        self._sign_ins: dict[str, list[float]] = defaultdict(list)

    @classmethod
    @asynccontextmanager
    async def of(cls, lousa: Lousa, logins: Sequence[str]) -> AsyncIterator[Self]:
        """Let the first of these students write, the second read and open pages, the third sign in, until the end."""
        secrets = [(await _signed_in(lousa, login)).cookies[SIGN_IN_COOKIE] for login in logins[:2]]
        writer, reader = [_Reader(url_of(lousa, "students", secret, Way.WEBSOCKET)) for secret in secrets]
        for each in (writer, reader):
            await each.connect()
        topic = next(topic for topic in writer.topics.values() if topic.startswith("class:"))
        for each in (writer, reader):
            await each.join(topic)
        self = cls(lousa, logins[2], writer, reader)
        self._visitor.cookies[SIGN_IN_COOKIE] = secrets[1]
        running = [asyncio.create_task(work) for work in (self._write(topic), self._open_pages(), self._sign_in())]
        try:
            yield self
        finally:
            self._is_over = True
            await asyncio.gather(*running)
            await reader.until(lambda: not self.lost, "the last message")
            await asyncio.gather(writer.close(), reader.close())

    async def _write(self, topic: str) -> None:
        number = 0
        while not self._is_over:
            number += 1
            self._messages[self.phase].append((f"Mensagem {number}", monotonic()))
            await self._writer.say(topic, f"Mensagem {number}")
            await asyncio.sleep(MESSAGE_SECONDS)

    async def _open_pages(self) -> None:
        while not self._is_over:
            for path in ("/students/", "/accounts/me", "/healthz"):
                began, phase = monotonic(), self.phase
                answer = await self._visitor.get(path)
                self._pages[phase].append(monotonic() - began)
                if answer.status != 200:
                    self.failed.append(f"{phase}: {path} was answered {answer.status}")
                await asyncio.sleep(PAGE_SECONDS)

    async def _sign_in(self) -> None:
        while not self._is_over:
            visitor = Visitor(self._lousa.url)
            xsrf = (await visitor.get("/accounts/sign-in")).fields["_xsrf"]
            began, phase = monotonic(), self.phase
            await visitor.post("/accounts/sign-in", xsrf, login=self._login, password=PASSWORD)
            self._sign_ins[phase].append(monotonic() - began)
            if SIGN_IN_COOKIE not in visitor.cookies:
                self.failed.append(f"{phase}: a sign-in failed")
            await asyncio.sleep(SIGN_IN_SECONDS)

    @property
    def lost(self) -> int:
        """How many messages have not come."""
        return sum(text not in self._reader.at for sent in self._messages.values() for text, _ in sent)

    def report(self) -> str:
        """Return a line for each phase, in milliseconds."""
        return "\n".join(self._line(phase) for phase in self._messages)

    def _line(self, phase: str) -> str:
        took = [self._reader.at[text] - at for text, at in self._messages[phase] if text in self._reader.at]
        p50, p99 = _of_hundred(took, 50), _of_hundred(took, 99)
        pages, sign_ins = self._pages[phase], self._sign_ins[phase]
        return (
            f"{phase:<24} chat p50 {p50:5.0f}  p99 {p99:5.0f}  longest {_longest(took):5.0f} ({len(took)})"
            f"  pages: longest {_longest(pages):5.0f} ({len(pages)})"
            f"  sign-ins: longest {_longest(sign_ins):5.0f} ({len(sign_ins)})"
        )


async def _signed_in(lousa: Lousa, login: str) -> Visitor:
    visitor = Visitor(lousa.url)
    await visitor.sign_in(login, PASSWORD)
    return visitor


def _of_hundred(seconds: Sequence[float], number: int) -> float:
    if len(seconds) < 2:
        return _longest(seconds)
    return 1000 * quantiles(seconds, n=100, method="inclusive")[number - 1]


def _longest(seconds: Sequence[float]) -> float:
    return 1000 * max(seconds, default=0.0)

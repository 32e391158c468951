"""The client side of one long-poll session; each request uses a new connection.

    GET, with the token of the last answer -> frames, as soon as there are any      POST, one at a time <- frames

A lost answer is requested again with the same token. A lost POST may or may not have been handled: it ends the
session, like every unexpected answer; the caller reconnects and sends again.
"""

import asyncio
import random
from contextlib import suppress
from typing import Any, Self

import msgspec

from tests.carrier import OnEnd, OnFrame, Refused
from tests.exchange import Lost, exchange

Body = dict[str, Any]

# The server holds a poll for 10 s and may wait 14 s for the worker that has the session.
ANSWER_SECONDS = 20.0

# The server drops a session 15 s after its last poll.
FAILING_SECONDS = 15.0

# The delay after a lost poll.
AGAIN_SECONDS = (0.05, 0.2)

# After a POST is answered that the session has ended, the poll has this time to fetch the remaining frames.
LAST_POLL_SECONDS = 1.0

# Below the server's limits for one POST: 300 frames and 256 KiB.
MAX_POST_FRAMES = 100
MAX_POST_BYTES = 128 * 1024

_GOODBYE_SECONDS = 5.0


class Poll:
    """One session, a `tests.carrier.Carrier`; `pause_seconds` is the longest pause between two polls."""

    def __init__(self, port: int, path: str, on_frame: OnFrame, on_end: OnEnd, pause_seconds: float, host: str) -> None:
        self.code: int | None = None
        self.gone = asyncio.Event()
        self._port = port
        self._host = host
        self._path = path
        self._on_frame = on_frame
        self._on_end = on_end
        self._pause_seconds = pause_seconds
        self._token = ""
        self._waiting: list[bytes] = []
        self._has_waiting = asyncio.Event()
        self._is_silent = False
        self._is_cut = False
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(
        cls,
        port: int,
        path: str,
        on_frame: OnFrame,
        on_end: OnEnd,
        seconds: float,
        *,
        pause_seconds: float = 0.0,
        host: str = "127.0.0.1",
    ) -> Self:
        """Open a session on a host within `seconds`; raises `Refused`."""
        self = cls(port, path, on_frame, on_end, pause_seconds, host)
        try:
            answer = await self._ask("GET", seconds=seconds)
        except Lost as error:
            raise Refused(str(error)) from error
        if answer["status"] != 410 or answer.get("token") is None:
            raise Refused(f"the server answered {answer['status']}", answer["status"])
        self._token = answer["token"]
        self._path = path.partition("?")[0]  # from now on the token suffices
        self._tasks = [asyncio.create_task(self._poll_on()), asyncio.create_task(self._post_on())]
        for task in self._tasks:
            task.add_done_callback(self._check)
        return self

    # Requests

    async def _ask(self, method: str, body: bytes = b"", seconds: float = ANSWER_SECONDS) -> Body:
        headers = {"X-Phoenix-Longpoll-Token": self._token} if self._token else {}
        if method == "POST":
            headers["Content-Type"] = "application/x-ndjson"
        try:
            async with asyncio.timeout(seconds):
                await self._wait_if_cut()
                answer = await exchange(self._port, method, self._path, headers, body, host=self._host)
                await self._wait_if_cut()
                return msgspec.json.decode(answer.body, type=Body)
        except TimeoutError:
            raise Lost(f"no answer within {seconds} s") from None
        except msgspec.DecodeError as error:
            raise Lost(f"an answer that is none: {error}") from error

    async def _wait_if_cut(self) -> None:
        if self._is_cut:
            await asyncio.get_running_loop().create_future()

    async def _poll_on(self) -> None:
        failing_since: float | None = None
        while True:
            try:
                answer = await self._ask("GET")
            except Lost:
                failing_since = failing_since or _now()
                if _now() - failing_since > FAILING_SECONDS:
                    return self._lose(None)
                await asyncio.sleep(random.uniform(*AGAIN_SECONDS))
                continue
            failing_since = None
            if answer["status"] not in (200, 204):
                return self._lose(answer.get("code"))
            self._token = answer["token"]
            self._hand_over(answer["messages"])
            await asyncio.sleep(random.uniform(0, self._pause_seconds))

    def _hand_over(self, messages: list[str]) -> None:
        for text in messages:
            if not self._is_silent:
                self._on_frame(text.encode())

    async def _post_on(self) -> None:
        while True:
            await self._has_waiting.wait()
            frames = self._next_post()
            try:
                answer = await self._ask("POST", b"\n".join(frames))
            except Lost:
                return self._lose(None)
            if answer["status"] == 503:  # none of the frames was handled
                await asyncio.sleep(random.uniform(0.5, 1) * answer["retry_after"] / 1000)
            elif answer["status"] == 410:
                await asyncio.sleep(LAST_POLL_SECONDS)
                return self._lose(answer.get("code"))
            elif answer["status"] != 200:
                return self._lose(None)
            else:
                self._posted(len(frames))

    def _next_post(self) -> list[bytes]:
        frames: list[bytes] = []
        for frame in self._waiting[:MAX_POST_FRAMES]:
            if frames and sum(map(len, frames)) + len(frame) > MAX_POST_BYTES:
                break
            frames.append(frame)
        return frames

    def _posted(self, count: int) -> None:
        del self._waiting[:count]
        if not self._waiting:
            self._has_waiting.clear()

    def _check(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._lose(None)
            raise error  # raised by `on_frame`; the event loop logs it

    def _lose(self, code: int | None) -> None:
        if self._is_silent:
            return
        self.code = code
        self._stop()
        self.gone.set()
        self._on_end(code)

    def _stop(self) -> None:
        self._is_silent = True
        for task in self._tasks:
            task.cancel()

    # What the client does

    def send(self, frame: bytes) -> None:
        """Queue a frame for the next POST, in order."""
        if not self._is_silent:
            self._waiting.append(frame)
            self._has_waiting.set()

    def close(self) -> None:
        """End the session with a DELETE."""
        if not self._is_silent:
            self._stop()
            self._tasks = [asyncio.create_task(self._say_goodbye())]

    async def _say_goodbye(self) -> None:
        with suppress(Lost):
            await self._ask("DELETE", seconds=_GOODBYE_SECONDS)
        self.gone.set()

    def drop(self) -> None:
        """Stop polling without a DELETE; the server notices the missing polls."""
        self._stop()
        self.gone.set()

    def cut(self) -> None:
        """Send no request and receive no answer until it is dropped."""
        self._is_silent = self._is_cut = True


def _now() -> float:
    return asyncio.get_running_loop().time()

"""docs/protocol.md against what runs: its frames fit the document, its polls happen, its bounds are the code's."""

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from channels import limit
from channels.errors import Code
from channels.lesson import FEATURES
from channels.lesson.state import TopicState
from channels.limit import Limits
from channels.topics.kind import CLASS
from channels.transports.poll_session import PollBounds
from channels.transports.poll_sessions import LeaveRequest, PollRequest, PollSessions, PushRequest
from channels.transports.poll_token import PollToken
from tests.channels.support import ANA, VIEWER, Worker
from tests.contract import contract
from tests.lousa import ROOT

PAGE = (ROOT / "docs/protocol.md").read_text()
POLL = re.compile(r"(GET|POST|DELETE)(?: (T\d))?(?: (\[.*))? -> (.*)")
# Of a class in which nothing has happened yet.
STATE = json.loads(
    msgspec.json.encode(TopicState([each for each in FEATURES if each.name in CLASS.features]).view(VIEWER))
)
BOUND = re.compile(r"^\| `(\w+)` \| ([\d,]+) \| .+ \|$", re.MULTILINE)


def blocks(kind: str) -> list[tuple[str, list[str]]]:
    """Return the role and the lines of each block of a kind."""
    found = re.findall(rf"^```{kind} (\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [(role, text.splitlines()) for role, text in found]


def frame_of(text: str) -> list[Any]:
    """Read a frame in either form."""
    found = json.loads(text)
    if isinstance(found, list):
        return found
    assert found.keys() == {"topic", "event", "payload", "ref"}
    return [None, found["ref"], found["topic"], found["event"], found["payload"]]


@pytest.mark.parametrize(("role", "lines"), blocks("frames"))
def test_frames_fit_the_document(role: str, lines: list[str]) -> None:
    asked: dict[str | None, list[Any]] = {}
    for line in lines:
        direction, frame = line[:2], frame_of(line[2:])
        if direction == "> ":
            contract().check_push(role, frame)
            asked[frame[1]] = frame
        elif frame[3] == "phx_reply":
            assert direction == "< "
            _complete_state(frame)
            contract().check_reply(role, asked.get(frame[1]), frame)
        else:
            contract().check_event(role, frame)


def _complete_state(frame: list[Any]) -> None:
    # The page shows of a class's state what it is about.
    state = frame[4]["response"].get("state")
    if state and frame[2].startswith("class:"):
        frame[4]["response"]["state"] = {**STATE, **state}


def test_there_are_frames_and_polls_to_look_at() -> None:
    assert len(blocks("frames")) >= 10
    assert len(blocks("polls")) == 1


@pytest.mark.parametrize("made_urls", ["sqlite"], indirect=True)
async def test_polls_happen_as_documented(worker: Worker) -> None:
    room = PollSessions(worker.engine, PollBounds(poll_seconds=0.0))
    room.start()
    tokens: dict[str, str] = {}
    ((_, lines),) = blocks("polls")
    for line in lines:
        found = POLL.fullmatch(line)
        assert found is not None, line
        method, token, frame, told = found.groups()
        answer = json.loads(await _asked(room, method, tokens.get(token), frame))
        _assert_alike(answer, json.loads(told), tokens)
    await room.close()


async def _asked(room: PollSessions, method: str, token: str | None, frame: str | None) -> bytes:
    if token is None:
        return room.open(ANA, 0, "127.0.0.1", in_objects=False)
    read = room.read(token)
    assert read is not None
    make: dict[str, Callable[[PollToken], PollRequest | PushRequest | LeaveRequest]] = {
        "GET": lambda token: PollRequest(token.session, "student", token.answer),
        "POST": lambda token: PushRequest(token.session, "student", [(frame or "").encode()]),
        "DELETE": lambda token: LeaveRequest(token.session, "student"),
    }
    return await room.ask(read, make[method](read))


def _assert_alike(answer: dict[str, Any], told: dict[str, Any], tokens: dict[str, str]) -> None:
    if told.get("token"):
        assert tokens.setdefault(told["token"], answer["token"]) == answer["token"]
        answer |= {"token": told["token"]}
    frames, told_frames = ([json.loads(text) for text in each.pop("messages", ())] for each in (answer, told))
    assert answer == told
    for frame in (*frames, *told_frames):
        if frame[3] == "phx_reply":
            frame[4]["response"]["epoch"] = "…"
            _complete_state(frame)
    assert frames == told_frames


def test_bounds_are_those_of_the_code() -> None:
    told = {name: int(value.replace(",", "")) for name, value in BOUND.findall(PAGE)}
    assert len(told) > 20
    for name, value in told.items():
        assert value == getattr(limit, name, getattr(Limits(), name, None)), name


def test_every_error_code_is_documented_with_its_remedy() -> None:
    assert {code for code in Code if f"`{code}`" not in PAGE} <= {Code.INTERNAL}

"""Nobody learns who voted what in an anonymous poll, from no event, reply, page or export, nor from the database."""

import json

import pytest

from tests.roster import PRINCIPAL
from tests.scenarios.conftest import TEACHERS, Lesson, Site
from tests.scenarios.participant import Way
from tests.scenarios.planted import votes_kept
from tests.server.views.visitor import Visitor


@pytest.mark.parametrize("site", [1], indirect=True)
@pytest.mark.parametrize("way", [Way.WEBSOCKET], indirect=True)
async def test_nothing_says_who_voted_what_in_an_anonymous_poll(site: Site, way: Way, lesson: Lesson) -> None:
    ana, bruno, teacher, principal = [
        await lesson.ana(), await lesson.bruno(), await lesson.teacher(), await lesson.principal()
    ]  # fmt: skip
    topic = ana.topics[lesson.title]
    for each in (ana, bruno, teacher, principal):
        await each.join(topic)
    poll = {"question": "Entendeu?", "options": ["sim", "não"], "anonymous": True}
    target = (await teacher.push(topic, "poll:open", **poll))["seq"]
    for number, each in enumerate((ana, bruno)):
        await each.push(topic, "poll:vote", target=target, option=number)
    for each in (teacher, principal):
        assert (await each.push(topic, "poll:votes", target=target)).keys() <= {"voted", "tally"}
    await teacher.push(topic, "poll:close", target=target)
    for each in (teacher, principal):
        assert (await each.push(topic, "poll:votes", target=target)).keys() <= {"voted", "tally"}
        about_polls = [event for event in each.events if event[1].startswith("poll:")]
        assert {event[1] for event in about_polls} <= {"poll:opened", "poll:tally", "poll:closed"}
        names = {ana.user["name"], bruno.user["name"]}
        assert not [event for event in about_polls if any(name in json.dumps(event) for name in names)]
    assert votes_kept(target, topic, site.lousa.data_dir) == [None, None]
    for path, login in (("teachers", TEACHERS[way]), ("principal", PRINCIPAL)):
        visitor = Visitor(site.lousa.url, cookies={"lousa_session": site.tokens[login]})
        address = f"/{path}/classes/{topic.removeprefix('class:')}/transcript.json"
        events = json.loads((await visitor.get(address)).text)["events"]
        assert {each["author"]["id"] for each in events if each["event"].startswith("poll:")} == {teacher.user["id"]}
    visitor = Visitor(site.lousa.url, cookies={"lousa_session": site.tokens[PRINCIPAL]})
    assert "poll:" not in (await visitor.get("/audit.csv")).text

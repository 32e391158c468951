"""A pupil who is erased while four workers serve: nothing of theirs is in the files, the logs and Redis."""

import json

import pytest
from redis import Redis

from tests.scenarios.conftest import Lesson, Site
from tests.scenarios.participant import Way
from tests.scenarios.planted import tables_with
from tests.scenarios.test_planted_word import until_found

WORD = "xilografamos"


@pytest.mark.long
@pytest.mark.parametrize("site", [4], indirect=True, ids=["4 workers"])
@pytest.mark.parametrize("way", [Way.WEBSOCKET], ids=["websocket"])
async def test_erased_pupil_is_in_no_file_log_or_redis(site: Site, way: Way, lesson: Lesson) -> None:
    ana, bruno, teacher = await lesson.ana(), await lesson.bruno(), await lesson.teacher()
    topic = ana.topics[lesson.title]
    for each in (ana, bruno, teacher):
        await each.join(topic)
        await each.join("user:me")
    target = int((await ana.say(topic, f"Isto é {WORD}."))["seq"])
    await bruno.say(topic, "Não.", reply_to=target)
    await teacher.push(topic, "message:pin", target=target)
    await until_found(bruno, WORD, 1)
    site.lousa.run("person", "export", lesson.ana_login, "--to", str(site.lousa.data_dir.parent / f"{WORD}.zip"))
    login = lesson.ana_login

    site.lousa.run("person", "erase", login, "--way", "remove", "--yes")

    await bruno.sees(topic, "person:erased")
    assert WORD not in json.dumps(await bruno.push(topic, "history:read", before=1_000, limit=100))
    for planted in (WORD, login):
        assert tables_with(planted, site.lousa.data_dir) == set()
        for file in site.lousa.data_dir.rglob("*"):
            assert not file.is_file() or planted.encode() not in file.read_bytes(), file
        assert planted not in site.lousa.log
    with Redis(unix_socket_path=str(site.lousa.data_dir / "redis.sock")) as redis:
        assert redis.keys("*") == []

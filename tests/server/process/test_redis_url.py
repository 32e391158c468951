"""Which Redis URLs are accepted with which databases, and that each kind of URL reaches Redis."""

import asyncio
import logging
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from channels.broker.broker import Envelope
from channels.broker.redis import RedisBroker
from server.process.redis_url import check_redis_urls, try_redis
from server.settings import SettingsError, database_urls
from tests.channels.broker.recorder import Recorder
from tests.programs import free_port
from tests.redis import RedisServer

SQLITE = database_urls(Path("/srv/lousa"))
POSTGRESQL = {name: f"postgresql://db/{name}" for name in SQLITE}


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:6379/0",
        "redis://localhost",
        "redis://[::1]:6379",
        "redis://",
        "rediss://user:pass,word@127.0.0.1",
        "unix:///run/redis.sock",
    ],
)
def test_local_redis_works_with_any_database(url: str) -> None:
    check_redis_urls([url], SQLITE)
    check_redis_urls([url], POSTGRESQL)


@pytest.mark.parametrize("url", ["redis://redis.school.example", "rediss://:secret@192.0.2.7:6380/1"])
def test_remote_redis_is_accepted_only_with_postgresql(url: str) -> None:
    check_redis_urls([url], POSTGRESQL)
    with pytest.raises(SettingsError, match="SQLite cannot keep the accounts and the journal"):
        check_redis_urls([url], SQLITE)
    with pytest.raises(SettingsError, match="SQLite cannot keep the journal: ") as told:
        check_redis_urls([url], {**POSTGRESQL, "journal": SQLITE["journal"]})
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sentinel://a", "redis.sentinel://host:26379,other:26379/name"),
        ("redis+sentinel://", "not a URL like redis://"),
        ("redis+sentinel://a:many/name", "not a URL like redis://"),
        ("redis+cluster://a", "does not spread over a Redis Cluster"),
        ("redis://a:6379,b:6379", "names one Redis, and is given once for each of several"),
        ("http://127.0.0.1", "not a URL like redis://"),
        ("127.0.0.1:6379", "not a URL like redis://"),
        ("redis://127.0.0.1:many", "not a URL like redis://"),
        ("redis://[::1", "not a URL like redis://"),
        ("", "not a URL like redis://"),
    ],
)
def test_unusable_url_is_reported(url: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        check_redis_urls([url], POSTGRESQL)


def test_same_redis_twice_is_reported() -> None:
    with pytest.raises(SettingsError, match="names a:6379 twice") as told:
        check_redis_urls(["redis://:secret@a", "redis://b", "redis://A:6379/1"], POSTGRESQL)
    assert "secret" not in str(told.value)


def test_sentinels_are_accepted_with_postgresql_only() -> None:
    check_redis_urls(["redis+sentinel://127.0.0.1,127.0.0.1:26380/name"], POSTGRESQL)
    with pytest.raises(SettingsError, match="SQLite cannot keep"):
        check_redis_urls(["redis+sentinel://127.0.0.1,127.0.0.1:26380/name"], SQLITE)


class Server(RedisServer):
    """A Redis with a password that also listens on a unix socket and with TLS."""

    def __init__(self, folder: Path) -> None:
        self.tls_port = free_port()
        self.socket = folder / "redis.sock"
        self.certificate = _make_certificate(folder)
        super().__init__(folder, *self._more(folder))

    def _more(self, folder: Path) -> Sequence[str]:
        options = {
            "unixsocket": self.socket,
            "tls-port": self.tls_port,
            "tls-cert-file": self.certificate,
            "tls-key-file": folder / "key.pem",
            "tls-ca-cert-file": self.certificate,
            "tls-auth-clients": "no",
        }
        return [str(word) for name, value in options.items() for word in (f"--{name}", value)]


def _make_certificate(folder: Path) -> Path:
    made = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *made, *subject]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    return folder / "certificate.pem"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a Redis with one user who may use our channels and one who may not."""
    server = Server(tmp_path_factory.mktemp("redis"))
    server.start()
    assert b"+OK" in server.command(
        "ACL SETUSER lousa on >secret resetchannels &lousa:* +publish +subscribe +unsubscribe +ping"
    )
    rights = {"silent": "+subscribe +unsubscribe", "deaf": "+publish", "staying": "+publish +subscribe"}
    for name, rights_of in rights.items():
        assert b"+OK" in server.command(f"ACL SETUSER {name} on >secret resetchannels &lousa:* {rights_of}")
    assert b"+OK" in server.command("ACL SETUSER other on >secret resetchannels &other:* +@all")
    yield server
    server.kill()


@pytest.mark.parametrize("kind", ["password", "tls", "socket"])
async def test_every_kind_of_url_reaches_redis(kind: str, server: Server) -> None:
    url = {
        "password": f"redis://lousa:secret@127.0.0.1:{server.port}/0",
        "tls": f"rediss://lousa:secret@localhost:{server.tls_port}/0?ssl_ca_certs={server.certificate}",
        "socket": f"unix://lousa:secret@{server.socket}",
    }[kind]
    check_redis_urls([url], SQLITE)
    await try_redis(url)
    one, two = RedisBroker(url), RedisBroker(url)
    recorder = Recorder()
    try:
        one.start(Recorder())
        two.start(recorder)
        two.subscribe("class:7")
        async with asyncio.timeout(10):
            while not (recorder.confirmed and one.connected):
                await asyncio.sleep(0.005)
            one.publish([Envelope("class:7", "message:sent", b"{}", 1)])
            while not recorder.got:
                await asyncio.sleep(0.005)
        assert recorder.got == [Envelope("class:7", "message:sent", b"{}", 1)]
    finally:
        await one.close()
        await two.close()


@pytest.mark.parametrize(
    ("who", "message"),
    [
        ("lousa:wrong", "invalid username-password"),
        ("other:secret", "No permissions|channel"),
        ("silent:secret", "'publish' command. Its user needs: "),
        ("deaf:secret", "'subscribe' command. Its user needs: "),
        ("staying:secret", "'unsubscribe' command. Its user needs: "),
    ],
)
async def test_redis_that_refuses_access_is_reported_at_the_start(who: str, message: str, server: Server) -> None:
    with pytest.raises(SettingsError, match=message) as told:
        await try_redis(f"redis://{who}@127.0.0.1:{server.port}/0")
    assert "wrong" not in str(told.value)


async def test_unreachable_redis_is_only_a_warning(free_port: int, caplog: pytest.LogCaptureFixture) -> None:
    await try_redis(f"redis://127.0.0.1:{free_port}")
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


async def test_untrusted_certificate_is_reported_at_the_start(server: Server) -> None:
    with pytest.raises(SettingsError, match=r"CERTIFICATE_VERIFY_FAILED.*Name the file of the authority"):
        await try_redis(f"rediss://lousa:secret@localhost:{server.tls_port}/0")


async def test_broker_tells_a_refusal_from_an_absence(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    broker = RedisBroker(f"redis://lousa:wrong@127.0.0.1:{server.port}/0")
    broker.start(Recorder())
    async with asyncio.timeout(10):
        while not caplog.text:
            await asyncio.sleep(0.005)
    await broker.close()
    assert "Redis is there, but cannot be used: invalid username-password" in caplog.text

import http.client
import re
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lousa import DEMO_SCHOOL, ROOT, Lousa
from tests.postgresql import PostgreSQL


def test_pages_redirect_to_sign_in(lousa: Lousa) -> None:
    with urllib.request.urlopen(f"{lousa.url}/") as answer:
        assert answer.status == 200
        assert "/accounts/sign-in" in answer.url
    assert f"Lousa is open at {lousa.url}" in lousa.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_server_stops_cleanly_on_a_signal_and_starts_again(lousa: Lousa, number: signal.Signals) -> None:
    process = lousa._process
    assert process is not None
    with socket.create_connection(("127.0.0.1", lousa.port)):  # an idle connection does not delay the stop
        process.send_signal(number)
        assert process.wait(30) == 0
    lousa._process = None
    lousa.start()


def test_log_has_requests_but_no_tokens(lousa: Lousa) -> None:
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{lousa.url}/nowhere?access_token=a-secret")
    lousa.stop()
    assert re.search(r"INFO server.request_log: 404 GET /nowhere 127.0.0.1 \d+ ms", lousa.log)
    assert "a-secret" not in lousa.log


def test_account_disabled_by_a_command_is_signed_out_within_seconds(lousa: Lousa) -> None:
    request = urllib.request.Request(f"{lousa.url}/students/", headers={"Cookie": f"lousa_session={_token(lousa)}"})
    with urllib.request.urlopen(request) as answer:
        assert answer.url == f"{lousa.url}/students/"
    lousa.run("user", "disable", "ana")
    deadline = time.monotonic() + 10
    while "/accounts/sign-in" not in _where(request):
        assert time.monotonic() < deadline, "the server did not notice"
        time.sleep(0.1)


def _token(lousa: Lousa) -> str:
    return lousa.tokens("ana")["ana"]


def _where(request: urllib.request.Request) -> str:
    with urllib.request.urlopen(request) as answer:
        return str(answer.url)


def test_server_starts_without_a_reachable_redis(make_lousa: Callable[..., Lousa]) -> None:
    lousa = make_lousa(serve_options=["--redis-url", "redis://127.0.0.1:1"])
    assert "WARNING server.process.redis_url: Redis is away" in lousa.log


def test_school_runs_on_postgresql(postgresql: PostgreSQL, tmp_path: Path) -> None:
    databases = " ".join(f"{name}={postgresql.create_database()}" for name in ("accounts", "journal", "audit"))
    lousa = Lousa(tmp_path / "unused", environment={"LOUSA_DATABASE": databases})
    lousa.run("database", "upgrade")
    lousa.run("roster", "import", str(DEMO_SCHOOL))
    with lousa:
        cookie = {"Cookie": f"lousa_session={_token(lousa)}"}
        assert _where(urllib.request.Request(f"{lousa.url}/", headers=cookie)) == f"{lousa.url}/students/"
    assert not (tmp_path / "unused").exists()


def test_open_file_limit_is_raised_to_the_hard_limit(make_lousa: Callable[..., Lousa]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))
    try:
        lousa = make_lousa()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert resource.prlimit(lousa.pid, resource.RLIMIT_NOFILE) == (hard, hard)


def test_client_address_behind_a_proxy_is_the_forwarded_one(make_lousa: Callable[..., Lousa]) -> None:
    for options, address in (
        ([], "127.0.0.1"),
        (["--behind-proxy"], "192.0.2.7"),
        (["--behind-proxy", "10.0.0.0/8", "--behind-proxy=127.0.0.1"], "192.0.2.7"),
        (["--behind-proxy", "10.0.0.0/8"], "127.0.0.1"),
    ):
        lousa = make_lousa(serve_options=options)
        forwarded = {"X-Forwarded-For": "6.6.6.6, 192.0.2.7", "X-Real-Ip": "6.6.6.6"}
        request = urllib.request.Request(f"{lousa.url}/missing", headers=forwarded)
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(request)
        lousa.stop()
        assert f"404 GET /missing {address} " in lousa.log


@pytest.mark.parametrize(("options", "secure"), [([], False), (["--behind-proxy"], True)])
def test_cookies_are_secure_behind_tls(make_lousa: Callable[..., Lousa], options: list[str], secure: bool) -> None:
    lousa = make_lousa(serve_options=options)
    lousa.run("user", "set-password", "ana", "--password-stdin", stdin="quatro paredes")
    tls = {"X-Forwarded-Proto": "https"}
    with urllib.request.urlopen(urllib.request.Request(f"{lousa.url}/accounts/sign-in", headers=tls)) as answer:
        (form_cookie,) = answer.headers.get_all("Set-Cookie", [])
    assert form_cookie.startswith("_xsrf=")
    token = form_cookie.partition(";")[0].removeprefix("_xsrf=")
    fields = urllib.parse.urlencode({"login": "ana", "password": "quatro paredes", "_xsrf": token}).encode()
    connection = http.client.HTTPConnection("127.0.0.1", lousa.port)
    form = {"Cookie": f"_xsrf={token}", "Content-Type": "application/x-www-form-urlencoded", **tls}
    connection.request("POST", "/accounts/sign-in", fields, form)
    with connection.getresponse() as answer:
        assert answer.status == 303
        cookies = answer.headers.get_all("Set-Cookie", [])
    connection.close()
    assert {cookie.partition("=")[0] for cookie in cookies} == {"lousa_session", "lousa_known"}
    assert {"Secure" in cookie for cookie in (form_cookie, *cookies)} == {secure}


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/students/socket/websocket", "/students/socket/x", "/static/page.js"]
)
def test_responses_have_security_headers_and_no_server_name(lousa: Lousa, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", lousa.port)
    connection.request("GET", path)
    with connection.getresponse() as answer:
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Server"] is None
    connection.close()


def test_demo_prints_its_logins_and_deletes_its_data(tmp_path: Path) -> None:
    command = [sys.executable, "server.py", "demo", "--port", "0"]
    environment = {"TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        shown = ""
        while "Ctrl-C" not in shown:
            line = process.stdout.readline()
            assert line, shown
            shown += line
        assert list(tmp_path.iterdir())
        process.terminate()
        assert process.wait(30) == 0
    for word in ("http://127.0.0.1:", "ana", "bruno", "paula", "diretora", "lousa-demo"):
        assert word in shown
    assert list(tmp_path.iterdir()) == []


def test_demo_with_a_data_folder_keeps_its_data(tmp_path: Path) -> None:
    with Lousa(tmp_path / "data", command="demo") as lousa:
        assert lousa.tokens("diretora")
        lousa.restart()
        assert lousa.tokens("ana", "bruno", "paula")

from pathlib import Path

import pytest

from server.checks.proxy import check_nginx, check_proxy
from tests.lousa import Lousa
from tests.nginx import Nginx
from tests.programs import free_port


def test_server_without_a_proxy_is_well(tmp_path: Path) -> None:
    with Lousa(tmp_path / "data") as lousa:
        findings = list(check_proxy(lousa.url))
    assert [each.state for each in findings] == ["ok", "ok"], findings
    assert "by http" in findings[0].text


@pytest.mark.long
def test_headers_that_a_proxy_passes_on_are_named(tmp_path: Path) -> None:
    with Lousa(tmp_path / "data", serve_options=["--behind-proxy"]) as lousa:
        (problem, _) = check_proxy(lousa.url)  # as through a proxy that passes everything on
        assert "Anybody can say where they come from" in problem.text
        with Nginx(tmp_path, [lousa.port]) as nginx:
            proxy, socket = check_proxy(nginx.url)
    assert proxy.state == "ok"
    assert "from 127.0.0.1" in proxy.text
    assert "do not get through" in socket.text  # this nginx speaks HTTP 1.0 to servers


def test_address_without_a_server_is_named() -> None:
    (problem,) = check_proxy(f"http://127.0.0.1:{free_port()}")
    assert "does not answer" in problem.text


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("events { worker_connections 4000; }", "ok"),
        ("worker_processes 4;\nevents { worker_connections 1024; }", "ok"),
        ("events { worker_connections 768; }", "warning"),
        ("# worker_connections 4000;\nevents {}", "warning"),
    ],
)
def test_places_of_nginx_are_counted(text: str, state: str, tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text(text)
    (finding,) = check_nginx(tmp_path / "nginx.conf", 2_000)
    assert finding.state == state


def test_machine_without_nginx_is_no_problem(tmp_path: Path) -> None:
    assert list(check_nginx(tmp_path / "nginx.conf", 2_000)) == []

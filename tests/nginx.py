"""A real nginx on a loopback port; it distributes requests over several servers, each on a new connection."""

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Self

from tests.programs import ProgramMissing, free_port

START_SECONDS = 20

# No keep-alive, towards clients or servers, so that each request may reach any server.
_CONFIGURATION = Template("""
daemon off;
$user
pid nginx.pid;
error_log nginx.log;
events { worker_connections 512; }
http {
    log_format requests '$$upstream_addr $$request_method $$request_uri';
    access_log requests.log requests;
    keepalive_timeout 0;
    client_max_body_size 256k;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    upstream lousa { $servers }
    server {
        listen 127.0.0.1:$port;
        location / {
            proxy_pass http://lousa;
            proxy_http_version 1.0;
            proxy_set_header Connection close;
            proxy_set_header Host $$http_host;
            proxy_set_header X-Forwarded-For $$remote_addr;
            proxy_set_header X-Forwarded-Proto $$scheme;
            proxy_buffering off;
        }
    }
}
""")


class Nginx:
    """One nginx before the servers on these ports; its own files are in `folder`."""

    def __init__(self, folder: Path, ports: Sequence[int]) -> None:
        self.port = free_port()
        self._folder = folder
        self._ports = ports
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of the proxy."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[list[str]]:
        """The finished requests: server (host:port), method and URI of each."""
        return [line.split() for line in (self._folder / "requests.log").read_text().splitlines()]

    def __enter__(self) -> Self:
        """Start and return once it listens."""
        self._folder.mkdir(exist_ok=True)
        configuration = self._folder / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.substitute(
                user="user root;" if os.geteuid() == 0 else "",
                port=self.port,
                servers=" ".join(f"server 127.0.0.1:{port};" for port in self._ports),
            )
        )
        command = [program_path(), "-p", str(self._folder), "-e", "nginx.log", "-c", str(configuration)]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not (self._folder / "nginx.pid").exists():
            assert self._process.poll() is None, (self._folder / "nginx.log").read_text()
            assert time.monotonic() < deadline, "nginx did not start"
            time.sleep(0.02)
        return self

    def __exit__(self, *error: object) -> None:
        """Stop at once."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait()


def program_path() -> str:
    """Return where nginx is; raise ProgramMissing."""
    # Debian installs it in a directory that is only on root's PATH.
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin")
    if found is None:
        raise ProgramMissing("nginx", "nginx")
    return found

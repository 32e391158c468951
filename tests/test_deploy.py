"""What lies in deploy/ is taken by the programs that it is for."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.nginx import program_path

ROOT = Path(__file__).parent.parent


def test_nginx_accepts_the_example_of_a_site(tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=school.example"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    site = (ROOT / "deploy/nginx.conf").read_text()
    site = re.sub(r"/etc/ssl/certs/\S+;", f"{certificate};", site)
    site = re.sub(r"/etc/ssl/private/\S+;", f"{key};", site)
    site = site.replace("/var/log/nginx/", f"{tmp_path}/")
    (tmp_path / "site.conf").write_text(site)
    main = f"pid {tmp_path}/nginx.pid;\nevents {{}}\nhttp {{ include {tmp_path}/site.conf; }}\n"
    (tmp_path / "nginx.conf").write_text(main)
    checked = subprocess.run(
        [program_path(), "-t", "-q", "-p", str(tmp_path), "-e", "nginx.log", "-c", str(tmp_path / "nginx.conf")],
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stderr
    assert "http2" in site


@pytest.mark.long
def test_unit_is_sandboxed() -> None:
    """The lower the better, of 10; 3 is what the worst of Lousa's doors, the network, leaves."""
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=30", str(ROOT / "deploy/lousa.service")]
    judged = subprocess.run(command, capture_output=True, text=True)
    assert judged.returncode == 0, judged.stdout[-200:]

"""What lies in deploy/ is taken by the programs that it is for."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from server.accounts.logo import MAX_LOGO_BYTES
from server.rosters.uploads import PIECE_BYTES
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


def test_example_of_a_site_lets_the_largest_bodies_through() -> None:
    (size,) = re.findall(r"client_max_body_size (\d+)m;", (ROOT / "deploy/nginx.conf").read_text())
    forms = 64 * 1024  # what a form has around a file
    assert int(size) * 1024 * 1024 >= max(PIECE_BYTES, MAX_LOGO_BYTES) + forms


@pytest.mark.long
def test_unit_is_sandboxed() -> None:
    """The lower the better, of 10; 3 is what the worst of Lousa's doors, the network, leaves."""
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=30", str(ROOT / "deploy/lousa.service")]
    judged = subprocess.run(command, capture_output=True, text=True)
    assert judged.returncode == 0, judged.stdout[-200:]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a repository with what a release changes."""
    for name in ("pyproject.toml", "CHANGELOG.md", "deploy/release"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.1.0"\n')
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n- Something new.\n")
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "First"]):
        subprocess.run(["git", *words], cwd=tmp_path, env=_AUTHOR, check=True)
    return tmp_path


_AUTHOR = {
    **os.environ,
    **{f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def _release(clone: Path, version: str) -> subprocess.CompletedProcess[str]:
    command = [str(clone / "deploy" / "release"), version]
    return subprocess.run(command, cwd=clone, env=_AUTHOR, capture_output=True, text=True)


def test_release_is_a_tag_with_a_changed_changelog(clone: Path) -> None:
    done = _release(clone, "0.2.0")
    assert done.returncode == 0, done.stderr
    shown = subprocess.run(["git", "show", "v0.2.0"], cwd=clone, capture_output=True, text=True, check=True).stdout
    assert '+version = "0.2.0"' in shown
    assert re.search(r"^\+## \[0\.2\.0\] - \d{4}-\d\d-\d\d$", shown, re.MULTILINE)
    assert "Unreleased" in (clone / "CHANGELOG.md").read_text()
    assert "nothing under" in _release(clone, "0.3.0").stderr


@pytest.mark.parametrize(("version", "words"), [("0.0.9", "does not follow"), ("next", "usage"), ("", "usage")])
def test_release_refuses_what_is_no_later_version(clone: Path, version: str, words: str) -> None:
    refused = _release(clone, version)
    assert refused.returncode == 1
    assert words in refused.stderr


def test_release_refuses_changes_that_are_not_committed(clone: Path) -> None:
    (clone / "CHANGELOG.md").write_text("## [Unreleased]\n\n- Other.\n")
    assert "Commit what is changed" in _release(clone, "0.2.0").stderr

"""The command that looks for what would keep a server from serving, or a school from relying on it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import click

from server.checks.backups import check_backup
from server.checks.databases import check_databases, check_tables
from server.checks.fan_out import check_fan_out
from server.checks.finding import Finding, error, ok, warning
from server.checks.machine import check_clock, check_files, check_folder, check_sqlite
from server.checks.proxy import check_nginx, check_proxy
from server.cli.listing import json_option
from server.cli.options import option
from server.cli.serving import read_serving, serving_options, take_log_style
from server.settings import Settings, SettingsError, read_origin

# A school of a thousand, each with a browser and a phone.
CLIENTS = 2_000
MAX_MACHINES = 100

_MARKS = {"ok": "ok", "warning": "WARNING", "error": "ERROR"}


@click.command()
@serving_options
@option("--clients", type=click.IntRange(1), default=CLIENTS, show_default=True, help="How many clients are expected.")
@option(
    "--machines",
    type=click.IntRange(1, MAX_MACHINES),
    default=1,
    show_default=True,
    help="How many machines run servers of this school, all with these settings.",
)
@option(
    "--url",
    callback=lambda _context, _option, given: given and read_origin(given, "--url"),
    help="The address that browsers use, as in https://lousa.school.example: while the server runs, a request through "
    "it shows what the proxy makes of it.",
)
@option(
    "--nginx",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("/etc/nginx/nginx.conf"),
    show_default=True,
    help="nginx' main file, if nginx runs on this machine.",
)
@json_option
def check(clients: int, machines: int, url: str | None, nginx: Path, as_json: bool, **given: Any) -> None:
    """Check what a server needs, and say what to do.

    Give it the options of the server, as the user who runs it. Nothing is changed, whether or not a server runs. The
    exit code is 1 if there is an error; warnings leave it 0.
    """
    take_log_style(given)
    findings = asyncio.run(_collect(_findings(given, clients, machines, url, nginx)))
    click.echo(
        json.dumps([each._asdict() for each in findings], ensure_ascii=False, indent=2) if as_json else "", nl=as_json
    )
    for each in () if as_json else findings:
        click.echo(_shown(each))
    if any(each.state == "error" for each in findings):
        raise click.exceptions.Exit(1)


async def _collect(findings: AsyncIterator[Finding]) -> list[Finding]:
    return [each async for each in findings]


async def _findings(
    given: dict[str, Any], clients: int, machines: int, url: str | None, nginx: Path
) -> AsyncIterator[Finding]:
    try:
        settings = read_serving(given, makes_folder=False)
    except SettingsError as problem:
        yield error("settings", str(problem), "Correct it: “settings show” says where each setting comes from.")
        return
    for each in (*_check_file(), *_of_machine(settings, clients), *check_nginx(nginx, clients)):
        yield each
    async for each in check_databases(settings, machines):
        yield each
    async for each in check_tables(settings):
        yield each
    backup = await check_backup(settings)
    if backup is not None:
        yield backup
    async for each in check_fan_out(settings, machines):
        yield each
    for each in check_proxy(url) if url else ():
        yield each


def _check_file() -> Iterator[Finding]:
    path = click.get_current_context().meta.get("lousa.settings_file")
    if path is None:
        yield ok("settings", "They are read, without a file.")
    elif path.stat().st_mode & 0o004:
        yield warning(
            "settings", f"Everybody on this machine may read {path}.", f"chmod o-r {path}: it may have passwords."
        )
    else:
        yield ok("settings", f"They are read, {path} among them.")


def _of_machine(settings: Settings, clients: int) -> Iterator[Finding]:
    yield from check_folder(settings)
    yield from check_sqlite(settings)
    yield check_files(settings, clients)
    yield from check_clock()


def _shown(finding: Finding) -> str:
    line = f"{_MARKS[finding.state]:<8} {finding.part}: {finding.text}"
    return f"{line}\n         → {finding.advice}" if finding.advice else line

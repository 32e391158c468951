"""Shared by the commands: their options, and access to the databases."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from server.cli.settings_file import read_settings_file
from server.databases import Databases
from server.process.log import FORMATS, LEVELS
from server.schemas import SCHEMAS
from server.settings import Settings, SettingsError, check_token, database_urls, read_address, read_origin, read_proxies

R = TypeVar("R")
Command = Callable[..., Any]

# The proxy's addresses where it runs beside Lousa.
THIS_MACHINE = "127.0.0.1,::1"

# More than the cores of any machine that a school would use; each worker takes some 60 MB.
MAX_WORKERS = 128


def option(name: str, *names: str, **attributes: Any) -> Callable[[Command], Command]:
    """Make an option that the environment variable LOUSA_<NAME>, shown in its help, can set too."""
    variable = "LOUSA_" + name.removeprefix("--").replace("-", "_").upper()
    return click.option(name, *names, envvar=variable, show_envvar=True, **attributes)


class _Workers(click.ParamType[int]):
    """A number of workers, or `auto`."""

    name = "workers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        if value == "auto":
            # The cores that this process may use, on systems that report them.
            return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return click.IntRange(1, MAX_WORKERS).convert(value, param, ctx)


def _take_settings_file(context: click.Context, _option: click.Parameter, path: Path | None) -> None:
    if path is None:
        return
    root = context.find_root().command
    assert isinstance(root, click.Group)
    every = [each for each in root.commands["serve"].params if isinstance(each, click.Option) and each.expose_value]
    options = {each.opts[0]: each for each in every}
    context.meta["lousa.settings_file"] = path
    context.default_map = read_settings_file(path, options, context)


def _checked(check: Callable[[str], object], given: str | None) -> str | None:
    if given is not None:
        check(given)
    return given


_DATA_OPTIONS = [
    option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        is_eager=True,  # before the options for which it has values
        expose_value=False,
        callback=_take_settings_file,
        help="A settings file in TOML, with the names of the options of “serve” as keys. What is given as an option, "
        "or as a variable, comes first.",
    ),
    option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("data"),
        show_default=True,
        help="The folder with the school's data, created if it does not exist. This is what to back up.",
    ),
    option(
        "--database",
        multiple=True,
        metavar="NAME=URL",
        help="Keep a database outside the data folder: accounts=postgresql://user:password@host/name, journal=… "
        "and audit=… likewise. In the variable, separate them with blanks.",
    ),
]

_SERVER_OPTIONS = [
    option("--port", type=click.IntRange(0, 65535), default=8888, show_default=True, help="The port to listen on."),
    option(
        "--workers",
        type=_Workers(),
        metavar="NUMBER|auto",
        default="1",
        show_default=True,
        help="Number of server processes; auto: one for each processor core.",
    ),
    option(
        "--redis-url",
        "redis_urls",
        multiple=True,
        metavar="URL",
        help="The Redis that joins workers: redis://, rediss:// or unix://, or redis+sentinel:// for one that "
        "Sentinels choose. Given once for each of several, it is spread over them, and none is the only one; in the "
        "variable, separate them with blanks. The workers of one machine need none: they start a private one. For "
        "several machines give the same on each, and keep the databases in PostgreSQL: with SQLite, only a Redis on "
        "this machine is accepted.",
    ),
    option(
        "--drain-seconds",
        type=click.FloatRange(0, 300),
        default=10.0,
        show_default=True,
        help="Seconds over which a stopping worker closes its connections: clients then do not all reconnect at once.",
    ),
    option(
        "--push-rate",
        type=click.FloatRange(min=0),
        default=10.0,
        show_default=True,
        help="How many messages, read marks and so on a user may send per second. 0: no limit.",
    ),
    option(
        "--max-outbox-kib",
        type=click.IntRange(min=64),
        default=1024,
        show_default=True,
        help="Limit of unsent data for one connection that reads too slowly, in KiB. Past it the connection is closed; "
        "its client reconnects and receives what it missed.",
    ),
    option(
        "--allowed-origin",
        "allowed_origins",
        multiple=True,
        metavar="ORIGIN",
        callback=lambda _context, _option, given: tuple(map(read_origin, given)),
        help="Another site whose pages may connect to the live classes, as in https://portal.school.example.",
    ),
    option(
        "--behind-proxy",
        multiple=True,
        metavar="ADDRESS",
        is_flag=False,
        flag_value=THIS_MACHINE,
        callback=lambda _context, _option, given: read_proxies(given),
        help="The address or network (192.168.0.0/16) of a proxy such as nginx, which is trusted to say in "
        "X-Forwarded-For and X-Forwarded-Proto who has sent a request; without an address, a proxy on this machine.",
    ),
    option(
        "--log-level",
        type=click.Choice(LEVELS),
        default="info",
        show_default=True,
        help="What is logged: this and what is graver. With warning, requests are not.",
    ),
    option(
        "--log-format",
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="How it is logged: lines for people, or a JSON object a line for programs that collect logs.",
    ),
    option(
        "--metrics-address",
        metavar="HOST:PORT",
        callback=lambda _context, _option, given: _checked(read_address, given),
        help="Serve /metrics, in Prometheus' format and for all workers, at this address, as in 127.0.0.1:9109, to "
        "everybody who reaches it.",
    ),
    option(
        "--metrics-token",
        metavar="TOKEN",
        callback=lambda _context, _option, given: _checked(check_token, given),
        help="Serve /metrics among the pages, to requests that have this token as bearer token.",
    ),
    option(
        "--unbundled",
        is_flag=True,
        help="Serve each script and style sheet of the pages as it is, read anew for every request: for work on them.",
    ),
]

_PROVIDERS_OPTION = option(
    "--providers",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file with the school's OpenID providers (Google Workspace, Microsoft Entra or another), through which its "
    "people sign in; docs/operations.md describes it.",
)


def providers_option(command: Command) -> Command:
    """Add the option for the school's OpenID providers to a command."""
    return _PROVIDERS_OPTION(command)


def data_options(command: Command) -> Command:
    """Add the options for the location of the school's data to a command."""
    return _with(_DATA_OPTIONS, command)


def host_option(which: str) -> Callable[[Command], Command]:
    """Make the option for the address to listen on; `which` describes the allowed addresses."""
    return option("--host", default="127.0.0.1", show_default=True, help=f"The address to listen on: {which}")


def server_options(command: Command) -> Command:
    """Add the options for serving the school to a command."""
    return _with(_SERVER_OPTIONS, command)


def _with(options: Sequence[Callable[[Command], Command]], command: Command) -> Command:
    for each in reversed(options):
        command = each(command)
    return command


def make_settings(data_dir: Path, database: Sequence[str], *, makes_folder: bool = True, **others: Any) -> Settings:
    """Make a command's settings, and the data folder if it is needed; raise SettingsError if that fails."""
    folder = data_dir.absolute()
    if not _is_utf8(folder):
        raise SettingsError("The name of the data folder is not UTF-8, which SQLite needs: rename the folder.")
    urls = database_urls(folder, database, SCHEMAS)
    if makes_folder and urls.items() & database_urls(folder, names=SCHEMAS).items():
        _make_writable(folder)
    return Settings(data_dir=folder, databases=urls, **others)


def _is_utf8(path: Path) -> bool:
    try:
        return bool(str(path).encode())
    except UnicodeEncodeError:
        return False


def _make_writable(folder: Path) -> None:
    try:
        # Private to the user who runs Lousa: it contains children's names.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise SettingsError(f"The data folder {folder} cannot be written ({error.strerror}).") from error


def run(settings: Settings, work: Callable[[Databases], Awaitable[R]]) -> R:
    """Run a function with databases that are ready for use."""

    async def with_databases() -> R:
        async with open_databases(settings) as databases:
            return await work(databases)

    return asyncio.run(with_databases())


@asynccontextmanager
async def open_databases(settings: Settings) -> AsyncIterator[Databases]:
    """Open the databases, and close them at the end; raise DatabaseError if one is not ready."""
    databases = Databases(settings.databases, SCHEMAS)
    try:
        await databases.prepare()
        yield databases
    finally:
        await databases.dispose()

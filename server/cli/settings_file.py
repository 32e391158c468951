"""The settings file, in TOML: the options of `serve` by their names without dashes in front.

    port = 8443                           # --port 8443, LOUSA_PORT=8443
    behind-proxy = "10.0.0.5"             # several: a list; true: a proxy on this machine

    [database]
    journal = "postgresql://…"            # --database journal=postgresql://…

A setting is taken from the command line, else from its variable, else from the file, else it is the default. A command
takes those that it has; all are read and checked whichever command it is, so that a mistake shows at once. A relative
path begins at the folder of the file.
"""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from server.settings import SettingsError

# A file of settings has a few hundred bytes; a larger one is some other file.
MAX_BYTES = 256 * 1024


def read_settings_file(path: Path, options: Mapping[str, click.Option], context: click.Context) -> dict[str, Any]:
    """Return the values in a file by the parameters of these options; raise SettingsError that names file and key."""
    values = {}
    for key, value in _parse(path).items():
        name = f"--{key}"
        if name not in options:
            raise SettingsError(f"{path}: “{key}” is no setting{_meant(name, options)}")
        option = options[name]
        try:
            given = _given(option, value, path.absolute().parent)
            option.type_cast_value(context, given)
        except (ValueError, click.BadParameter) as error:
            raise SettingsError(f"{path}: {key}: {_words(error)}") from error
        values[str(option.name)] = given
    return values


def _parse(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
        if len(text) > MAX_BYTES:
            raise SettingsError(f"{path} is larger than {MAX_BYTES // 1024} KiB: it is no file of settings.")
        return tomllib.loads(text.decode())
    except OSError as error:
        raise SettingsError(f"The settings file {path} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}.") from error


def _meant(name: str, options: Mapping[str, click.Option]) -> str:
    near = difflib.get_close_matches(name.replace("_", "-"), options, n=1)
    return f"; is {near[0].removeprefix('--')} meant?" if near else ": “settings show” lists all."


def _words(error: ValueError | click.BadParameter) -> str:
    return error.message if isinstance(error, click.BadParameter) else str(error)


def _given(option: click.Option, value: Any, folder: Path) -> Any:
    """Return a value as the option takes it; raise ValueError where TOML's type is not the setting's."""
    if option.name == "database":
        return _databases(value)
    if option.multiple:
        return _several(option, value)
    if option.is_flag or isinstance(value, bool):
        return _flag(option, value)
    if isinstance(option.type, click.Path) and isinstance(value, str):
        return str(folder / value)
    wanted = _type_of(option, value)
    if not isinstance(value, wanted):
        raise ValueError(f"{_NAMES[type(value)]} stands where {_NAMES[wanted]} is expected")
    return value


def _type_of(option: click.Option, value: object) -> type:
    if isinstance(option.type, click.IntRange):
        return int
    if isinstance(option.type, click.FloatRange):
        return int if isinstance(value, int) else float
    # The number of workers, or `auto`.
    return int if option.name == "workers" and isinstance(value, int) else str


def _flag(option: click.Option, value: Any) -> bool:
    if option.is_flag and isinstance(value, bool):
        return value
    expected = "true or false" if option.is_flag else _NAMES[_type_of(option, value)]
    raise ValueError(f"{_NAMES[type(value)]} stands where {expected} is expected")


def _several(option: click.Option, value: Any) -> list[str]:
    # The option may stand there without a value.
    if isinstance(value, bool) and isinstance(option.flag_value, str):
        return [option.flag_value] if value else []
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise ValueError("a string, or a list of strings, is expected")
    return values


def _databases(value: Any) -> list[str]:
    if not isinstance(value, dict) or not all(isinstance(url, str) for url in value.values()):
        raise ValueError('a table of addresses is expected, as in journal = "postgresql://…" below [database]')
    return [f"{name}={url}" for name, url in value.items()]


class _Names(dict[type, str]):
    def __missing__(self, kind: type) -> str:
        return "a date or a time"


_NAMES = _Names(
    {bool: "true or false", int: "a number", float: "a number", str: "a string", list: "a list", dict: "a table"}
)

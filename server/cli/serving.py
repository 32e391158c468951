"""All settings of a server that serves a school: their options, and the value that they make."""

from typing import Any

from server.cli.options import Command, data_options, host_option, make_settings, providers_option, server_options
from server.cli.pulling import pulling_options, read_pulling
from server.oidc.provider import SchoolSettings
from server.oidc.provider_file import read_providers
from server.process.log import LogStyle
from server.settings import Settings

_PARTS = (
    host_option("127.0.0.1 for this machine only, as behind a proxy; 0.0.0.0 for the network."),
    server_options,
    providers_option,
    pulling_options,
    data_options,
)


def serving_options(command: Command) -> Command:
    """Add all settings of a server to a command, which `read_serving` makes a value of."""
    for part in reversed(_PARTS):
        command = part(command)
    return command


def take_log_style(given: dict[str, Any]) -> LogStyle:
    """Take the settings of the log out of those that were given."""
    return LogStyle(given.pop("log_level"), given.pop("log_format"))


def read_serving(given: dict[str, Any], *, makes_folder: bool = True) -> Settings:
    """Return the settings of the server; raise SettingsError. `take_log_style` comes first."""
    providers = given.pop("providers")
    pulled = {name: given.pop(name) for name in tuple(given) if name.startswith("roster_")}
    school = read_providers(providers) if providers else SchoolSettings()
    return make_settings(**given, makes_folder=makes_folder, school=school, pulling=read_pulling(**pulled))

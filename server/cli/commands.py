"""How the commands are built, as `git remote add`: a group names a thing, its commands say what is done with it.

What concerns the server as a whole stands without a group (`serve`, `backup`).
"""

from collections.abc import Mapping
from typing import Any

import click

from server.accounts.refusals import PasswordRefused, UserError
from server.databases.errors import DatabaseError
from server.process.workers import WorkersFailed
from server.rosters import RosterErrors
from server.settings import SettingsError

_PASSWORD_REFUSALS = {
    "short": "The password is too short: it needs at least 8 characters.",
    "long": "The password is too long: at most 256 characters.",
    "login": "The password is the login: choose another.",
    "common": "This password is among the first that anybody would guess: choose another.",
}


class Commands(click.Group):
    """Commands that report known failures as a sentence with exit code 1, not a traceback."""

    def __init__(
        self, *arguments: Any, default: str = "", former: Mapping[str, str] | None = None, **attributes: Any
    ) -> None:
        """Take the command that runs where none is named, and former names of commands.

        A former name runs the command that it names now; if that is in another group, an error says so.
        """
        super().__init__(*arguments, **attributes)
        self._default = default
        self.former = former or {}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the default command's name before options without a command."""
        own = {name for each in self.get_params(ctx) for name in each.opts}
        if self._default and (not args or (args[0].startswith("-") and args[0] not in own)):
            args = [self._default, *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command by its name, or by a former one."""
        now = self.former.get(args[0])
        if now is None:
            return super().resolve_command(ctx, args)
        group, _, name = now.rpartition(" ")
        if group:
            ctx.fail(f"“{self.name} {args[0]}” is called “{now}” now.")
        click.echo(f"“{self.name} {args[0]}” is called “{self.name} {name}” now.", err=True)
        return super().resolve_command(ctx, [name, *args[1:]])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except PasswordRefused as error:
            raise click.ClickException(_PASSWORD_REFUSALS[error.reason]) from error
        except (DatabaseError, RosterErrors, SettingsError, UserError, WorkersFailed) as error:
            raise click.ClickException(str(error)) from error

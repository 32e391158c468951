"""The commands on legal holds: what they concern is neither erased nor deleted by age."""

from typing import Any

import click

from server.cli.commands import Commands
from server.cli.listing import Row, day, json_option, print_list
from server.cli.options import data_options, make_settings, option, run
from server.databases import Databases
from server.records.hold import Holds, ShownHold


@click.group(cls=Commands)
def hold() -> None:
    """Set and lift legal holds on people and classes.

    While a hold is set, nothing of theirs is erased or deleted by age. It works whether or not the server runs.
    """


@hold.command("set")
@click.argument("whom")
@option("--class", "is_class", is_flag=True, help="WHOM is the title of a class, not a login.")
@option("--reason", required=True, help="Why, as in the number of the case; shown to the office while it holds.")
@data_options
def set_command(whom: str, is_class: bool, reason: str, **given: Any) -> None:
    """Set a legal hold on a person (by login) or a class.

    As in "hold set ana.ribeiro --reason 'Processo 12/2026'".
    """

    async def work(databases: Databases) -> int:
        holds = Holds(databases)
        return await (holds.on_class if is_class else holds.on_person)(whom, reason, None)

    click.echo(f"Hold {run(make_settings(**given), work)} is set on {whom}.")


@hold.command("list")
@json_option
@data_options
def list_command(as_json: bool, **given: Any) -> None:
    """List the legal holds: number, day, name, reason."""
    found = run(make_settings(**given), lambda databases: Holds(databases).all())
    print_list(map(_row, found), as_json=as_json)


def _row(each: ShownHold) -> Row:
    return {"number": each.id, "since": day(each.at), "name": each.name, "reason": each.reason}


@hold.command()
@click.argument("number", type=click.IntRange(min=1))
@data_options
def lift(number: int, **given: Any) -> None:
    """Lift a legal hold, by its NUMBER in the list."""
    run(make_settings(**given), lambda databases: Holds(databases).lift(number, None))
    click.echo(f"Hold {number} is lifted.")

"""Commands that have a subcommand for each system, made from its record: `semcom train`, `semcom export`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import click

from ..errors import UnknownSystem

if TYPE_CHECKING:
    from ..models.system import Part, System

__all__ = ["SystemGroup"]


class SystemGroup(click.Group):
    """A group whose subcommands are systems: those that are listed, and every folder that holds one.

    Args:
        name: Of the group.
        help: Of the group.
        part: What of a record it needs.
        make: Makes the subcommand of a record.
    """

    def __init__(
        self, name: str, help: str, part: Part | Literal["published"], make: Callable[[System], click.Command]
    ) -> None:
        epilog = f"A system of your own is a folder: semcom {name} ./my_system"
        super().__init__(name, help=help, epilog=epilog, subcommand_metavar="SYSTEM [OPTIONS]")
        self.part, self.make = part, make

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Systems that have the part, and broken ones."""
        from ..models.lookup import list_systems

        return [one.name for one in list_systems() if one.system is None or getattr(one.system, self.part)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """Make the subcommand of a system; that of a broken one says so when it is called."""
        from ..models.lookup import look_up

        found = look_up(cmd_name)
        if found.system is None:
            return _broken(found.name, found.broken)
        if not getattr(found.system, self.part):
            having = ", ".join(name for name in self.list_commands(ctx) if name != cmd_name)
            raise UnknownSystem(
                f"semcom {self.name} {cmd_name}: {found.path} names no {self.part}; expected one of {having}, or a "
                "system of your own that does"
            )
        return self.make(found.system)


def _broken(name: str, why: str) -> click.Command:
    def refuse(**_: Any) -> NoReturn:
        raise UnknownSystem(why)

    any_option = {"ignore_unknown_options": True, "allow_extra_args": True}
    return click.Command(name, callback=refuse, short_help=f"BROKEN: {why}", context_settings=any_option)

"""The options that change a flowgraph and leave its file untouched; and loading one with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..flowgraphs.runtime.language.check import Checked

__all__ = ["load", "overridable", "read_systems"]


def overridable(command: Any) -> Any:
    """Add the options that change a flowgraph and leave its file untouched."""
    options = [
        click.option("--var", "vars", multiple=True, metavar="NAME=VALUE", help="Set a variable: --var esn0_db=5"),
        click.option(
            "--set",
            "sets",
            multiple=True,
            metavar="BLOCK.PARAM=VALUE",
            help="Set a parameter: --set channel.esn0_db=5",
        ),
        click.option(
            "--swap",
            "swaps",
            multiple=True,
            metavar="BLOCK=USE[:PARAM=VALUE,...]",
            help="Put another block in a block's place: --swap channel=channels/rayleigh",
        ),
        click.option("--seed", type=int, help="Seed of every random stream."),
        click.option("--out", metavar="DIR", help="Folder that receives what the flowgraph's sinks write."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def load(file: str, *, notes: bool = True, **given: Any) -> Checked:
    """Check a flowgraph with the options of `overridable`, and say what was noted. Raises FlowgraphError."""
    from ..flowgraphs.runtime.language.check import check_flowgraph
    from ..flowgraphs.runtime.language.overrides import Overrides

    checked = check_flowgraph(file, Overrides.parse(**given))
    if notes:
        for note in checked.notes:
            click.echo(f"note: {note}", err=True)
    return checked


def read_systems(flowgraphs: tuple[str, ...], given: dict[str, Any]) -> Any:
    """Read systems, and take their overrides out of the given options."""
    from ..flowgraphs.experiments.systems import parse_systems

    return parse_systems(flowgraphs, **{name: given.pop(name) for name in ("vars", "sets", "swaps", "seed")})

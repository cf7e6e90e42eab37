"""`semcom grc`."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["grc"]


@click.command()
@click.option(
    "--install",
    "folder",
    is_flag=False,
    flag_value="",
    metavar="[DIR]",
    help="Write them into this folder; without DIR, into the one where GNU Radio Companion looks for a user's blocks.",
)
@click.option(
    "--examples",
    "examples_folder",
    metavar="DIR",
    help="Write flowgraphs of GNU Radio into this folder: a channel between gnuradio-tx and gnuradio-rx, and radios.",
)
def grc(folder: str | None, examples_folder: str | None) -> None:
    """List the blocks that GNU Radio Companion can have of semcom, or write them, and examples, for it."""
    from ..flowgraphs.grc.descriptions import SHOWN
    from ..flowgraphs.grc.install import default_folder, examples, install

    if examples_folder is not None:
        for path in examples(Path(examples_folder)):
            click.echo(str(path))
        if folder is None:
            return
    if folder is None:
        for name, shown in SHOWN.items():
            click.echo(f"{name:<20}{shown.doc}")
        click.echo(f"`semcom grc --install` writes them into {default_folder()}")
        return
    written = install(Path(folder) if folder else default_folder())
    for path in written:
        click.echo(str(path))
    if folder and written[0].parent != default_folder().resolve():
        click.echo(f"GNU Radio Companion reads them with GRC_BLOCKS_PATH={written[0].parent}")

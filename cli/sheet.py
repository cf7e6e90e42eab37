"""`semcom sheet`."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["sheet"]


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the sheets; the first run's.")
def sheet(runs: tuple[Path, ...], out: Path | None) -> None:
    """Lay pictures side by side: a row for each RUN, a folder of `semcom run --out`, a column for each of its sinks."""
    from ..flowgraphs.experiments.sheet import draw_sheets

    for written in draw_sheets(runs, runs[0] if out is None else out):
        click.echo(str(written))

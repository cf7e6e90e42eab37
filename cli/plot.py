"""`semcom plot`."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["plot"]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--x", "x", metavar="NAME", help="An axis of the sweep; the first if not said.")
@click.option("--y", "y", default="psnr_db", show_default=True, metavar="NAME", help="A column of points.csv.")
@click.option("--by", "by", default="system", show_default=True, metavar="NAME", help="What makes a line.")
@click.option("--out", "file", type=click.Path(path_type=Path), metavar="FILE", help="SVG, PNG or PDF.")
@click.option("--title", default="", help="Above the picture.")
def plot(folder: Path, x: str | None, y: str, by: str, file: Path | None, title: str) -> None:
    """Draw a sweep: FOLDER is what `semcom sweep --out` wrote."""
    from ..flowgraphs.experiments.plot import plot_sweep

    for written in plot_sweep(folder, x=x, y=y, by=by, file=file, title=title):
        click.echo(str(written))

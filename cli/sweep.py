"""`semcom sweep`."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import click

from ..errors import SemcomError
from .overrides import overridable

__all__ = ["sweep"]


@click.command()
@click.argument("flowgraphs", nargs=-1, required=True, metavar="[NAME=]FLOWGRAPH...")
@click.option(
    "--over",
    "overs",
    multiple=True,
    metavar="NAME=SPEC",
    help="An axis: a variable or BLOCK.PARAM, and START:STOP:STEP or values with commas: --over esn0_db=0:20:2",
)
@click.option("--images", metavar="DIR", help="Pictures in place of those of the flowgraphs: a folder, a file.")
@click.option("--draws", type=click.IntRange(min=1), default=1, show_default=True, help="Noise and fades per picture.")
@click.option("--target-block-errors", type=click.IntRange(min=1), help="Add draws until so many blocks were wrong.")
@click.option(
    "--max-draws", type=click.IntRange(min=1), default=100, show_default=True, help="Most draws with a target."
)
@click.option("--max-items", type=click.IntRange(min=1), help="Pictures at most.")
@click.option("--workers", type=click.IntRange(min=0), help="Processes; one a core if not said; 0 for this one alone.")
@click.option("--scheduler", metavar="ADDRESS", help="A dask scheduler, tcp://host:8786: its workers do the work.")
@click.option("--format", "kind", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@click.option("--fresh", is_flag=True, help="Forget what is in the folder; without it the sweep goes on where it was.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object on the last line of stdout.")
@click.option("--quiet", is_flag=True, help="No progress and no summary.")
@overridable
def sweep(
    flowgraphs: tuple[str, ...], overs: tuple[str, ...], out: str | None, *, as_json: bool, quiet: bool, **given: Any
) -> None:
    """Measure flowgraphs at every point of a grid: the same pictures, the same noise, in parallel, resumable.

    --var, --set and --swap reach one system alone as --set SYSTEM:encoder.variant=linear.
    """
    from ..flowgraphs.experiments.over import parse_over
    from ..flowgraphs.experiments.sweep import SweepOptions, run_sweep
    from ..flowgraphs.experiments.systems import parse_systems
    from .sweep_bar import SweepBar

    overrides = {name: given.pop(name) for name in ("vars", "sets", "swaps", "seed")}
    options = SweepOptions(
        out=Path(out or "out/sweep"), format=given.pop("kind"), command=("semcom", *sys.argv[1:]), **given
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end: in order, as by Ctrl-C
    try:
        axes = [parse_over(text) for text in overs]
        with SweepBar(quiet=quiet) as bar:
            result = run_sweep(
                parse_systems(flowgraphs, **overrides), axes, options, note=bar.note, progress=bar.update
            )
    except SemcomError as error:
        if as_json:
            click.echo(json.dumps({"status": "failed", "error": str(error)}))
        raise
    if as_json:
        click.echo(json.dumps(result.as_json()))
    elif not quiet:
        ended = {"ok": "done", "failed": "some items failed"}.get(result.status, result.status)
        click.echo(f"{ended}: {result.items} items measured, {result.skipped} were there, {result.points} points")
        click.echo(f"  table: {options.out / 'points.csv'}")
    if result.status != "ok" and not quiet:
        click.echo("what was finished is kept; the same command goes on from there", err=True)
    click.get_current_context().exit(result.exit_code)

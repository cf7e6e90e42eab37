"""`semcom measure`: a table and plots each."""

from __future__ import annotations

import signal
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from .overrides import overridable, read_systems

__all__ = ["measure"]


@click.group()
def measure() -> None:
    """Measure flowgraphs as papers do: a table and plots each. Sweeps underneath, resumed where they were left."""


def _measured_sweep(command: Any) -> Any:
    """Add the options that measurements over Es/N0 share."""
    options = [
        click.option(
            "--distance",
            default="ms-ssim",
            show_default=True,
            metavar="NAME",
            help="Of pictures: ms-ssim, ssim, mse; with --weights squeezenet, lpips-vgg.",
        ),
        click.option(
            "--weights",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Weights of the network that the distance looks through.",
        ),
        click.option("--images", metavar="DIR", help="Pictures in place of those of the flowgraphs: a folder, a file."),
        click.option("--max-items", type=click.IntRange(min=1), help="Pictures at most."),
        click.option(
            "--workers", type=click.IntRange(min=0), help="Processes; one a core if not said; 0 for this one alone."
        ),
        click.option("--scheduler", metavar="ADDRESS", help="A dask scheduler whose workers do the work."),
        click.option("--fresh", is_flag=True, help="Forget what is in the folder; without it, go on where it was."),
        click.option("--quiet", is_flag=True, help="No progress and no summary."),
        overridable,
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _run_measurement(function: Any, systems: Any, out: str, given: dict[str, Any], show: Any, **own: Any) -> None:
    """Run a measurement that is a sweep, and print its lines and files; ``given`` are the shared options."""
    from ..flowgraphs.experiments.plan import SweepOptions
    from .sweep_bar import SweepBar

    own |= {name: given.pop(name) for name in ("distance", "weights")}
    quiet = given.pop("quiet")
    options = SweepOptions(out=Path(given.pop("out") or out), command=("semcom", *sys.argv[1:]), **given)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end: in order, as by Ctrl-C
    with SweepBar(quiet=quiet) as bar:
        found = function(systems, options, note=bar.note, progress=bar.update, **own)
    if not quiet:
        for line in show(found):
            click.echo(line)
        for file in (options.out / "points.csv", *found.files):
            click.echo(f"  file: {file}")
        if found.result.status != "ok":
            click.echo("what was finished is kept; the same command goes on from there", err=True)
    click.get_current_context().exit(found.result.exit_code)


@measure.command("predictability")
@click.argument("flowgraphs", nargs=-1, required=True, metavar="[NAME=]FLOWGRAPH...")
@click.option("--esn0-db", default="20,15,10,5,1", show_default=True, metavar="LIST", help="Values of Es/N0 in dB.")
@click.option("--transmissions", type=int, default=25, show_default=True, help="Of each picture, at each value.")
@_measured_sweep
def predictability(flowgraphs: tuple[str, ...], esn0_db: str, transmissions: int, **given: Any) -> None:
    """Send each picture many times: how far apart the receptions are, and how sharp.

    Mean and deviation of the distance over all pairs of receptions of a picture, averaged over the pictures. Blur is
    predictable too: fine detail against the sent picture and PSNR stand beside it.
    """
    from ..flowgraphs.experiments.measure.predictability import lines, measure_predictability

    systems = read_systems(flowgraphs, given)
    _run_measurement(
        measure_predictability,
        systems,
        "out/predictability",
        given,
        lines,
        esn0_db=esn0_db,
        transmissions=transmissions,
    )


@measure.command("finetuning")
@click.argument("flowgraph", metavar="FLOWGRAPH")
@click.option(
    "--with",
    "with_it",
    multiple=True,
    metavar="FILE|BLOCK.PARAM=VALUE",
    help="Fine-tuned weights of the decoder, or a parameter; the flowgraph's own if not said.",
)
@click.option(
    "--without",
    multiple=True,
    required=True,
    metavar="FILE|BLOCK.PARAM=VALUE",
    help="The weights before, or a parameter: --without decoder.variant=NAME",
)
@click.option("--esn0-db", default="1,5,10,15,20", show_default=True, metavar="LIST", help="Values of Es/N0 in dB.")
@_measured_sweep
def finetuning(flowgraph: str, with_it: tuple[str, ...], without: tuple[str, ...], esn0_db: str, **given: Any) -> None:
    """Compare a network with and without its noise-aware fine-tuning, over Es/N0."""
    from ..flowgraphs.experiments.measure.ablations import finetuned_and_not, lines, measure_finetuning

    overrides = {name: given.pop(name) for name in ("vars", "sets", "swaps", "seed")}
    systems = finetuned_and_not(flowgraph, with_it, without, **overrides)
    _run_measurement(measure_finetuning, systems, "out/finetuning", given, lines, esn0_db=esn0_db)


@measure.command("embedding-size")
@click.argument("flowgraphs", nargs=-1, required=True, metavar="[NAME=]FLOWGRAPH...")
@click.option("--downscale", default="0.5,0.75,1", show_default=True, metavar="LIST", help="Values to compare.")
@click.option(
    "--parameter", default="encoder.downscale", show_default=True, metavar="NAME", help="What is set to them."
)
@click.option("--esn0-db", default="1,5,10,15,20", show_default=True, metavar="LIST", help="Values of Es/N0 in dB.")
@_measured_sweep
def embedding_size(flowgraphs: tuple[str, ...], downscale: str, parameter: str, esn0_db: str, **given: Any) -> None:
    """Compare sizes of the embedding: quality and CBR, over Es/N0."""
    from ..flowgraphs.experiments.measure.ablations import lines, measure_embedding_size

    systems = read_systems(flowgraphs, given)
    own = {"downscale": downscale, "parameter": parameter, "esn0_db": esn0_db}
    _run_measurement(measure_embedding_size, systems, "out/embedding-size", given, lines, **own)


@measure.command("dimensionality")
@click.option(
    "--side", "sides", type=int, multiple=True, default=(512, 1024), show_default=True, help="Of square pictures."
)
@click.option("--out", default="out/dimensionality", show_default=True, metavar="DIR", help="Folder of table and plot.")
def dimensionality(sides: tuple[int, ...], out: str) -> None:
    """Show how many values SC-SIC and others send for a picture, and what they cost the channel."""
    from ..flowgraphs.experiments.measure.dimensionality import dimensions, lines, write_dimensionality

    rows = dimensions(sides)
    files = write_dimensionality(rows, Path(out))
    for line in (*lines(rows), *(f"  file: {file}" for file in files)):
        click.echo(line)


@measure.command("matched-steps")
@click.option("--esn0-db", default="0,2,5,7,10,15,20", show_default=True, metavar="LIST", help="Values of Es/N0 in dB.")
@click.option(
    "--sent-steps", type=click.IntRange(min=0), default=5, show_default=True, help="T1, of the transmitter's inversion."
)
@click.option(
    "--further-steps", type=click.IntRange(min=0), default=5, show_default=True, help="T2, of the receiver's."
)
@click.option("--out", default="out/matched-steps", show_default=True, metavar="DIR", help="Folder of the table.")
def matched_steps(esn0_db: str, sent_steps: int, further_steps: int, out: str) -> None:
    """Show from which step of diffusion training-free communication samples back, over Es/N0."""
    from ..flowgraphs.experiments.measure import matched_steps as table
    from ..flowgraphs.experiments.measure.figures import esn0_axis

    rows = table.matched_steps(
        [float(Fraction(value)) for value in esn0_axis(esn0_db).values], sent_steps, further_steps
    )
    files = table.write_matched_steps(rows, Path(out))
    for line in (*table.lines(rows), *(f"  file: {file}" for file in files)):
        click.echo(line)


@measure.command("latency")
@click.argument("flowgraphs", nargs=-1, required=True, metavar="[NAME=]FLOWGRAPH...")
@click.option("--runs", type=click.IntRange(min=1), default=5, show_default=True, help="Of each, after a warm-up.")
@click.option("--images", metavar="FILE", help="The picture, in place of the flowgraph's first.")
@click.option("--quiet", is_flag=True, help="No progress and no summary.")
@overridable
def latency(
    flowgraphs: tuple[str, ...], runs: int, images: str | None, out: str | None, *, quiet: bool, **given: Any
) -> None:
    """Time each block of flowgraphs for a picture, inline in this process."""
    from ..flowgraphs.experiments.measure.figures import need_matplotlib
    from ..flowgraphs.experiments.measure.latency import lines, measure_latency, write_latency
    from .sweep_bar import SweepBar

    need_matplotlib("semcom measure latency")
    systems = read_systems(flowgraphs, given)
    with SweepBar(quiet=quiet) as bar:
        rows = measure_latency(systems, images=images, runs=runs, progress=bar.update)
    files = write_latency(rows, Path(out or "out/latency"))
    for line in () if quiet else (*lines(rows), *(f"  file: {file}" for file in files)):
        click.echo(line)

"""The command `semcom`. Thin: each command imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .errors import Interrupted, SemcomError, UsageError

if TYPE_CHECKING:
    from .flowgraphs.runtime.check import Checked

__all__ = ["main"]


class _Semcom(click.Group):
    """Turns the project's errors into one message and an exit code; a traceback only with ``SEMCOM_DEBUG=1``."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SemcomError as error:
            if os.environ.get("SEMCOM_DEBUG"):
                raise
            click.echo(str(error), err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            if os.environ.get("SEMCOM_DEBUG"):
                raise
            click.echo("interrupted", err=True)
            ctx.exit(Interrupted.exit_code)
        except BrokenPipeError:  # `semcom blocks | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)
        except OSError as error:  # `semcom blocks > /dev/full`
            if os.environ.get("SEMCOM_DEBUG"):
                raise
            with contextlib.suppress(OSError, ValueError):  # what could not be written would be tried again at exit
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            where = error.filename if isinstance(error.filename, str) else "standard output"
            click.echo(f"{where}: {error.strerror or error}; free space there, or choose another place", err=True)
            ctx.exit(1)


@click.group(cls=_Semcom, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="gr-semcom", message="gr-semcom %(version)s")
def main() -> None:
    """Semantic image communication as a signal chain: flowgraphs in YAML, simulated, streaming or over the air."""


def _overrides(command: Any) -> Any:
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


def _load(file: str, *, notes: bool = True, **given: Any) -> Checked:
    from .flowgraphs.runtime.check import check_flowgraph
    from .flowgraphs.runtime.overrides import Overrides

    checked = check_flowgraph(file, Overrides.parse(**given))
    if notes:
        for note in checked.notes:
            click.echo(f"note: {note}", err=True)
    return checked


@main.command()
@click.argument("file")
@click.option(
    "--executor",
    type=click.Choice(["inline", "threads", "processes"]),
    default="threads",
    show_default=True,
    help="One thread and no sockets, a thread a block, or a process a block. The results are the same.",
)
@click.option("--items", type=click.IntRange(min=1), help="Stop each source after this many items.")
@click.option("--place", help="Run one place of the file; the others run elsewhere.")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object on the last line of stdout.")
@click.option("--quiet", is_flag=True, help="No progress and no summary.")
@_overrides
def run(
    file: str, executor: Any, items: int | None, place: str | None, *, as_json: bool, quiet: bool, **given: Any
) -> None:
    """Run a flowgraph: FILE is a path, or the name of a shipped one (quickstart)."""
    from .flowgraphs.runtime.progress import Progress
    from .flowgraphs.runtime.run import RunOptions
    from .flowgraphs.runtime.run import run as run_graph

    try:
        graph = _load(file, notes=not quiet, **given).graph
        out = Path(given["out"]) if given["out"] else None
        options = RunOptions(executor=executor, items=items, place=place, out=out)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end: in order, as by Ctrl-C
        with Progress(graph.name, quiet=quiet) as progress:
            result = run_graph(graph, options, progress.update)
    except SemcomError as error:
        if as_json:
            ended = getattr(error, "result", None)
            record = ended.as_json() if ended is not None else {"status": "failed", "error": str(error)}
            click.echo(json.dumps(record))
        raise
    if as_json:
        click.echo(json.dumps(result.as_json()))
    elif not quiet:
        codecs = "/".join(dict.fromkeys(str(b.params["codec"]) for b in graph.blocks if "codec" in b.params))
        for line in _summary(graph.name, result.as_json(), codecs):
            click.echo(line)
    click.get_current_context().exit(result.exit_code)


METRICS = {
    "psnr_db": ("PSNR", ".2f", " dB"),
    "ssim": ("SSIM", ".4f", ""),
    "ms_ssim": ("MS-SSIM", ".4f", ""),
    "cbr": ("CBR", ".5f", ""),
    "esn0_db": ("Es/N0", ".2f", " dB"),
}
FILES_SHOWN = 4


def _summary(name: str, record: dict[str, Any], codecs: str = "") -> list[str]:
    """Return what a person wants to know at the end of a run: how good, at what cost, and where to look."""
    duration = record.get("duration_s")
    ended = {"ok": "done"}.get(record["status"], record["status"])
    lines = [f"{name}: {ended}" + (f" in {duration:.1f} s" if duration else "")]
    metrics = record.get("metrics") or {}
    sinks = record.get("metrics_by_sink") or {}
    for sink, means in sinks.items() if len(sinks) > 1 else [("mean over the items", metrics)]:
        if shown := _shown(means):
            lines.append(f"  {sink}: {shown}")
        if failed := means.get("failed"):
            lines.append(f"  not decoded: {100 * failed:.3g} % of the pictures; what stands for them is in these means")
            lines += _reasons(failed, means, codecs)
    dropped = {edge: counts["dropped"] for edge, counts in record["edges"].items() if counts["dropped"]}
    lines += [f"  dropped {count} items: {edge}" for edge, count in dropped.items()]
    files = list(record.get("files") or [])
    reports = [file for file in files if file.endswith(".html")]
    lines += [f"  report: {file}" for file in reports]
    others = [file for file in files if file not in reports]
    if len(others) > FILES_SHOWN:
        folder = os.path.commonpath([os.path.abspath(file) for file in others])
        lines.append(f"  {len(others)} files: {os.path.relpath(folder) if folder.startswith(os.getcwd()) else folder}")
    else:
        lines += [f"  file: {file}" for file in others]
    return lines


def _reasons(failed: float, means: dict[str, Any], codecs: str) -> list[str]:
    """Say why pictures were not decoded, where the encoder told: it sent nothing, or the channel broke what it sent."""
    lines, unsent = [], means.get("unsent")
    if unsent:
        would_do = f"a CBR of some {means['least_cbr']:.2g} would do" if means["least_cbr"] else "no CBR would do"
        lines.append(
            f"    not sent: {100 * unsent:.3g} %: the budget, {means['budget_bytes']:.0f} bytes, is below the least "
            f"file of {codecs or 'the codec'}, {means['least_bytes']:.0f} bytes; {would_do}"
        )
    if unsent is not None and failed - unsent > 1e-9:
        lines.append(f"    broken by the channel: {100 * (failed - unsent):.3g} %")
    return lines


def _shown(means: dict[str, Any]) -> str:
    shown = [
        f"{label} {means[key]:{form}}{unit}"
        for key, (label, form, unit) in METRICS.items()
        if means.get(key) is not None
    ]
    if "psnr_db" in means and means["psnr_db"] is None:  # a mean that is not finite is null
        shown.insert(0, "PSNR infinite (equal pictures)")
    return ", ".join(shown)


@main.command()
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
@_overrides
def sweep(
    flowgraphs: tuple[str, ...], overs: tuple[str, ...], out: str | None, *, as_json: bool, quiet: bool, **given: Any
) -> None:
    """Measure flowgraphs at every point of a grid: the same pictures, the same noise, in parallel, resumable.

    --var, --set and --swap reach one system alone as --set SYSTEM:encoder.variant=linear.
    """
    from .flowgraphs.experiments.over import parse_over
    from .flowgraphs.experiments.progress import SweepProgress
    from .flowgraphs.experiments.sweep import SweepOptions, run_sweep
    from .flowgraphs.experiments.systems import parse_systems

    overrides = {name: given.pop(name) for name in ("vars", "sets", "swaps", "seed")}
    options = SweepOptions(
        out=Path(out or "out/sweep"), format=given.pop("kind"), command=("semcom", *sys.argv[1:]), **given
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end: in order, as by Ctrl-C
    try:
        axes = [parse_over(text) for text in overs]
        with SweepProgress(quiet=quiet) as progress:
            result = run_sweep(
                parse_systems(flowgraphs, **overrides), axes, options, note=progress.note, progress=progress.update
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


@main.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--x", "x", metavar="NAME", help="An axis of the sweep; the first if not said.")
@click.option("--y", "y", default="psnr_db", show_default=True, metavar="NAME", help="A column of points.csv.")
@click.option("--by", "by", default="system", show_default=True, metavar="NAME", help="What makes a line.")
@click.option("--out", "file", type=click.Path(path_type=Path), metavar="FILE", help="SVG, PNG or PDF.")
@click.option("--title", default="", help="Above the picture.")
def plot(folder: Path, x: str | None, y: str, by: str, file: Path | None, title: str) -> None:
    """Draw a sweep: FOLDER is what `semcom sweep --out` wrote."""
    from .flowgraphs.experiments.plot import plot_sweep

    for written in plot_sweep(folder, x=x, y=y, by=by, file=file, title=title):
        click.echo(str(written))


@main.group()
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
        _overrides,
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _run_measurement(function: Any, systems: Any, out: str, given: dict[str, Any], show: Any, **own: Any) -> None:
    """Run a measurement that is a sweep, and print its lines and files; ``given`` are the shared options."""
    from .flowgraphs.experiments.plan import SweepOptions
    from .flowgraphs.experiments.progress import SweepProgress

    own |= {name: given.pop(name) for name in ("distance", "weights")}
    quiet = given.pop("quiet")
    options = SweepOptions(out=Path(given.pop("out") or out), command=("semcom", *sys.argv[1:]), **given)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end: in order, as by Ctrl-C
    with SweepProgress(quiet=quiet) as progress:
        found = function(systems, options, note=progress.note, progress=progress.update, **own)
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
    from .flowgraphs.experiments.measure.predictability import lines, measure_predictability

    systems = _systems(flowgraphs, given)
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
    from .flowgraphs.experiments.measure.ablations import finetuned_and_not, lines, measure_finetuning

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
    from .flowgraphs.experiments.measure.ablations import lines, measure_embedding_size

    systems = _systems(flowgraphs, given)
    own = {"downscale": downscale, "parameter": parameter, "esn0_db": esn0_db}
    _run_measurement(measure_embedding_size, systems, "out/embedding-size", given, lines, **own)


@measure.command("dimensionality")
@click.option(
    "--side", "sides", type=int, multiple=True, default=(512, 1024), show_default=True, help="Of square pictures."
)
@click.option("--out", default="out/dimensionality", show_default=True, metavar="DIR", help="Folder of table and plot.")
def dimensionality(sides: tuple[int, ...], out: str) -> None:
    """Show how many values SC-SIC and others send for a picture, and what they cost the channel."""
    from .flowgraphs.experiments.measure.dimensionality import dimensions, lines, write_dimensionality

    rows = dimensions(sides)
    files = write_dimensionality(rows, Path(out))
    for line in (*lines(rows), *(f"  file: {file}" for file in files)):
        click.echo(line)


@measure.command("latency")
@click.argument("flowgraphs", nargs=-1, required=True, metavar="[NAME=]FLOWGRAPH...")
@click.option("--runs", type=click.IntRange(min=1), default=5, show_default=True, help="Of each, after a warm-up.")
@click.option("--images", metavar="FILE", help="The picture, in place of the flowgraph's first.")
@click.option("--quiet", is_flag=True, help="No progress and no summary.")
@_overrides
def latency(
    flowgraphs: tuple[str, ...], runs: int, images: str | None, out: str | None, *, quiet: bool, **given: Any
) -> None:
    """Time each block of flowgraphs for a picture, inline in this process."""
    from .flowgraphs.experiments.measure.figures import need_matplotlib
    from .flowgraphs.experiments.measure.latency import lines, measure_latency, write_latency
    from .flowgraphs.experiments.progress import SweepProgress

    need_matplotlib("semcom measure latency")
    systems = _systems(flowgraphs, given)
    with SweepProgress(quiet=quiet) as progress:
        rows = measure_latency(systems, images=images, runs=runs, progress=progress.update)
    files = write_latency(rows, Path(out or "out/latency"))
    for line in () if quiet else (*lines(rows), *(f"  file: {file}" for file in files)):
        click.echo(line)


def _systems(flowgraphs: tuple[str, ...], given: dict[str, Any]) -> Any:
    """Read systems, and take their overrides out of the given options."""
    from .flowgraphs.experiments.systems import parse_systems

    return parse_systems(flowgraphs, **{name: given.pop(name) for name in ("vars", "sets", "swaps", "seed")})


@main.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RUN...")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the sheets; the first run's.")
def sheet(runs: tuple[Path, ...], out: Path | None) -> None:
    """Lay pictures side by side: a row for each RUN, a folder of `semcom run --out`, a column for each of its sinks."""
    from .flowgraphs.experiments.sheet import draw_sheets

    for written in draw_sheets(runs, runs[0] if out is None else out):
        click.echo(str(written))


@main.command()
@click.argument("file")
@click.option(
    "--resolved", is_flag=True, help="Print the flowgraph as it would run: overrides and defaults written out."
)
@_overrides
def check(file: str, *, resolved: bool, **given: Any) -> None:
    """Check a flowgraph without running it; report every mistake in one pass."""
    graph = _load(file, **given).graph
    if resolved:
        from .flowgraphs.runtime.resolved import resolved_yaml

        click.echo(resolved_yaml(graph), nl=False)
        return
    places = f", {len(graph.places)} places" if graph.places else ""
    click.echo(f"{graph.file}: {graph.name}: {len(graph.blocks)} blocks, {len(graph.edges)} edges{places}: in order")


@main.command()
def schema() -> None:
    """Print the JSON Schema of flowgraph files, for completion in an editor."""
    from .flowgraphs.runtime.schema import flowgraph_schema

    click.echo(json.dumps(flowgraph_schema(), indent=2))


@main.command()
@click.argument("file")
@click.option("--svg", "svg_file", metavar="FILE", help="Write a drawing instead of Mermaid text.")
@_overrides
def graph(file: str, svg_file: str | None, **given: Any) -> None:
    """Draw a flowgraph: Mermaid text on stdout, or an SVG file."""
    from .flowgraphs.runtime.drawing import mermaid, svg

    drawn = _load(file, **given).graph
    if svg_file is None:
        click.echo(mermaid(drawn), nl=False)
        return
    _write(Path(svg_file), svg(drawn))


@main.command()
@click.argument("name", required=False)
def blocks(name: str | None) -> None:
    """List the blocks, or show one: what it does, its ports and its parameters."""
    from .flowgraphs.runtime.block_pages import block_list, block_page

    click.echo(block_list() if name is None else block_page(name))


@main.command()
def env() -> None:
    """Show versions and devices: what to put into a report of a problem."""
    from .flowgraphs.runtime.environment import environment

    for key, value in environment().items():
        click.echo(f"{key:<16} {value}")


@main.command("new-block")
@click.argument("name")
def new_block(name: str) -> None:
    """Write a block and its test, such as channels/my_channel; both pass at once."""
    from .flowgraphs.runtime.new_block import write_new_block

    written = write_new_block(name)
    click.echo(f"block: {_near(written.block)}")
    click.echo(f"test:  {_near(written.test)}")
    click.echo(f"use:   {written.use}")


@main.group()
def train() -> None:
    """Train a model."""


_perceptual_weights = click.option(
    "--perceptual-weights",
    type=click.Path(path_type=Path),
    help="Weights of the network that a recipe's perceptual loss looks through.",
)


@train.command()
@click.option("--config", default="adaptive", show_default=True, metavar="NAME", help="A shipped recipe, or a file.")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder of photographs.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that receives weights and logs.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in --out.")
@click.option("--device", help="A torch device; the GPU where there is one, if not said.")
@_perceptual_weights
def deepjscc(
    config: str, data: Path, out: Path, device: str | None, perceptual_weights: Path | None, *, resume: bool
) -> None:
    """Train DeepJSCC on a folder of photographs."""
    recipe = _recipe("deepjscc", config)
    try:
        from .models.deepjscc.config import TrainConfig
        from .models.deepjscc.train import train as train_model
    except ImportError as error:
        from .errors import MissingExtra

        raise MissingExtra("semcom train deepjscc", error.name or "torch", "models") from None
    result = train_model(
        TrainConfig.read(recipe), data, out, resume=resume, device=device, perceptual_weights=perceptual_weights
    )
    click.echo(f"weights: {result.weights}")


@train.command("cdm-jscc")
@click.option("--config", default="small-d", show_default=True, metavar="NAME", help="A shipped recipe, or a file.")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder of photographs.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that receives weights and logs.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in --out.")
@click.option("--device", help="A torch device; the GPU where there is one, if not said.")
@_perceptual_weights
def cdm_jscc(
    config: str, data: Path, out: Path, device: str | None, perceptual_weights: Path | None, *, resume: bool
) -> None:
    """Train CDM-JSCC on a folder of photographs, phase by phase."""
    recipe = _recipe("cdm_jscc", config)
    try:
        from .models.cdm_jscc.config import TrainConfig
        from .models.cdm_jscc.train import train as train_model
    except ImportError as error:
        from .errors import MissingExtra

        raise MissingExtra("semcom train cdm-jscc", error.name or "torch", "models") from None
    result = train_model(
        TrainConfig.read(recipe), data, out, resume=resume, device=device, perceptual_weights=perceptual_weights
    )
    click.echo(f"weights: {result.weights}")


@train.command("sc-sic")
@click.option("--config", default="mini-48", show_default=True, metavar="NAME", help="A shipped recipe, or a file.")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder of photographs.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that receives weights and logs.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in --out.")
@click.option("--device", help="A torch device; the GPU where there is one, if not said.")
@_perceptual_weights
def sc_sic(
    config: str, data: Path, out: Path, device: str | None, perceptual_weights: Path | None, *, resume: bool
) -> None:
    """Train SC-SIC on a folder of photographs, or fine-tune Stable Cascade's stage B to noisy embeddings."""
    recipe = _recipe("sc_sic", config)
    try:
        from .models.sc_sic.config import TrainConfig
        from .models.sc_sic.train import train as train_model
    except ImportError as error:
        from .errors import MissingExtra

        raise MissingExtra("semcom train sc-sic", error.name or "torch", "models") from None
    result = train_model(
        TrainConfig.read(recipe), data, out, resume=resume, device=device, perceptual_weights=perceptual_weights
    )
    click.echo(f"weights: {result.weights}")


def _recipe(model: str, name: str) -> Path:
    """Return the file of a recipe: a path, or the name of one that is shipped with a model."""
    path = Path(name)
    if path.is_file():
        return path
    folder = Path(__file__).parent / "models" / model / "configs"
    shipped = {file.stem: file for file in sorted(folder.glob("*.yaml"))}
    if name in shipped:
        return shipped[name]
    raise UsageError(f"--config {name}: expected a file or one of the shipped: {', '.join(shipped) or 'none'}")


@main.group()
def fetch() -> None:
    """Download published weights."""


@fetch.command("sc-sic")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that receives the files.")
@click.option(
    "--variant",
    type=click.Choice(["lite", "large"]),
    default="lite",
    show_default=True,
    help="Stage B of 0.7 or of 1.5 thousand million parameters.",
)
@click.option("--accept-licence", is_flag=True, help="You have read the licence, and accept it.")
def fetch_sc_sic(out: Path, variant: Any, *, accept_licence: bool) -> None:
    """Download Stable Cascade's encoder, stage A and stage B."""
    from .models.sc_sic.fetch import fetch as fetch_weights

    licence: Any = "accepted" if accept_licence else "unread"
    fetch_weights(out, variant=variant, licence=licence, echo=click.echo)


@main.group()
def export() -> None:
    """Write a model's encoder and decoder as ONNX files and compare them with torch."""


@export.command("deepjscc")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that receives the two files.")
@click.option(
    "--variant",
    type=click.Choice(["adaptive", "linear", "quantised"]),
    default="adaptive",
    show_default=True,
    help="Which shipped weights.",
)
@click.option("--weights", type=click.Path(path_type=Path), help="Weights of your own in place of the shipped ones.")
def export_deepjscc(out: Path, variant: Any, weights: Path | None) -> None:
    """Write DeepJSCC: one encoder and one decoder for every rate, SNR and size of picture."""
    try:
        from .models.deepjscc.export import export_deepjscc as write
    except ImportError as error:
        from .errors import MissingExtra

        raise MissingExtra("semcom export deepjscc", error.name or "torch", "export") from None
    for exported in write(out, variant=variant, weights=weights):
        _show_export(exported)


@export.command("cdm-jscc")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that receives the two files.")
@click.option("--variant", type=click.Choice(["p", "d"]), default="d", show_default=True, help="Which shipped weights.")
@click.option("--weights", type=click.Path(path_type=Path), help="Weights of your own in place of the shipped ones.")
def export_cdm_jscc(out: Path, variant: str, weights: Path | None) -> None:
    """Write CDM-JSCC: one encoder, and one decoder that runs any number of steps."""
    try:
        from .models.cdm_jscc.export import export_cdm_jscc as write
    except ImportError as error:
        from .errors import MissingExtra

        raise MissingExtra("semcom export cdm-jscc", error.name or "torch", "export") from None
    for exported in write(out, variant=variant, weights=weights):
        _show_export(exported)


@export.command("sc-sic")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that receives the file.")
@click.option(
    "--variant",
    type=click.Choice(["mini-48", "mini-341", "lite", "large"]),
    default="mini-48",
    show_default=True,
    help="Shipped weights, or a size of full scale.",
)
@click.option("--weights", help="Weights of your own, or for lite and large a folder of published ones.")
def export_sc_sic(out: Path, variant: str, weights: str | None) -> None:
    """Write the semantic encoder of SC-SIC; its receiver needs torch."""
    try:
        from .models.sc_sic.export import export_sc_sic as write
    except ImportError as error:
        from .errors import MissingExtra

        raise MissingExtra("semcom export sc-sic", error.name or "torch", "export") from None
    for exported in write(out, variant=variant, weights=weights):
        _show_export(exported)


def _show_export(exported: Any) -> None:
    size = exported.path.stat().st_size / 1e6
    click.echo(f"{exported.path}: {size:.1f} MB, opset {exported.metadata.opset}")
    for case, absolute, relative in exported.parity:
        click.echo(f"  beside torch at {case}: largest error {absolute:.1e}, relative {relative:.1e}")


RUN_OPTION = click.option(
    "--run", "run_name", metavar="NAME", help="Which run: its flowgraph's name, or its process id."
)


@main.command()
@RUN_OPTION
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def status(run_name: str | None, *, as_json: bool) -> None:
    """Show a running flowgraph."""
    from .flowgraphs.runtime.control import request

    answer = request(run_name, {"do": "status"})
    if as_json:
        click.echo(json.dumps(answer))
        return
    from .flowgraphs.runtime.progress import rates

    start = {"elapsed_s": 0.0, "blocks": {}}
    click.echo(f"{answer.get('name', '')}  {answer['elapsed_s']:.1f} s")
    click.echo(f"{'block':<20}{'items':>10}{'items/s':>10}{'busy':>8}{'queue':>8}{'drops':>8}")
    for block, items, per_s, busy, queue, dropped in rates(start, answer):
        click.echo(f"{block:<20}{items:>10}{per_s:>10.1f}{busy:>8.0%}{queue:>8}{dropped:>8}")


@main.command("set")
@click.argument("assignment", metavar="BLOCK.PARAM=VALUE")
@RUN_OPTION
def set_parameter(assignment: str, run_name: str | None) -> None:
    """Change a parameter of a running flowgraph between two items: channel.esn0_db=5."""
    from .flowgraphs.runtime.control import request
    from .flowgraphs.runtime.overrides import parse_assignment

    name, value = parse_assignment(assignment, "--set")
    block, _, param = name.partition(".")
    request(run_name, {"do": "set", "block": block, "param": param, "value": value})
    click.echo(f"{name} = {json.dumps(value)}")


@main.command()
@click.argument("assignment", metavar="BLOCK=USE[:PARAM=VALUE,...]")
@RUN_OPTION
def swap(assignment: str, run_name: str | None) -> None:
    """Put another block in a block's place in a running flowgraph: channel=channels/rayleigh."""
    from .flowgraphs.runtime.control import request
    from .flowgraphs.runtime.overrides import parse_assignment, parse_swap

    block, spec = parse_assignment(assignment, "--swap", evaluate=False)
    new = parse_swap(spec, f"swap {assignment}")
    use = str(Path(new.use).expanduser().resolve()) if new.use.endswith(".py") else new.use
    request(run_name, {"do": "swap", "block": block, "use": use, "params": new.params})
    click.echo(f"{block} is {use} now")


@main.command()
@RUN_OPTION
def stop(run_name: str | None) -> None:
    """End a running flowgraph in order: what its sinks have is kept."""
    from .flowgraphs.runtime.control import request

    request(run_name, {"do": "stop"})
    click.echo("stopping")


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
    click.echo(str(path))


def _near(path: Path) -> str:
    """Return a path as seen from the working directory where it lies inside."""
    resolved = path.resolve()
    return str(resolved.relative_to(Path.cwd())) if resolved.is_relative_to(Path.cwd()) else str(resolved)

"""`semcom run`."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import signal
import sys
from pathlib import Path
from typing import Any

import click

from ..errors import SemcomError
from .overrides import load, overridable
from .summary import summary

__all__ = ["run"]


@click.command()
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
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Give up when no other place has come by then.",
)
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object on the last line of stdout.")
@click.option("--quiet", is_flag=True, help="No progress and no summary.")
@overridable
def run(
    file: str,
    executor: Any,
    items: int | None,
    place: str | None,
    wait_s: float | None,
    *,
    as_json: bool,
    quiet: bool,
    **given: Any,
) -> None:
    """Run a flowgraph: FILE is a path, or the name of a shipped one (quickstart)."""
    from ..flowgraphs.runtime.run import RunOptions
    from ..flowgraphs.runtime.run import run as run_graph
    from .run_line import RunLine

    try:
        graph = load(file, notes=not quiet, **given).graph
        out = Path(given["out"]) if given["out"] else None
        options = RunOptions(executor=executor, items=items, place=place, out=out, wait_s=wait_s)
        with contextlib.suppress(AttributeError, OSError, ValueError):  # standard error may be closed, or no file
            faulthandler.enable(
                sys.__stderr__ or sys.stderr
            )  # where a library crashes, the block's line is the last word
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end: in order, as by Ctrl-C
        sinks = [node.name for node in graph.blocks if not graph.outputs(node.name)]
        with RunLine(graph.name, sinks=sinks, quiet=quiet) as shown:
            result = run_graph(graph, options, shown.update)
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
        for line in summary(graph.name, result.as_json(), codecs):
            click.echo(line)
    click.get_current_context().exit(result.exit_code)

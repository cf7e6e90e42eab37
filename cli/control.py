"""`semcom status`, `set`, `swap` and `stop`: words to a running flowgraph."""

from __future__ import annotations

import json
from pathlib import Path

import click

__all__ = ["set_parameter", "status", "stop", "swap"]


RUN_OPTION = click.option(
    "--run", "run_name", metavar="NAME", help="Which run: its flowgraph's name, or its process id."
)


@click.command()
@RUN_OPTION
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def status(run_name: str | None, *, as_json: bool) -> None:
    """Show a running flowgraph."""
    from ..flowgraphs.runtime.engine.control import request

    answer = request(run_name, {"do": "status"})
    if as_json:
        click.echo(json.dumps(answer))
        return
    from .run_line import latency_s, rates

    start = {"elapsed_s": 0.0, "blocks": {}}
    click.echo(f"{answer.get('name', '')}  {answer['elapsed_s']:.1f} s")
    click.echo(f"{'block':<20}{'items':>10}{'items/s':>10}{'busy':>8}{'queue':>8}{'drops':>8}{'late':>9}")
    for block, items, per_s, busy, queue, dropped in rates(start, answer):
        late_s = latency_s(start, answer, block)
        late = "" if late_s is None else f"{1000 * late_s:.0f} ms"
        click.echo(f"{block:<20}{items:>10}{per_s:>10.1f}{busy:>8.0%}{queue:>8}{dropped:>8}{late:>9}".rstrip())


@click.command("set")
@click.argument("assignment", metavar="BLOCK.PARAM=VALUE")
@RUN_OPTION
def set_parameter(assignment: str, run_name: str | None) -> None:
    """Change a parameter of a running flowgraph between two items: channel.esn0_db=5."""
    from ..flowgraphs.runtime.engine.control import request
    from ..flowgraphs.runtime.language.overrides import parse_assignment

    name, value = parse_assignment(assignment, "--set")
    block, _, param = name.partition(".")
    request(run_name, {"do": "set", "block": block, "param": param, "value": value})
    click.echo(f"{name} = {json.dumps(value)}")


@click.command()
@click.argument("assignment", metavar="BLOCK=USE[:PARAM=VALUE,...]")
@RUN_OPTION
def swap(assignment: str, run_name: str | None) -> None:
    """Put another block in a block's place in a running flowgraph: channel=channels/rayleigh."""
    from ..flowgraphs.runtime.engine.control import request
    from ..flowgraphs.runtime.language.overrides import parse_assignment, parse_swap

    block, spec = parse_assignment(assignment, "--swap", evaluate=False)
    new = parse_swap(spec, f"swap {assignment}")
    use = str(Path(new.use).expanduser().resolve()) if new.use.endswith(".py") else new.use
    request(run_name, {"do": "swap", "block": block, "use": use, "params": new.params})
    click.echo(f"{block} is {use} now")


@click.command()
@RUN_OPTION
@click.option(
    "--when-idle",
    "source",
    metavar="BLOCK",
    help="Only when this source, which waits for a radio, has given nothing for a second and all of it was taken.",
)
def stop(run_name: str | None, source: str | None) -> None:
    """End a running flowgraph in order: what its sinks have is kept."""
    from ..flowgraphs.runtime.engine.control import request
    from ..flowgraphs.runtime.engine.idle import wait_until_idle

    if source is not None:
        wait_until_idle(run_name, source)
    request(run_name, {"do": "stop"})
    click.echo("stopping")

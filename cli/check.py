"""`semcom check`."""

from __future__ import annotations

from typing import Any

import click

from .overrides import load, overridable

__all__ = ["check"]


@click.command()
@click.argument("file")
@click.option(
    "--resolved", is_flag=True, help="Print the flowgraph as it would run: overrides and defaults written out."
)
@overridable
def check(file: str, *, resolved: bool, **given: Any) -> None:
    """Check a flowgraph without running it; report every mistake in one pass."""
    graph = load(file, **given).graph
    if resolved:
        from ..flowgraphs.runtime.language.resolved import resolved_yaml

        click.echo(resolved_yaml(graph), nl=False)
        return
    places = f", {len(graph.places)} places" if graph.places else ""
    click.echo(f"{graph.file}: {graph.name}: {len(graph.blocks)} blocks, {len(graph.edges)} edges{places}: in order")

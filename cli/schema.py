"""`semcom schema`."""

from __future__ import annotations

import json

import click

__all__ = ["schema"]


@click.command()
def schema() -> None:
    """Print the JSON Schema of flowgraph files, for completion in an editor."""
    from ..flowgraphs.runtime.language.schema import flowgraph_schema

    click.echo(json.dumps(flowgraph_schema(), indent=2))

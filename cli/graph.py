"""`semcom graph`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..errors import UsageError
from .overrides import load, overridable

__all__ = ["graph"]


@click.command()
@click.argument("file")
@click.option("--svg", "svg_file", metavar="FILE", help="Write a drawing instead of Mermaid text.")
@overridable
def graph(file: str, svg_file: str | None, **given: Any) -> None:
    """Draw a flowgraph: Mermaid text on stdout, or an SVG file."""
    from ..flowgraphs.runtime.language.drawing import mermaid, svg

    drawn = load(file, **given).graph
    if svg_file is None:
        click.echo(mermaid(drawn), nl=False)
        return
    _write(Path(svg_file), svg(drawn))


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
    click.echo(str(path))

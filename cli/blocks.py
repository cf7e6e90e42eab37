"""`semcom blocks` and `semcom new-block`."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["blocks", "new_block"]


@click.command()
@click.argument("name", required=False)
def blocks(name: str | None) -> None:
    """List the blocks, or show one: what it does, its ports and its parameters."""
    from ..flowgraphs.runtime.language.block_pages import block_list, block_page

    click.echo(block_list() if name is None else block_page(name))


@click.command("new-block")
@click.argument("name")
def new_block(name: str) -> None:
    """Write a block and its test, such as channels/my_channel; both pass at once."""
    from ..blocks.new_block import write_new_block

    written = write_new_block(name)
    click.echo(f"block: {_near(written.block)}")
    click.echo(f"test:  {_near(written.test)}")
    click.echo(f"use:   {written.use}")


def _near(path: Path) -> str:
    """Return a path as seen from the working directory where it lies inside."""
    resolved = path.resolve()
    return str(resolved.relative_to(Path.cwd())) if resolved.is_relative_to(Path.cwd()) else str(resolved)

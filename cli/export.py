"""`semcom export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .system_group import SystemGroup

if TYPE_CHECKING:
    from ..models.system import System

__all__ = ["export"]


def _export(system: System) -> click.Command:
    variants = list(system.numbers)

    @click.command(system.name, help=f"Write the ONNX files. {system.doc}", short_help=system.doc)
    @click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that receives the files.")
    @click.option(
        "--variant",
        type=click.Choice(variants),
        default=variants[0],
        show_default=True,
        help="Which weights; what the files and the header of each frame say of themselves.",
    )
    @click.option("--weights", help="Weights of your own in place of those that come with the variant.")
    def command(out: Path, variant: str, weights: str | None) -> None:
        write = system.load("export", f"semcom export {system.name}", extra="export")
        for exported in write(out, variant=variant, weights=weights):
            _show(exported)

    return command


def _show(exported: Any) -> None:
    size = exported.path.stat().st_size / 1e6
    click.echo(f"{exported.path}: {size:.1f} MB, opset {exported.metadata.opset}")
    for case, absolute, relative in exported.parity:
        click.echo(f"  beside torch at {case}: largest error {absolute:.1e}, relative {relative:.1e}")


export = SystemGroup(
    "export", "Write a model's encoder and decoder as ONNX files and compare them with torch.", "export", _export
)

"""`semcom export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

__all__ = ["export"]


@click.group()
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
        from ..models.deepjscc.export import export_deepjscc as write
    except ImportError as error:
        from ..errors import MissingExtra

        raise MissingExtra("semcom export deepjscc", error.name or "torch", "export") from None
    for exported in write(out, variant=variant, weights=weights):
        _show_export(exported)


@export.command("cdm-jscc")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that receives the two files.")
@click.option("--variant", type=click.Choice(["p", "d"]), default="d", show_default=True, help="Which shipped weights.")
@click.option("--weights", type=click.Path(path_type=Path), help="Weights of your own in place of the shipped ones.")
def export_cdm_jscc(out: Path, variant: Any, weights: Path | None) -> None:
    """Write CDM-JSCC: one encoder, and one decoder that runs any number of steps."""
    try:
        from ..models.cdm_jscc.export import export_cdm_jscc as write
    except ImportError as error:
        from ..errors import MissingExtra

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
def export_sc_sic(out: Path, variant: Any, weights: str | None) -> None:
    """Write the semantic encoder of SC-SIC; its receiver needs torch."""
    try:
        from ..models.sc_sic.export import export_sc_sic as write
    except ImportError as error:
        from ..errors import MissingExtra

        raise MissingExtra("semcom export sc-sic", error.name or "torch", "export") from None
    for exported in write(out, variant=variant, weights=weights):
        _show_export(exported)


def _show_export(exported: Any) -> None:
    size = exported.path.stat().st_size / 1e6
    click.echo(f"{exported.path}: {size:.1f} MB, opset {exported.metadata.opset}")
    for case, absolute, relative in exported.parity:
        click.echo(f"  beside torch at {case}: largest error {absolute:.1e}, relative {relative:.1e}")

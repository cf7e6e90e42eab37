"""`semcom fetch`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

__all__ = ["fetch"]


@click.group()
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
    from ..models.sc_sic.published import PUBLICATION
    from ..models.weights.fetch import fetch as fetch_weights

    licence: Any = "accepted" if accept_licence else "unread"
    fetch_weights(PUBLICATION, out, variant=variant, licence=licence, echo=click.echo)

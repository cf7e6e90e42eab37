"""`semcom fetch`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .system_group import SystemGroup

if TYPE_CHECKING:
    from ..models.system import System

__all__ = ["fetch"]


def _fetch(system: System) -> click.Command:
    published = system.published
    assert published is not None  # the group asked for it
    variants = list(dict.fromkeys(one.variant for one in published.files if one.variant is not None))
    about = f"Download {published.title}: {', '.join(published.parts.values())}."

    @click.command(system.name, help=about, short_help=about)
    @click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder that receives the files.")
    @click.option("--variant", type=click.Choice(variants), default=variants[0], show_default=True, help="Which size.")
    @click.option("--accept-licence", is_flag=True, help="You have read the licence, and accept it.")
    def command(out: Path, variant: str, *, accept_licence: bool) -> None:
        from ..models.weights.fetch import fetch as fetch_weights

        licence: Any = "accepted" if accept_licence else "unread"
        fetch_weights(published, out, variant=variant, licence=licence, echo=click.echo)

    return command


fetch = SystemGroup("fetch", "Download published weights.", "published", _fetch)

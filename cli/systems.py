"""`semcom systems`."""

from __future__ import annotations

from typing import Any

import click

__all__ = ["systems"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object: of each system what its record says.")
@click.argument("name", required=False)
def systems(name: str | None, *, as_json: bool) -> None:
    """List the systems, or look at one: paper, weights, recipes; and hold their records against their folders.

    A system of your own is a folder: semcom systems ./my_system
    """
    import json

    from ..models.about_system import about_system
    from ..models.lookup import list_systems, look_up

    found = {one.name: about_system(one) for one in ([look_up(name)] if name else list_systems())}
    click.echo(json.dumps(found, indent=1) if as_json else "\n\n".join(map(_text, found, found.values())))


def _text(name: str, about: dict[str, Any]) -> str:
    broken = [f"  BROKEN    {reason}" for reason in about["broken"]]
    if "doc" not in about:
        return "\n".join([name, *broken])
    licences = {one["licence"] for one in about["variants"].values() if "licence" in one}
    rows = {
        "paper": about["paper"],
        "weights": ", ".join(
            f"{variant} ({one['megabytes']:g} MB)" if "megabytes" in one else variant
            for variant, one in about["variants"].items()
        ),
        "licence": ", ".join(sorted(licences)),
        "recipes": ", ".join(about["recipes"]),
    }
    lines = [f"  {key:<9} {value}" for key, value in rows.items() if value]
    return "\n".join([f"{name}  {about['doc']}", *lines, *broken])

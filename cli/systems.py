"""`semcom systems`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..models.lookup import Found
    from ..models.system import System, Variant

__all__ = ["systems"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object: of each system what its record says.")
@click.argument("name", required=False)
def systems(name: str | None, *, as_json: bool) -> None:
    """List the systems, or look at one: paper, weights, recipes; and hold their records against their folders.

    A system of your own is a folder: semcom systems ./my_system
    """
    import json

    from ..models.lookup import list_systems, look_up

    found = {one.name: _about(one) for one in ([look_up(name)] if name else list_systems())}
    click.echo(json.dumps(found, indent=1) if as_json else "\n\n".join(map(_text, found, found.values())))


def _about(found: Found) -> dict[str, Any]:
    """What is known of a system, in plain values."""
    if found.system is None:
        return {"record": str(found.path), "broken": [found.broken]}
    from ..models.check_record import check_record

    system = found.system
    return {
        "record": str(found.path),
        "doc": system.doc,
        "paper": system.paper,
        "variants": {variant.name: _variant(system, variant) for variant in system.variants},
        "recipes": list(system.recipes),
        "recipe": system.recipe,
        "broken": list(check_record(system)),
    }


def _variant(system: System, variant: Variant) -> dict[str, Any]:
    about: dict[str, Any] = {"number": variant.number}
    if variant.weights is not None and variant.weights.is_file():
        about["megabytes"] = round(variant.weights.stat().st_size / 1e6, 1)
        about["licence"] = _licence(system, variant.name)
    elif system.published is not None and variant.name in {one.variant for one in system.published.files}:
        about["megabytes"] = sum(one.megabytes for one in system.published.fetched(variant.name))
        about["licence"] = system.published.licence
    return about


def _licence(system: System, variant: str) -> str:
    from ..errors import WeightsError
    from ..models.model_card import ModelCard, card_path

    try:
        return ModelCard.read(card_path(system.shipped.path(variant))).licence
    except WeightsError:  # told with the rest that is broken
        return "unknown"


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

"""What is known of a system, in plain values: for lists, for JSON, for the manual. Needs no torch."""

from __future__ import annotations

from typing import Any

from ..errors import WeightsError
from .check_record import check_record
from .lookup import Found
from .model_card import ModelCard, card_path
from .system import System, Variant

__all__ = ["about_system"]


def about_system(found: Found) -> dict[str, Any]:
    """Return what its record and the cards of its weights say, and under ``broken`` what is not so.

    Of a record that does not load there are ``record``, its path, and ``broken`` alone.
    """
    if found.system is None:
        return {"record": str(found.path), "broken": [found.broken]}
    system = found.system
    return {
        "record": str(found.path),
        "doc": system.doc,
        "paper": system.paper,
        "variants": {variant.name: _about(system, variant) for variant in system.variants},
        "recipes": list(system.recipes),
        "recipe": system.recipe,
        "broken": list(check_record(system)),
    }


def _about(system: System, variant: Variant) -> dict[str, Any]:
    """The number of a variant, and of weights that come with the system or are published their size and licence."""
    published = system.published
    if variant.weights is not None and variant.weights.is_file():
        size, licence = round(variant.weights.stat().st_size / 1e6, 1), _licence(system, variant.name)
    elif published is not None and variant.name in {one.variant for one in published.files}:
        size, licence = round(sum(one.megabytes for one in published.fetched(variant.name)), 1), published.licence
    else:
        return {"number": variant.number}
    return {"number": variant.number, "megabytes": size, "licence": licence}


def _licence(system: System, variant: str) -> str:
    try:
        return ModelCard.read(card_path(system.shipped.path(variant))).licence
    except WeightsError:  # told with the rest that is broken
        return "unknown"

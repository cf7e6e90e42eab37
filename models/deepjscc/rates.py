"""The rates of the nested network, by their channel bandwidth ratio."""

from __future__ import annotations

from .names import RATES, Rate

__all__ = ["RATES", "Rate", "cbr_of", "features_per_patch"]


def cbr_of(rate: Rate) -> float:
    """Channel bandwidth ratio: complex channel uses per source value, without side information."""
    return 1 / int(rate.removeprefix("1/"))


def features_per_patch(rate: Rate, patch: int) -> int:
    """Real features for one RGB patch of ``patch`` by ``patch`` pixels: two per complex channel use."""
    return 2 * 3 * patch * patch // int(rate.removeprefix("1/"))

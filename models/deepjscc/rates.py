"""The rates of the nested network, by their channel bandwidth ratio."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["RATES", "Rate", "cbr_of", "features_per_patch"]

Rate = Literal["1/48", "1/24", "1/12", "1/6"]
RATES: tuple[Rate, ...] = get_args(Rate)


def cbr_of(rate: Rate) -> float:
    """Channel bandwidth ratio: complex channel uses per source value, without side information."""
    return 1 / int(rate.removeprefix("1/"))


def features_per_patch(rate: Rate, patch: int) -> int:
    """Real features for one RGB patch of ``patch`` by ``patch`` pixels: two per complex channel use."""
    return 2 * 3 * patch * patch // int(rate.removeprefix("1/"))

"""How fast a run learns, from its first step to its last."""

from __future__ import annotations

import math

__all__ = ["half_cosine", "warm_up"]


def warm_up(step: int, steps: int) -> float:
    """Share of the learning rate that rises evenly to 1 in the first ``steps`` of a run."""
    return min(1.0, (step + 1) / (steps + 1))


def half_cosine(done: float, final_share: float) -> float:
    """Share that falls from 1 to ``final_share``, slowly at either end, as ``done`` goes from 0 to 1."""
    return final_share + (1 - final_share) * 0.5 * (1 + math.cos(math.pi * done))

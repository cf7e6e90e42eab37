"""What a denoiser learns by, and what cannot be asked of one that learnt by regression. Needs no torch."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from ..errors import UsageError

__all__ = ["Objective", "check_regression"]

Objective = Literal["diffusion", "regression"]
"""To sample, step by step from noise; or to predict the mean at once, of the same network, from no noise."""


def check_regression(system: str, steps: int, guidance: float, *, unguided: Collection[float] = (1.0,)) -> None:
    """Refuse to sample from a network that knows the mean alone.

    Args:
        system: Whose network it is, for messages.
        steps: Of the sampler; a regression has one.
        guidance: Of the sampler.
        unguided: Values of it that guide by nothing.

    Raises:
        UsageError: another number of steps, or guidance.

    Example:
        >>> check_regression("sc-sic", steps=1, guidance=1.0)
    """
    if steps != 1:
        raise UsageError(f"{system}: steps: expected 1, since these weights learnt by regression, got {steps}")
    if guidance not in unguided:
        choices = " or ".join(f"{value:g}" for value in unguided)
        raise UsageError(
            f"{system}: guidance: expected {choices}, since these weights learnt by regression, got {guidance:g}"
        )

r"""Noise levels of the diffusion: betas that rise evenly from 0.0001 to 0.02 in 1000 steps. Needs no torch.

.. math:: x_t = \sqrt{\bar\alpha_t}\, x_0 + \sqrt{1 - \bar\alpha_t}\, \epsilon

Source: Ho, Jain & Abbeel, Denoising diffusion probabilistic models, NeurIPS 2020.
"""

from __future__ import annotations

from typing import Final

import numpy as np

__all__ = ["ALPHA_BARS", "LEVELS", "alpha_bar", "spaced_levels"]

LEVELS: Final = 1000
ALPHA_BARS: Final = np.cumprod(1 - np.linspace(0.0001, 0.02, LEVELS))


def alpha_bar(level: int) -> float:
    """Share of the picture's power at a level, 0 to 999; -1 is before all noise."""
    return float(ALPHA_BARS[level]) if level >= 0 else 1.0


def spaced_levels(steps: int) -> tuple[int, ...]:
    """So many of the 1000 levels, evenly spaced, the noisiest first; one alone is the noisiest.

    Example:
        >>> spaced_levels(4)
        (999, 666, 333, 0)
    """
    return tuple(int(level) for level in np.linspace(LEVELS - 1, 0, steps).round())

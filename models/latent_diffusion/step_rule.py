r"""From which level a receiver samples back: that of as much noise as inversion and channel have left. Needs no torch.

The transmitter inverts T1 steps, the channel adds noise of variance :math:`\sigma^2` per real value where the latent
has power 1, and the receiver inverts T2 more. What it has then is

.. math:: z \sim \mathcal{N}\left(\sqrt{\bar\alpha_{T_1 + T_2}}\, z_0,\; v\right), \quad
    v = 1 - \bar\alpha_{T_1 + T_2} + \frac{\bar\alpha_{T_1 + T_2}}{\bar\alpha_{T_1}}\, P_z \sigma^2

and the level of equal noise over signal has :math:`\rho_t = v / \bar\alpha_{T_1 + T_2}`.

Source: Enabling training-free semantic communication systems with generative diffusion models, eqs. 11, 12 and 17.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ...sim.side_information.latent_mode import STEPS
from .schedule import alpha_bar, level_of, level_of_step, noise_to_signal

__all__ = ["Sampling", "Steps", "matched_level", "matched_noise_to_signal", "sampling_levels"]

Steps = Literal["paper", "exact", "one"]
"""Begin at the nearest level of the grid, or at the very one, by a shorter first step; or take one step alone from
there, which leads to the mean of all latents that it could have been."""
Sampling = Steps | Literal["linear"] | Annotated[int, Field(ge=1, le=STEPS)]
"""Those; or no sampling: each value by itself is brought to the least squared error, a yardstick without a denoiser; or
T3, so many steps of the grid, whatever the noise is."""
_EACH = level_of_step(2) - level_of_step(1)
_LEAST = 1e-6  # levels; a shorter first step is none


def matched_noise_to_signal(inverted: int, further: int, noise: float) -> float:
    r"""Noise over signal behind the channel and all inversion, :math:`v / \bar\alpha_{T_1 + T_2}`.

    Args:
        inverted: T1, steps of the transmitter.
        further: T2, steps of the receiver.
        noise: :math:`P_z \sigma^2`, of the channel, per real value in the latent's own scale.
    """
    return noise_to_signal(level_of_step(inverted + further)) + noise / alpha_bar(level_of_step(inverted))


def matched_level(inverted: int, further: int, noise: float) -> float:
    """Level of as much noise over signal, 0 to 999; see `matched_noise_to_signal`."""
    return level_of(matched_noise_to_signal(inverted, further, noise))


def sampling_levels(level: float, steps: Steps) -> tuple[float, ...]:
    """Levels of the sampler's steps, the noisiest first.

    Args:
        level: That fits the noise.
        steps: See `Steps`.

    Example:
        >>> len(sampling_levels(285.0, "paper")), sampling_levels(45.0, "exact")
        (15, (45.0, 41.0, 21.0, 1.0))
    """
    grid = [float(level_of_step(step)) for step in range(1, STEPS + 1)]
    if steps == "paper":
        count = min(max(round((level + _EACH - 1) / _EACH), 1), STEPS)
        return tuple(reversed(grid[:count]))
    if steps == "one":
        return (level,)
    below = [one for one in grid if one < level - _LEAST]
    return (level, *reversed(below)) if level > 0 else ()

r"""The noise schedule of Stable Diffusion, over 1000 levels.

.. math:: \beta_t = \left(\sqrt{\beta_0} + \frac{t}{999} (\sqrt{\beta_{999}} - \sqrt{\beta_0})\right)^2, \quad
    \bar\alpha_t = \prod_{s \le t} (1 - \beta_s), \quad \rho_t = \frac{1 - \bar\alpha_t}{\bar\alpha_t}

A latent at level t is :math:`\sqrt{\bar\alpha_t}\, z_0 + \sqrt{1 - \bar\alpha_t}\, \epsilon`; :math:`\rho_t` is the
noise in it over the power of a clean latent of unit variance. Levels between the whole ones have the logarithm of it in
between. Level 0 is what a clean latent is taken for, as Stable Diffusion's configuration has it (``set_alpha_to_one``
off). Needs no torch.

Source: Rombach et al., High-resolution image synthesis with latent diffusion models, CVPR 2022 (the betas); Song et
        al.,
Denoising diffusion implicit models, ICLR 2021.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ...sim.side_information.latent_mode import STEPS

__all__ = ["BETAS", "LEVELS", "LOG_RATIOS", "alpha_bar", "level_of", "level_of_step", "noise_to_signal"]

LEVELS: Final = 1000
BETAS: Final = (0.00085, 0.012)
"""The first and the last."""
_EACH = LEVELS // STEPS  # levels from one step of the grid to the next

_BETAS = np.linspace(BETAS[0] ** 0.5, BETAS[1] ** 0.5, LEVELS) ** 2
_ALPHA_BARS = np.cumprod(1 - _BETAS)
LOG_RATIOS = np.log((1 - _ALPHA_BARS) / _ALPHA_BARS)
"""Logarithms of noise over signal at the whole levels, which rise."""


def alpha_bar(level: float) -> float:
    """Share of the clean latent's power at a level, 0 to 999."""
    return float(1 / (1 + np.exp(np.interp(level, np.arange(LEVELS), LOG_RATIOS))))


def noise_to_signal(level: float) -> float:
    """Noise over signal at a level."""
    share = alpha_bar(level)
    return (1 - share) / share


def level_of(noise_to_signal: float) -> float:
    """The level of so much noise over signal, 0 to 999; what is outside is brought to the ends.

    Example:
        >>> round(level_of(1.0))
        354
    """
    return float(np.interp(np.log(max(noise_to_signal, 1e-12)), LOG_RATIOS, np.arange(LEVELS)))


def level_of_step(step: int) -> int:
    """Level after so many steps of inversion, and before as many of sampling: 0, 1, 21, 41, ..., 981.

    That is diffusers' grid of 50 steps with ``steps_offset`` 1, "leading" spacing.
    """
    return _EACH * (step - 1) + 1 if step else 0

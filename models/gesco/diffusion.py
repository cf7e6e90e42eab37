r"""One step of sampling from a noise level to a lower one, in two ways. Arrays of numpy or of torch; needs no torch.

A level is given by its share :math:`\bar\alpha` of the picture's power, a number or one that broadcasts. Either way the
clean picture is estimated from the noise, and clipped to its range:

.. math:: \hat x_0 = \mathrm{clip}\left(\frac{x_t - \sqrt{1 - \bar\alpha_t}\, \hat\epsilon}{\sqrt{\bar\alpha_t}}\right)

Source: Song et al., Denoising diffusion implicit models, ICLR 2021 (`ddim_step`); Nichol & Dhariwal, Improved denoising
diffusion probabilistic models, ICML 2021 (`posterior`: the learnt variance, the levels that are left out).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeVar

from ...sim.arrays import array_module

__all__ = ["Posterior", "clean_picture", "ddim_step", "guided", "posterior"]

A = TypeVar("A", bound=Any)


class Posterior(NamedTuple):
    """A normal distribution, each value's own."""

    mean: Any
    log_variance: Any


def guided(with_maps: A, without: A, guidance: float) -> A:
    """Classifier-free guidance: what the maps change counts so many times; 1 is none."""
    there: A = without + guidance * (with_maps - without)
    return there


def clean_picture(noisy: A, noise: A, share: Any) -> A:
    """Estimate the clean picture, -1 to 1."""
    clean = (noisy - (1 - share) ** 0.5 * noise) / share**0.5
    there: A = clean.clip(-1, 1)
    return there


def ddim_step(noisy: A, noise: A, share: float, other: float) -> A:
    """Go from one level to another along the noise that was estimated."""
    clean = clean_picture(noisy, noise, share)
    left = (noisy - share**0.5 * clean) / (1 - share) ** 0.5  # the noise that belongs to the clipped picture
    there: A = other**0.5 * clean + (1 - other) ** 0.5 * left
    return there


def posterior(noisy: Any, clean: Any, variance: Any, share: Any, other: Any) -> Posterior:
    r"""The distribution of the picture at a lower level that still has noise.

    .. math:: \mathcal{N}\left(\frac{\sqrt{\bar\alpha_s}\, \beta}{1 - \bar\alpha_t}\, x_0 + \frac{\sqrt{1 - \beta}\,
        (1 - \bar\alpha_s)}{1 - \bar\alpha_t}\, x_t, \; e^{\frac{1 + v}{2} \log \beta + \frac{1 - v}{2} \log
        \tilde\beta}\right), \quad \beta = 1 - \frac{\bar\alpha_t}{\bar\alpha_s}, \quad
        \tilde\beta = \beta\, \frac{1 - \bar\alpha_s}{1 - \bar\alpha_t}

    Args:
        noisy: At level t.
        clean: Of it, -1 to 1.
        variance: v, -1 for the least variance there can be, 1 for the greatest.
        share: Of t.
        other: Of the lower level s.
    """
    log = array_module(share).log if hasattr(share, "shape") else math.log
    beta = 1 - share / other
    least = beta * (1 - other) / (1 - share)
    mean = other**0.5 * beta / (1 - share) * clean + (1 - beta) ** 0.5 * (1 - other) / (1 - share) * noisy
    return Posterior(mean, (1 + variance) / 2 * log(beta) + (1 - variance) / 2 * log(least))

"""The diffusion process: cosine schedule, x-prediction, normalised time, DDIM with any number of steps.

The schedule and the sampler's arithmetic are numpy and plain operators, so that an exported network runs without torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["MOST_STEPS", "STEPS", "alpha_bar_at", "alpha_bars", "ddim", "loss_weight", "times"]

STEPS = 8193
"""Noise levels of the training, t = 0 (almost none) to T = 8192 (nothing but noise)."""

MOST_STEPS = 65

X = TypeVar("X")


def alpha_bars() -> NDArray[np.float64]:
    r"""Share of the signal's power at each noise level: float64 ``[8193]``, falling from nearly 1 to nearly 0.

    .. math:: \bar\alpha_t = \prod_{i \le t} (1 - \beta_i), \quad
              \beta_i = \min\left(0.999, 1 - \frac{f(i + 1)}{f(i)}\right), \quad
              f(i) = \cos^2\left(\frac{i / T + 0.008}{1.008} \cdot \frac{\pi}{2}\right)

    Source:  Nichol & Dhariwal, Improved denoising diffusion probabilistic models, ICML 2021.
    """
    grid = np.cos((np.arange(STEPS + 1) / STEPS + 0.008) / 1.008 * math.pi / 2) ** 2
    return np.cumprod(1 - np.minimum(1 - grid[1:] / grid[:-1], 0.999))


def alpha_bar_at(time: Tensor) -> Tensor:
    """As `alpha_bars`, without its bound on beta, at times t / T in [0, 1]: torch, any shape."""
    grid = ((time * (STEPS - 1) + 1) / STEPS + 0.008) / 1.008 * (math.pi / 2)
    share: Tensor = grid.cos().square() / math.cos(0.008 / 1.008 * math.pi / 2) ** 2
    return share


def loss_weight(alpha_bar: NDArray[np.float64], least: float, most: float) -> NDArray[np.float64]:
    """Signal-to-noise ratio of a level, kept within bounds: the weight of its x-prediction loss.

    The bound below matters: without it the single step at t = T is hardly trained.

    Source:  Hang et al., Efficient diffusion training via min-SNR weighting strategy, ICCV 2023 (the bound above).
    """
    return np.clip(alpha_bar / (1 - alpha_bar), least, most)


def times(steps: int) -> NDArray[np.int64]:
    """Return the noise levels that a sampler of so many steps visits: T first; int64 ``[steps]``.

    Raises:
        UsageError: not 1 to 65 steps.
    """
    if not 1 <= steps <= MOST_STEPS:
        raise UsageError(f"steps: expected 1 to {MOST_STEPS}, got {steps}")
    return np.linspace(STEPS - 1, 0, steps).astype(np.int64)


def ddim(predict: Callable[[X, float], X], start: X, steps: int) -> X:
    r"""Sample without new noise (eta = 0) from a network that predicts the clean signal.

    .. math:: x_{n-1} = \sqrt{\bar\alpha_{n-1}}\, X + \sqrt{1 - \bar\alpha_{n-1}}\,
              \frac{x_n - \sqrt{\bar\alpha_n}\, X}{\sqrt{1 - \bar\alpha_n}}, \quad X = X_\theta(x_n, n / N)

    Args:
        predict: The network: ``(x_n, t / T)`` to X; torch or numpy.
        start: x_N, noise.
        steps: 1 to 65.

    Returns:
        The last prediction X.

    Source:  Song et al., Denoising diffusion implicit models, ICLR 2021; Zhang et al., equation (7).
    """
    levels, share = times(steps), alpha_bars()
    x: Any = start
    for now, after in zip(levels, [*levels[1:], None], strict=True):
        clean: Any = predict(x, float(now) / (STEPS - 1))
        if after is None:
            break
        here, there = share[now], share[after]
        noise = (x - math.sqrt(here) * clean) * (1 / math.sqrt(1 - here))
        x = math.sqrt(there) * clean + math.sqrt(1 - there) * noise
    out: X = clean
    return out

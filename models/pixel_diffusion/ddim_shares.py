"""A sampler's steps as numbers alone: what an exported receiver is given, so that it runs any number of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .diffusion import STEPS, alpha_bars, times

__all__ = ["DdimShares", "ddim_shares"]


class DdimShares(NamedTuple):
    """One entry a step: ``x = clean * X + noisy * x``; float32 ``[steps]`` each."""

    time: NDArray[np.float32]
    clean: NDArray[np.float32]
    noisy: NDArray[np.float32]


def ddim_shares(steps: int) -> DdimShares:
    r"""Write `diffusion.ddim` as sums of what was predicted and what was there.

    .. math:: x_{n-1} = \left(\sqrt{\bar\alpha_{n-1}} - c \sqrt{\bar\alpha_n}\right) X + c\, x_n, \quad
              c = \sqrt{\frac{1 - \bar\alpha_{n-1}}{1 - \bar\alpha_n}}

    The last step takes the prediction alone.

    Args:
        steps: 1 to 65.

    Raises:
        UsageError: another number of steps.
    """
    levels = times(steps)
    share = alpha_bars()[levels]
    here, there = share[:-1], share[1:]
    kept = np.sqrt((1 - there) / (1 - here))
    clean, noisy = np.append(np.sqrt(there) - kept * np.sqrt(here), 1.0), np.append(kept, 0.0)
    return DdimShares((levels / (STEPS - 1)).astype(np.float32), clean.astype(np.float32), noisy.astype(np.float32))

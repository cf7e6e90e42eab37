"""What the linear receiver will get wrong in each patch, as both ends know it before there is a picture."""

from __future__ import annotations

from torch import Tensor

from ..deepjscc.adaptive import to_grid
from .allocation import sent_mask
from .rate_map import LEVELS, PATCH
from .told import Told

__all__ = ["expected_rms_error"]


def expected_rms_error(variance: Tensor, power: Tensor, n0: Tensor, told: Told) -> Tensor:
    r"""Root of the LMMSE receiver's mean squared error over a patch's pixels.

    .. math:: e_i^2 = \frac{1}{3 \cdot 16^2} \sum_j \lambda_{ij} \left(1 - m_{ij} \frac{p_{ij}}{p_{ij} + N_{ij}}\right)

    m is 1 where a component is sent. What a picture has beside its 256 components is left out.

    Args:
        variance: ``[b, n, 256]`` of the components of an orthonormal basis, lambda.
        power: Of the same shape, see `allocation.shares_of`.
        n0: Of the same shape, noise variances at unit power.
        told: What the header says.

    Output:  ``[b, 1, h, w]`` in units of the pixels.
    """
    mask = sent_mask(told.levels.flatten(1))
    error = (variance * (1 - mask * power / (power + n0))).mean(2)  # of each patch, times 256 / 768 a pixel value
    return to_grid((error * (LEVELS[-1] / (3 * PATCH**2)))[..., None].sqrt(), *told.levels.shape[1:])

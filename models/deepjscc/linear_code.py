"""The linear code as a network of its own, for comparison: fitted in closed form, never trained."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .config import LinearConfig
from .linear import Klt, allot_power, lmmse_weight
from .rates import Rate, features_per_patch

__all__ = ["LinearJscc"]


class LinearJscc(nn.Module):
    r"""KLT of patches, power shared out in closed form, LMMSE receiver.

    .. math:: x_i = \sqrt{p_i / \lambda_i}\; u_i^T s, \quad
              \hat s = \sum_{i \le k} u_i \frac{\sqrt{p_i \lambda_i}}{p_i + N_0}\, y_i

    Args:
        config: Sizes.

    State:   none.
    Source:  Jakubczak & Katabi, A cross-layer design for scalable mobile video (SoftCast), MobiCom 2011, with the power
             allocation of Lee & Petersen 1976 at every SNR.
    """

    def __init__(self, config: LinearConfig) -> None:
        super().__init__()
        self.config = config
        self.rates: tuple[Rate, ...] = config.rates
        self.multiple = config.patch
        self.klt = Klt(config.patch, max(features_per_patch(rate, config.patch) for rate in config.rates))

    @torch.no_grad()
    def fit(self, patches: Tensor) -> None:
        """Take everything from sample patches ``[n, 3, patch, patch]`` in [0, 1]."""
        self.klt.fit(patches)

    def _power(self, rate: Rate, esn0_db: Tensor) -> tuple[Tensor, Tensor]:
        variance = self.klt.variance[: features_per_patch(rate, self.config.patch)]
        return variance, allot_power(variance, 10 ** (-esn0_db / 10))[:, None]  # [k], [b, 1, k]

    def encode(self, images: Tensor, rate: Rate, esn0_db: Tensor) -> Tensor:
        """Images ``[b, 3, h, w]`` in [0, 1] to flat features ``[b, n]``."""
        variance, power = self._power(rate, esn0_db)
        components = self.klt(self.klt.centred(images))[:, :, : variance.shape[0]]
        features: Tensor = components * (power / variance).sqrt()
        return features.flatten(1)

    def decode(self, received: Tensor, n0: Tensor, rate: Rate, esn0_db: Tensor, height: int, width: int) -> Tensor:
        """Flat received features and noise variances ``[b, n]`` to images ``[b, 3, height, width]``, not clipped."""
        variance, power = self._power(rate, esn0_db)
        rows = (received.shape[0], -1, variance.shape[0])
        weighted = received.reshape(rows) * lmmse_weight(variance, power, n0.reshape(rows))
        return self.klt.inverse(weighted, height, width) + self.klt.mean.view(1, 3, 1, 1)

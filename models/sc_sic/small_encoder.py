"""The semantic encoder of the miniature: a linear transform of patches, and a convolutional correction."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..deepjscc.linear import Klt, allot_power
from .config import SmallEncoderConfig

__all__ = ["SmallEncoder", "level_rotation"]


def level_rotation(power: Tensor) -> Tensor:
    r"""Return a rotation after which uncorrelated components of these powers all have the mean power.

    .. math:: \mathrm{diag}(Q\, \mathrm{diag}(p)\, Q^T) = \bar p\, 1

    A receiver that knows Q loses nothing, and channels of equal power need no scale of their own.

    Args:
        power: ``[k]``, positive.

    Returns:
        Q, ``[k, k]``, float64.

    Source: Schur-Horn theorem; by plane rotations as in Chan & Li, Diagonal elements and eigenvalues of a real
        symmetric matrix, J. Math. Anal. Appl. 91 (1983).
    """
    matrix, rotation = torch.diag(power.double()), torch.eye(len(power), dtype=torch.float64)
    goal = float(power.double().mean())
    left = list(range(len(power)))
    while len(left) > 1:
        low = min(left, key=lambda k: float(matrix[k, k]))
        high = max(left, key=lambda k: float(matrix[k, k]))
        below, above, cross = float(matrix[low, low]) - goal, float(matrix[high, high]) - goal, float(matrix[low, high])
        if above > 1e-12 * goal:
            tangent = ((cross * cross - below * above) ** 0.5 - cross) / above
            cosine = (1 + tangent * tangent) ** -0.5
            turn = torch.eye(len(power), dtype=torch.float64)
            turn[low, low] = turn[high, high] = cosine
            turn[low, high], turn[high, low] = tangent * cosine, -tangent * cosine
            matrix, rotation = turn @ matrix @ turn.T, turn @ rotation
        left.remove(low)
    return rotation


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.second(F.gelu(self.first(x)))
        return out


class SmallEncoder(nn.Module):
    r"""Pictures to embeddings of unit variance.

    .. math:: Z = \mathrm{BN}(Q\, \mathrm{diag}(\sqrt{p_i / \lambda_i})\, U^T x + f_\theta(x))

    U and lambda are the patches' KLT, p the optimal linear code's powers, Q a rotation that makes the channels' powers
    equal. Before training it is the transmitter of that code.

    Args:
        config: Sizes.

    Input:   images ``[b, 3, h, w]`` in [0, 1].
    Output:  ``[b, channels, h / stride, w / stride]``.
    """

    def __init__(self, config: SmallEncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.linear = nn.Conv2d(3, config.channels, config.stride, config.stride)
        layers: list[nn.Module] = [nn.PixelUnshuffle(8), nn.Conv2d(192, config.width, 1)]
        width = config.width
        layers += [_Residual(width) for _ in range(config.blocks)]
        for _ in range({16: 1, 32: 2}[config.stride]):
            layers += [nn.Conv2d(width, 2 * config.width, 2, 2)]
            width = 2 * config.width
            layers += [_Residual(width) for _ in range(config.blocks)]
        self.correction = nn.Sequential(*layers)
        self.leave = nn.Conv2d(width, config.channels, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]
        self.norm = nn.BatchNorm2d(config.channels, affine=False)

    @torch.no_grad()
    def fit(self, patches: Tensor) -> None:
        """Start as the linear code of these sample patches ``[n, 3, stride, stride]`` in [0, 1]."""
        count, side = self.config.channels, self.config.stride
        klt = Klt(side, count).to(patches.device)
        klt.fit(patches)
        n0 = torch.tensor([10 ** (-self.config.design_esn0_db / 10)], device=patches.device)
        power = allot_power(klt.variance, n0)[0]
        weight = level_rotation(power.clamp(min=1e-3).cpu()).to(patches.device).float() @ (
            (power / klt.variance).sqrt()[:, None] * klt.analysis
        )
        self.linear.weight.copy_(weight.reshape(count, 3, side, side))
        self.linear.bias.copy_(  # type: ignore[union-attr]
            -(weight @ klt.mean.repeat_interleave(side * side))
        )
        out = self.linear(patches)
        self.norm.running_mean.copy_(out.mean((0, 2, 3)))  # type: ignore[union-attr]
        self.norm.running_var.copy_(out.var((0, 2, 3)))  # type: ignore[union-attr]

    def forward(self, images: Tensor, downscale: float | None = None) -> Tensor:
        """Embed a batch; ``downscale`` in place of the configuration's."""
        factor = self.config.downscale if downscale is None else downscale
        if factor != 1:
            side = self.config.stride
            size = [int(n * factor) // side * side for n in images.shape[-2:]]
            images = F.interpolate(images, size=size, mode="bilinear", antialias=True)
        out: Tensor = self.norm(self.linear(images) + self.leave(self.correction(images - 0.5)))
        return out

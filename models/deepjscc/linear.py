"""The linear code: KLT of patches, power shared out in closed form, LMMSE receiver. Needs no training, only statistics.

It is the yardstick of learned codes (SoftCast's kind) and the start of the adaptive network.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Klt", "allot_power", "lmmse_weight"]


def allot_power(variance: Tensor, n0: Tensor, sent: Tensor | None = None) -> Tensor:
    r"""Share unit mean power among Gaussian components so that the LMMSE receiver's squared error is least.

    .. math:: \min_p \sum_i \frac{\lambda_i \sigma^2}{p_i + \sigma^2}, \quad \frac1k \sum_i p_i = 1
              \;\Rightarrow\; p_i = \sigma^2 \max(0,\; c \sqrt{\lambda_i} - 1)

    At high SNR this is SoftCast's :math:`p_i \propto \sqrt{\lambda_i}`; at low SNR the weakest components get nothing.

    Args:
        variance: ``[k]`` variances of the components, positive, not increasing.
        n0: ``[b]`` noise variance per real component at unit mean power per real component. It equals N0 per complex
            symbol of unit energy.
        sent: ``[b]`` how many components are sent, the first ones; all if not said.

    Output:  ``[b, k]`` powers of mean one along what is sent, zero beyond it.
    Source:  Lee & Petersen, Optimal linear coding for vector channels, IEEE Trans. Commun. 24 (1976);
             Jakubczak & Katabi, A cross-layer design for scalable mobile video, MobiCom 2011 (SoftCast).
    """
    root = variance.sqrt()
    active = torch.arange(1, root.shape[0] + 1, dtype=root.dtype, device=root.device)  # [k]
    count: Tensor | int = root.shape[0] if sent is None else sent[:, None]
    level = (count / n0[:, None] + active) / root.cumsum(0)  # [b, k]: c if the first m components are active
    m = ((level * root > 1) & (active <= count)).sum(1, keepdim=True).clamp(min=1)  # holds up to m, fails after it
    c = level.gather(1, m - 1)
    power = n0[:, None] * (c * root - 1).clamp(min=0)  # [b, k]
    return power if sent is None else power * (active <= count)


def lmmse_weight(variance: Tensor, power: Tensor, n0: Tensor) -> Tensor:
    r"""Weight of a received component: :math:`g\lambda / (g^2\lambda + \sigma^2)`, :math:`g^2\lambda = p`.

    Args:
        variance: Variances of the components; broadcasts.
        power: Their powers as sent; broadcasts.
        n0: Noise variance per real component; broadcasts.
    """
    return (power * variance).sqrt() / (power + n0)


class Klt(nn.Module):
    """Karhunen-Loeve transform of square RGB patches: the eigenvectors of their covariance, strongest first.

    Args:
        patch: Side of a patch in pixels.
        count: How many components are kept.

    Input:   images ``[b, 3, h, w]`` in [0, 1], ``h`` and ``w`` multiples of ``patch``.
    Output:  ``[b, n, count]``: one row of components per patch, patches row by row.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, patch: int, count: int) -> None:
        super().__init__()
        self.patch, self.count = patch, count
        size = 3 * patch * patch
        self.analysis = nn.Parameter(torch.eye(count, size))
        self.synthesis = nn.Parameter(torch.eye(count, size))
        self.register_buffer("mean", torch.full((3,), 0.45))
        self.register_buffer("variance", torch.linspace(1.0, 0.1, count))

    @torch.no_grad()
    def fit(self, patches: Tensor) -> None:
        """Take mean, basis and variances from sample patches ``[n, 3, patch, patch]`` in [0, 1]."""
        self.mean.copy_(patches.mean((0, 2, 3)))
        rows = (patches - self.mean.view(1, 3, 1, 1)).flatten(1).double()
        values, vectors = torch.linalg.eigh(rows.T @ rows / rows.shape[0])
        order = values.argsort(descending=True)[: self.count]
        self.analysis.copy_(vectors[:, order].T)
        self.synthesis.copy_(vectors[:, order].T)
        self.variance.copy_(values[order].clamp(min=1e-9))

    def centred(self, images: Tensor) -> Tensor:
        """Images less the mean colour."""
        return images - self.mean.view(1, 3, 1, 1)

    def forward(self, centred: Tensor) -> Tensor:
        """Components of every patch of a centred image."""
        rows = F.pixel_unshuffle(centred, self.patch).flatten(2).transpose(1, 2)  # [b, n, 3 * patch^2]
        return rows @ self.analysis.T

    def inverse(self, components: Tensor, height: int, width: int) -> Tensor:
        """Centred image ``[b, 3, height, width]`` from the first components ``[b, n, k]`` of its patches."""
        rows = components @ self.synthesis[: components.shape[2]]
        shape = rows.shape[0], -1, height // self.patch, width // self.patch
        grid = rows.transpose(1, 2).reshape(shape)
        return F.pixel_shuffle(grid, self.patch)

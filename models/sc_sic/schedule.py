r"""The cosine noise schedule of Stable Cascade, over t in [0, 1].

.. math:: \bar\alpha(t) = \frac{\cos^2\left(\frac{t + s}{1 + s} \frac{\pi}{2}\right)}
    {\cos^2\left(\frac{s}{1 + s} \frac{\pi}{2}\right)}, \quad s = 0.008

Source: Nichol & Dhariwal, Improved denoising diffusion probabilistic models, ICML 2021, eq. 17; the bounds are Stable
Cascade's.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["LARGEST", "LEAST", "alpha_bar", "log_snr"]

LEAST, LARGEST = 1e-4, 0.9999
_S = 0.008


def alpha_bar(t: Tensor) -> Tensor:
    """Share of the clean signal's power at t, any shape; 0: clean, 1: noise. Within 1e-4 and 0.9999."""
    start = math.cos(_S / (1 + _S) * math.pi / 2) ** 2
    return (torch.cos((t + _S) / (1 + _S) * (math.pi / 2)).square() / start).clamp(LEAST, LARGEST)


def log_snr(t: Tensor) -> Tensor:
    """Natural logarithm of the signal's power over the noise's."""
    share = alpha_bar(t)
    return (share / (1 - share)).log()

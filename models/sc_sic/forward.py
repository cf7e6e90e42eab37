"""An embedding over the channel, as training and validation send it."""

from __future__ import annotations

import torch
from torch import Tensor

from ..training.frames import Fading, over_channel

__all__ = ["send"]


def send(
    embedding: Tensor, esn0_db: Tensor | None, fading: list[Fading], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    r"""Send embeddings, each as a frame of its own.

    .. math:: \hat Z = Z + \epsilon, \quad \mathrm{SNR} = 10 \log_{10} \frac{P}{\sigma^2}

    P is the frame's mean power per real dimension and sigma^2 the noise's, so that the SNR per real dimension is Es/N0
    of the complex symbols that pairs of values make.

    Args:
        embedding: ``[b, c, h, w]``.
        esn0_db: ``[b]`` in dB; None: no noise.
        fading: The channel of each frame; equalised with perfect channel state.
        generator: Where noise and gains are drawn.

    Returns:
        Received embeddings, and their noise variance per real dimension over the frame's power, ``[b, c, h, w]``.

    Source: Khalid et al., Efficient and robust semantic image communication via Stable Cascade, eqs. 5 and 6.
    """
    if esn0_db is None:
        return embedding, torch.zeros_like(embedding)
    flat = embedding.float().flatten(1)
    padded = torch.cat([flat, flat.new_zeros(len(flat), 1)], 1) if flat.shape[1] % 2 else flat
    received, variance = over_channel(padded, 10 ** (-esn0_db / 10), fading, generator)
    count = flat.shape[1]
    return received[:, :count].reshape(embedding.shape), variance[:, :count].reshape(embedding.shape)

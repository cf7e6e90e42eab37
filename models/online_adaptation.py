"""Features of one picture, improved by descent through the receiver's own network before they are sent."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["adapted"]

_STEP = 0.03  # of the features' RMS, falling to zero: by trial on training pictures, 0.02 to 0.05 are as good
_TRIALS = 4  # channels over which the end is compared with the start


def adapted(
    features: Tensor, sent: Tensor, images: Tensor, n0: float, receive: Callable[[Tensor, Tensor], Tensor], steps: int
) -> tuple[Tensor, float]:
    r"""Return features that the receiver makes a better picture of, and by how much.

    .. math:: \min_x \mathrm{E}_z \| g(x + z) - s \|^2, \quad z \sim \mathcal{N}(0, N_0 \overline{x^2})

    What is sent keeps its place and count, and the receiver is told nothing of it. Each step of Adam draws a channel of
    its own; power is normalised within the step, so that no gain comes from more of it. The same arguments give the
    same features.

    Args:
        features: As the encoder made them, of any shape.
        sent: 1 for what is sent, 0 for what is not; of the same shape.
        images: What the receiver should make of them.
        n0: Noise variance per complex symbol of unit energy that is reckoned with.
        receive: Received features, in the scale of the sent ones, and the n0 of each, to images; differentiable.
        steps: How many; 0 leaves features as they are.

    Returns:
        Features of the same shape, and the gain in dB of the expected squared error, at least 0: where descent
        worsened them, they are as they were.

    Source:  Djelouah & Schroers, Content adaptive optimization for neural image compression, CVPR Workshops 2019; for
             features that cross a channel Wang et al., Improved nonlinear transform source-channel coding to catalyze
             semantic communications, IEEE J. Sel. Topics Signal Process. 17(5), 2023.
    """
    if not steps:
        return features, 0.0
    count, levels = sent.sum(), torch.where(sent > 0, n0, 1.0)

    def error(x: Tensor, generator: torch.Generator) -> Tensor:
        scale = (2 * x.square().sum() / count).clamp(min=1e-12).sqrt()  # two values to a symbol of unit energy
        noise = torch.randn(x.shape, generator=generator).to(x)
        received = (x + (n0 / 2) ** 0.5 * scale * noise) * sent
        return (receive(received, levels) - images).square().mean()

    def expected(x: Tensor) -> float:
        generator = torch.Generator().manual_seed(1)
        return sum(float(error(x, generator)) for _ in range(_TRIALS)) / _TRIALS

    with torch.no_grad():
        start = expected(features)
        size = float((features.square().sum() / count).sqrt()) * _STEP
    with torch.enable_grad():
        x = features.detach().clone().requires_grad_()
        adam = torch.optim.Adam([x], lr=size, betas=(0.9, 0.95))
        falling = torch.optim.lr_scheduler.LinearLR(adam, 1.0, 1 / steps, steps)
        generator = torch.Generator().manual_seed(0)
        for _ in range(steps):
            adam.zero_grad()
            (error(x * sent, generator) / start).backward()  # type: ignore[no-untyped-call]
            adam.step()
            falling.step()
    with torch.no_grad():
        better = x.detach() * sent
        end = expected(better)
    if not end < start:
        return features, 0.0
    return better, float(10 * torch.log10(torch.tensor(start / end)))

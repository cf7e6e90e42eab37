"""What every transmitter and its receiver offer to the denoiser."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from torch import Tensor, nn

from ..patch_rates.told import Told

__all__ = ["Backbone", "Understood"]


class Understood(NamedTuple):
    """What the receiver makes of a frame before it denoises."""

    estimate: Tensor  # [b, 3, H, W] in [0, 1], not clipped: the picture without diffusion
    spread: Tensor  # [b, 1, H / patch, W / patch]: expected RMS error of the estimate, in [0, 1] units
    context: tuple[Tensor | None, ...]  # of each level of the U-Net, finest first


class Backbone(Protocol):
    """Latents, symbols and back; power normalisation and channel lie between, outside of the network."""

    has_estimate: bool  # of the picture before diffusion, from the basis and the variances of a linear code
    context_widths: tuple[int, ...]

    def stacks(self) -> list[nn.Module]:
        """Parts that are called as functions of tensors alone, for torch.compile."""

    def latents(self, images: Tensor, esn0_db: Tensor) -> Tensor:
        """Images ``[b, 3, H, W]`` in [0, 1] and Es/N0 in dB ``[b]`` to y ``[b, 256, h, w]``, which sets the rates."""

    def send(self, images: Tensor, y: Tensor, told: Told) -> Tensor:
        """Features by rank ``[b, n, 256]``; those that a patch does not send are zero."""

    def receive(self, received: Tensor, n0: Tensor, told: Told) -> Understood:
        """Received features ``[b, n, 256]`` and their noise variances at unit power, of the same shape."""

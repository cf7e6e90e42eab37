"""The perceptual loss that a training recipe names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from ...errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Perceptual", "PerceptualLoss", "build_perceptual"]

Perceptual: TypeAlias = "Callable[[Tensor, Tensor], Tensor]"
PerceptualLoss = Literal["squeezenet", "lpips-vgg", "none"]


def build_perceptual(name: PerceptualLoss, weights: Path | None, linear: Path | None = None) -> Perceptual | None:
    """A function of two batches ``[b, 3, h, w]`` in [0, 1] to distances ``[b]``; gradients flow into the first.

    Args:
        name: ``squeezenet``: `SqueezeNetDistance`; ``lpips-vgg``: `Lpips`; ``none``: no loss.
        weights: The npz file of SqueezeNet, or the state dict of VGG16.
        linear: LPIPS's linear weights; those of torchmetrics if not said.

    Returns:
        The loss, or ``None`` for ``none``.

    Raises:
        UsageError: no such loss, or it needs weights and none are given.
        WeightsError: the file is missing or another.
    """
    if name == "none":
        return None
    if name not in get_args(PerceptualLoss):
        raise UsageError(f"perceptual loss: expected one of {', '.join(get_args(PerceptualLoss))}, got {name!r}")
    if weights is None:
        kind = "SqueezeNet v1.0 as an npz file" if name == "squeezenet" else "torchvision's VGG16 as a state dict"
        raise UsageError(f"perceptual loss {name!r} needs weights and ships none: give the path of {kind}, or 'none'")
    if name == "squeezenet":
        from .squeezenet import SqueezeNetDistance

        return SqueezeNetDistance(weights)
    from .lpips import Lpips

    return Lpips(weights, linear)

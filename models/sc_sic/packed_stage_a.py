"""Stage A's decoder for the receiver, on rows of channels; see `packed_unet` for why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..compiled import Compile, compiled
from .packed_unet import Depthwise, depthwise, taps

__all__ = ["PackedStageA", "mixing"]


class _Mixing(NamedTuple):
    kernel: Tensor  # [c, 1, 3, 3]
    kernel_bias: Tensor
    first: Tensor  # [c, 4 c]
    first_bias: Tensor
    second: Tensor  # [4 c, c]
    second_bias: Tensor
    gammas: Tensor  # [6]


class PackedStageA:
    """The decoder of a `PaellaVQModel`, with its weights as they are now.

    Args:
        vqgan: Left as it is.
        dtype: Of weights and activations.
        compile: Of the blocks, one program for each shape.
        depthwise: See `PackedUnet`.
    """

    def __init__(
        self,
        vqgan: Any,
        *,
        dtype: torch.dtype = torch.float32,
        compile: Compile = "off",
        depthwise: Depthwise = "convolution",
    ) -> None:
        self._dtype, self._how = dtype, depthwise
        self._scale = float(vqgan.config.scale_factor)
        self._factor = int(vqgan.config.up_down_scale_factor)
        first, *stages = vqgan.up_blocks
        with torch.no_grad():
            self._first = self._linear(first[0])
            self._stages = [self._upscaler(s) if isinstance(s, nn.ConvTranspose2d) else self._block(s) for s in stages]
            self._last = self._linear(vqgan.out_block[0])
        self._mixing: Callable[..., Tensor] = compiled(mixing, compile)

    def __call__(self, latents: Tensor) -> Tensor:
        """Latents ``[b, c, h, w]`` to float32 images ``[b, 3, 4 h, 4 w]``, not clipped."""
        x = (latents * self._scale).to(self._dtype).permute(0, 2, 3, 1).contiguous()
        x = torch.addmm(self._first[1], x.flatten(0, 2), self._first[0]).view(*x.shape[:3], -1)
        for stage in self._stages:
            if isinstance(stage, _Mixing):
                x = self._mixing(x, *stage, self._how)
            else:
                weight, bias = stage
                x = F.conv_transpose2d(x.permute(0, 3, 1, 2), weight, bias, stride=2, padding=1).permute(0, 2, 3, 1)
                x = x.contiguous()
        x = torch.addmm(self._last[1], x.flatten(0, 2), self._last[0]).view(*x.shape[:3], -1)
        return F.pixel_shuffle(x.permute(0, 3, 1, 2).float(), self._factor)

    def _upscaler(self, module: Any) -> tuple[Tensor, Tensor]:
        return self._own(module.weight).contiguous(memory_format=torch.channels_last), self._own(module.bias)

    def _block(self, block: Any) -> _Mixing:
        depth, (first, _, second) = block.depthwise[1], block.channelwise
        parts = depth.weight, depth.bias, first.weight.T, first.bias, second.weight.T, second.bias, block.gammas
        kernel, *rest = (self._own(part) for part in parts)
        return _Mixing(taps(kernel, self._how), *rest)

    def _linear(self, module: Any) -> tuple[Tensor, Tensor]:
        return self._own(module.weight.flatten(1).T), self._own(module.bias)

    def _own(self, value: Tensor) -> Tensor:
        return value.detach().to(self._dtype)


def mixing(
    x: Tensor,
    kernel: Tensor,
    kernel_bias: Tensor,
    first: Tensor,
    first_bias: Tensor,
    second: Tensor,
    second_bias: Tensor,
    gammas: Tensor,
    how: Depthwise,
) -> Tensor:
    """A mixing block on ``[b, h, w, c]``."""
    width = x.shape[3]
    y = torch.addcmul(gammas[1], F.layer_norm(x, (width,), eps=1e-6), 1 + gammas[0])
    x = x + depthwise(y, kernel, kernel_bias, how, edge="copy") * gammas[2]
    y = torch.addcmul(gammas[4], F.layer_norm(x, (width,), eps=1e-6), 1 + gammas[3])
    y = torch.addmm(first_bias, y.reshape(-1, width), first)
    y = torch.addmm(second_bias, F.gelu(y), second).view(x.shape)
    return x + y * gammas[5]

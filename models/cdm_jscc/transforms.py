"""Nonlinear transforms: picture to latents, and latents to context for the U-Net."""

from __future__ import annotations

from torch import Tensor, nn

from ..pixel_diffusion.resnet_block import ResnetBlock

__all__ = ["Analysis", "ContextPyramid"]


class Analysis(nn.Module):
    """g_a: picture ``[b, 3, h, w]`` in [-1, 1] to latents y ``[b, widths[-1], h / 16, w / 16]``."""

    def __init__(self, widths: tuple[int, int, int, int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index, (inputs, outputs) in enumerate(zip((3, *widths[:-1]), widths, strict=True)):
            layers.append(ResnetBlock(inputs, outputs, side=7 if index == 0 else 3))
            layers.append(nn.Conv2d(outputs, outputs, 3, stride=2, padding=1))
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Latents."""
        out: Tensor = self.layers(images)
        return out


class ContextPyramid(nn.Module):
    """g_s: latents to features at 1/8, 1/4, 1/2 and the whole of the picture's size, given back finest first."""

    def __init__(self, widths: tuple[int, int, int, int], last: int) -> None:
        super().__init__()
        self.widths = (*reversed(widths[:-1]), last)
        self.blocks = nn.ModuleList()
        for inputs, outputs in zip(reversed(widths), self.widths, strict=True):
            self.blocks.append(
                nn.ModuleList([ResnetBlock(inputs, outputs), nn.ConvTranspose2d(outputs, outputs, 4, 2, 1)])
            )

    def forward(self, latents: Tensor) -> tuple[Tensor, ...]:
        """Four tensors, finest first."""
        x, out = latents, []
        for pair in self.blocks:
            for layer in pair:  # type: ignore[attr-defined]
                x = layer(x)
            out.append(x)
        return tuple(reversed(out))

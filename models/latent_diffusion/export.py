"""Both ends of latent diffusion as ONNX files: the networks; the steps are the codec's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from torch import Tensor, nn

from ...errors import UsageError
from ..onnx.export import PARITY_SIZES, Exported, Graph, Inputs, export_codec, parity_picture
from .codec import Codec
from .engine import TorchEngine, load
from .names import DEFAULT, SHIPPED, Full, Variant
from .network import LatentDiffusion

__all__ = ["export_latent_diffusion"]

TRACED = (96, 160)  # pixels; no axis of any inner tensor has the length of another by chance
_PARITY_LEVEL = 181.0


class _Sender(nn.Module):
    def __init__(self, network: LatentDiffusion) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, noise: Tensor, latent: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        clean = self.network.latents(image.permute(2, 0, 1)[None].float() / 255, noise[None])[0]
        return clean, self.network.epsilon(latent[None], level)[0]


class _Receiver(nn.Module):
    def __init__(self, network: LatentDiffusion) -> None:
        super().__init__()
        self.network = network

    def forward(self, clean: Tensor, latent: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        picture = self.network.pictures(clean[None])[0].permute(1, 2, 0)
        return picture, self.network.epsilon(latent[None], level)[0]


def export_latent_diffusion(
    out: Path,
    *,
    variant: Variant = DEFAULT,
    weights: str | Path | None = None,
    sizes: Sequence[tuple[int, int]] = PARITY_SIZES,
) -> Iterator[Exported]:
    """Write both ends, ``latent-diffusion-VARIANT-encoder.onnx`` and ``-decoder.onnx``, and compare them with torch.

    The denoiser is in both. A file serves every size of picture and every number of steps: it gives clean latents (or
    pictures), and the noise in latents at a level.

    Args:
        out: Folder of the files.
        variant: Shipped weights.
        weights: A file of one's own.
        sizes: Heights and widths in pixels on which files and network are compared.

    Yields:
        Each file when it is written.

    Raises:
        ExportError: a file computes something else. UsageError: it cannot be written, or is of Stable Diffusion.
        WeightsError: see `engine.load`. MissingExtra: onnx or onnxscript is not installed.
    """
    if variant in get_args(Full):
        raise UsageError(
            f"{SHIPPED.system}: expected a variant that is told no text, got {variant}: no file is made of Stable "
            f"Diffusion; take {DEFAULT}, or the blocks that need torch"
        )
    codec = load(variant, weights)
    engine = codec.engine
    assert isinstance(engine, TorchEngine)
    network = engine.network
    assert isinstance(network, LatentDiffusion)
    about, cases = codec.about, [_inputs(codec, *size) for size in (TRACED, *sizes)]
    free = ("rows", "columns", "high", "wide")
    rows, columns, high, wide = (torch.export.Dim(name, min=1, max=2048) for name in free)
    latents = {"latent": {1: about.denoiser_stride * high, 2: about.denoiser_stride * wide}}
    pixels = {"image": {0: about.stride * rows, 1: about.stride * columns}, "noise": {1: rows, 2: columns}, **latents}
    names = [f"{height} x {width}" for height, width in sizes]
    (sent, *sending), (heard, *hearing) = zip(*cases, strict=True)
    yield from export_codec(
        codec,
        out,
        Graph("encoder", _Sender(network), sent, pixels, zip(names, sending, strict=True)),
        Graph(
            "decoder",
            _Receiver(network),
            heard,
            {"clean": {1: rows, 2: columns}, **latents},
            zip(names, hearing, strict=True),
        ),
    )


def _inputs(codec: Codec, height: int, width: int) -> tuple[Inputs, Inputs]:
    """Of both ends: a picture of whole latents, or clean latents; and a noisy latent that is whole for the denoiser."""
    stride, least = codec.about.stride, codec.about.denoiser_stride
    rows, columns = height // stride, width // stride
    rng = np.random.default_rng([height, width])
    clean, latent = (
        rng.standard_normal((codec.about.channels, *sides), np.float32)
        for sides in ((rows, columns), (-(-rows // least) * least, -(-columns // least) * least))
    )
    noisy = {"latent": latent, "level": np.array([_PARITY_LEVEL], np.float32)}
    sent: Inputs = {"image": parity_picture(rows * stride, columns * stride), "noise": clean}
    return {**sent, **noisy}, {"clean": clean, **noisy}

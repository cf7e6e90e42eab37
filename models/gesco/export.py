"""GESCO's receiver as an ONNX file: the network; the steps are the codec's. The transmitter has no network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..onnx.export import Exported, Graph, Inputs, export_codec
from .codec import Codec
from .engine import TorchEngine, load
from .names import DEFAULT, Variant
from .network import Gesco

__all__ = ["export_gesco"]

TRACED = (3, 5)  # of the network's strides; no axis of any inner tensor has the length of another by chance
PARITY_SIZES = ((64, 64), (64, 96))
_PARITY_LEVEL = 500.0


class _Receiver(nn.Module):
    def __init__(self, network: Gesco) -> None:
        super().__init__()
        self.network = network

    def forward(self, maps: Tensor, noisy: Tensor, level: Tensor) -> Tensor:
        prediction: Tensor = self.network(noisy[None], level, maps[None])[0]
        return prediction


def export_gesco(
    out: Path,
    *,
    variant: Variant = DEFAULT,
    weights: str | Path | None = None,
    sizes: Sequence[tuple[int, int]] = PARITY_SIZES,
) -> Iterator[Exported]:
    """Write the receiver, ``gesco-VARIANT-decoder.onnx``, and compare it with torch.

    A file serves every size of picture and every number of steps. It looks at the maps in each of them.

    Args:
        out: Folder of the file.
        variant: Shipped weights.
        weights: A file of one's own.
        sizes: Heights and widths in pixels on which file and network are compared.

    Yields:
        The file when it is written.

    Raises:
        ExportError: it computes something else. UsageError: it cannot be written. WeightsError: see `engine.load`.
        MissingExtra: onnx or onnxscript is not installed.
    """
    codec = load(variant, weights)
    engine, stride = codec.engine, codec.about.stride
    assert isinstance(engine, TorchEngine)
    rows, columns = (stride * torch.export.Dim(name, min=1, max=512) for name in ("rows", "columns"))
    free = {name: {1: rows, 2: columns} for name in ("maps", "noisy")}
    cases = ((f"{height} x {width}", _inputs(codec, height, width)) for height, width in sizes)
    traced = _inputs(codec, *(stride * count for count in TRACED))
    yield from export_codec(codec, out, Graph("decoder", _Receiver(engine.network), traced, free, cases))


def _inputs(codec: Codec, height: int, width: int) -> Inputs:
    """Soft maps, and noise."""
    rng, about = np.random.default_rng([height, width]), codec.about
    maps = rng.uniform(0, 1, (about.classes + about.edges, height, width)).astype(np.float32)
    noisy = rng.standard_normal((3, height, width), np.float32)
    return {"maps": maps, "noisy": noisy, "level": np.array([_PARITY_LEVEL], np.float32)}

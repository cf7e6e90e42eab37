"""NTSCC as two ONNX files that serve every rate, SNR and size of picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ..cdm_jscc.backbone import Told
from ..cdm_jscc.parity import TRACED, received, sent
from ..cdm_jscc.rate_map import PATCH
from ..onnx.export import PARITY_SIZES, Exported, Graph, export_codec
from .engine import TorchEngine, load
from .names import DEFAULT, Variant
from .network import Ntscc

__all__ = ["DecoderGraph", "EncoderGraph", "export_ntscc"]


class EncoderGraph(nn.Module):
    """Entropy of each patch, and what is sent once the rates are chosen.

    Input:   image: uint8 ``[16 h, 16 w, 3]``; levels: int64 ``[h, w]``; eta_index: int64 ``[1]``; esn0_db: float32
             ``[1]``, what the encoder reckons with, in dB.
    Output:  patch_bits: float32 ``[h, w]``, of picture and Es/N0 alone; features: float32 ``[h * w, 256]`` by rank,
             zero where nothing is sent.
    """

    def __init__(self, network: Ntscc) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, levels: Tensor, eta_index: Tensor, esn0_db: Tensor) -> tuple[Tensor, Tensor]:
        """Look at a picture, and encode it."""
        y, entropy = self.network.entropy(image.permute(2, 0, 1)[None].float() / 255, esn0_db)
        return entropy.patch_bits[0], self.network.send(y, Told(levels[None], eta_index, esn0_db))[0]


class DecoderGraph(nn.Module):
    """Decoder.

    Input:   features: float32 ``[h, w, 256]`` by rank, as received, zero where nothing was sent; n0: of the same shape,
             noise variance per complex symbol, at least 1e-6, any positive number where nothing was sent; levels: int64
             ``[h, w]``; eta_index: int64 ``[1]``; esn0_db: float32 ``[1]``, what the encoder reckoned with, in dB.
    Output:  float32 ``[16 h, 16 w, 3]``, 0 to 1, not clipped.
    """

    def __init__(self, network: Ntscc) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, n0: Tensor, levels: Tensor, eta_index: Tensor, esn0_db: Tensor) -> Tensor:
        """Decode one picture."""
        received, variance = (values.flatten(0, 1)[None] for values in (features, n0))
        out = self.network.receive(received, variance, Told(levels[None], eta_index, esn0_db))
        return out[0].permute(1, 2, 0)


def export_ntscc(
    out: Path,
    *,
    variant: Variant = DEFAULT,
    weights: str | Path | None = None,
    sizes: Sequence[tuple[int, int]] = PARITY_SIZES,
) -> Iterator[Exported]:
    """Write encoder and decoder, ``ntscc-VARIANT-encoder.onnx`` and ``...-decoder.onnx``, and compare with torch.

    Args:
        out: Folder of the files.
        variant: Which shipped weights; what the files and the header of every frame say of themselves.
        weights: Of one's own training, in place of the shipped ones.
        sizes: Heights and widths, multiples of 16, at which files and network are compared.

    Yields:
        Each file when it is written.

    Raises:
        ExportError: a file computes something else. UsageError: it cannot be written, or no weights are shipped.
            WeightsError: the file of weights. MissingExtra: onnx or onnxscript is not installed.
    """
    codec = load(variant, weights)
    assert isinstance(codec.engine, TorchEngine)
    network = codec.engine.network
    points = [(*size, 10.0 - 9.0 * (-1) ** index) for index, size in enumerate(sizes)]
    names = [f"{height} x {width}, {esn0_db:g} dB" for height, width, esn0_db in points]
    rows, columns = (torch.export.Dim(name, min=1, max=4096) for name in ("rows", "columns"))
    grid = {0: rows, 1: columns}
    encoder = Graph(
        "encoder",
        EncoderGraph(network),
        sent(*TRACED),
        {"image": {0: PATCH * rows, 1: PATCH * columns}, "levels": grid},
        ((name, sent(*point)) for name, point in zip(names, points, strict=True)),
    )
    decoder = Graph(
        "decoder",
        DecoderGraph(network),
        received(codec, *TRACED),
        {name: grid for name in ("features", "n0", "levels")},
        ((name, received(codec, *point)) for name, point in zip(names, points, strict=True)),
    )
    yield from export_codec(codec, out, encoder, decoder)

"""SwinJSCC as two ONNX files that serve every rate, SNR and size of picture."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..onnx.export import PARITY_SIZES, Exported, Graph, Inputs, export_codec, parity_picture
from .codec import Codec
from .engine import TorchEngine, load
from .names import DEFAULT, Rate, Variant
from .network import SwinJscc
from .swin_block import SwinStack

__all__ = ["DecoderGraph", "EncoderGraph", "export_swinjscc"]


def _for_every_size(network: SwinJscc) -> SwinJscc:
    """A graph cannot ask whether a picture has whole windows: it masks always."""
    free = copy.deepcopy(network)
    for module in free.modules():
        if isinstance(module, SwinStack):
            module.always = True
    return free


class EncoderGraph(nn.Module):
    """Encoder.

    Input:   image: uint8 ``[h, w, 3]``, sides multiples of the stride; count: float32 ``[1]``, features that a position
             sends; esn0_db: float32 ``[1]``, what the encoder reckons with, in dB.
    Output:  float32 ``[1 + positions, features]``: first of each channel the sum of its gates, then the features of
             every position.
    """

    def __init__(self, network: SwinJscc) -> None:
        super().__init__()
        self.network = _for_every_size(network)

    def forward(self, image: Tensor, count: Tensor, esn0_db: Tensor) -> Tensor:
        """Encode one picture."""
        features, strength = self.network.encode(image.permute(2, 0, 1)[None].float() / 255, count, esn0_db)
        return torch.cat([strength + 0 * count, features[0].flatten(0, 1)])


class DecoderGraph(nn.Module):
    """Decoder.

    Input:   features: float32 ``[h / stride, w / stride, features]`` as received, zero where nothing was sent; n0: of
             the same shape, noise variance per complex symbol, at least 1e-6, any positive number where nothing was
             sent; count: float32 ``[1]``; esn0_db: float32 ``[1]``, what the encoder reckoned with; met_db: float32
             ``[1]``, what the receiver found, in dB.
    Output:  float32 ``[h, w, 3]``, 0 to 1, not clipped.
    """

    def __init__(self, network: SwinJscc) -> None:
        super().__init__()
        self.network = _for_every_size(network)

    def forward(self, features: Tensor, n0: Tensor, count: Tensor, esn0_db: Tensor, met_db: Tensor) -> Tensor:
        """Decode one picture."""
        kept = features + 0 * (n0 + count + esn0_db)  # a network without a linear code has no use for them
        return self.network.decode(kept[None], n0[None], count, esn0_db, met_db)[0].permute(1, 2, 0)


def export_swinjscc(
    out: Path,
    *,
    variant: Variant = DEFAULT,
    weights: str | Path | None = None,
    sizes: Sequence[tuple[int, int]] = PARITY_SIZES,
) -> Iterator[Exported]:
    """Write encoder and decoder, ``swinjscc-VARIANT-encoder.onnx`` and ``...-decoder.onnx``, and compare with torch.

    Args:
        out: Folder of the files.
        variant: Which shipped weights; what the files and the header of every frame say of themselves.
        weights: Of one's own training or of the public code, in place of the shipped ones.
        sizes: Heights and widths, multiples of the stride, at which files and network are compared.

    Yields:
        Each file when it is written.

    Raises:
        ExportError: a file computes something else. UsageError: it cannot be written, or no weights are shipped.
            WeightsError: the file of weights. MissingExtra: onnx or onnxscript is not installed.
    """
    codec = load(variant, weights)
    assert isinstance(codec.engine, TorchEngine)
    network, stride = codec.engine.network, codec.about.stride
    rows, columns = (torch.export.Dim(name, min=1, max=4096) for name in ("rows", "columns"))
    grid = {0: rows, 1: columns}
    points = list(_operating_points(list(codec.about.rates), sizes))
    names = [f"{height} x {width}, rate {rate}" for height, width, rate, _ in points]
    side = network.config.window  # a trace of one window along an axis would be a file for one window
    traced = (side + 3) * stride, (2 * side + 5) * stride, next(iter(codec.about.rates)), 8.0
    sent = Graph(
        "encoder",
        EncoderGraph(network),
        _sent(codec, *traced),
        {"image": {0: stride * rows, 1: stride * columns}},
        ((name, _sent(codec, *point)) for name, point in zip(names, points, strict=True)),
    )
    received = Graph(
        "decoder",
        DecoderGraph(network),
        _received(codec, *traced),
        {"features": grid, "n0": grid},
        ((name, _received(codec, *point)) for name, point in zip(names, points, strict=True)),
    )
    yield from export_codec(codec, out, sent, received)


def _operating_points(
    rates: Sequence[Rate], sizes: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int, Rate, float]]:
    """Height, width, rate and Es/N0 in dB: every rate at the first size, one at each of the others."""
    yield from ((*sizes[0], rate, 3.0 * index) for index, rate in enumerate(rates))
    yield from ((*size, rates[index % len(rates)], 10.0) for index, size in enumerate(sizes[1:], 2))


def _sent(codec: Codec, height: int, width: int, rate: Rate, esn0_db: float) -> Inputs:
    told = {"count": np.array([codec.about.rates[rate]], np.float32), "esn0_db": np.array([esn0_db], np.float32)}
    return {"image": parity_picture(height, width), **told}


def _received(codec: Codec, height: int, width: int, rate: Rate, esn0_db: float) -> Inputs:
    """What the network sends in its first channels, after a channel whose noise differs from symbol to symbol."""
    sent, count = _sent(codec, height, width, rate, esn0_db), codec.about.rates[rate]
    features = codec.engine.run("features", **sent)[1:]
    features = features.reshape(height // codec.about.stride, width // codec.about.stride, -1)
    rng = np.random.default_rng([height, width])
    n0 = 10 ** (-esn0_db / 10) * rng.uniform(0.2, 2.2, features.shape).astype(np.float32)
    noise = np.sqrt(n0 / 2) * rng.standard_normal(features.shape, np.float32)
    received = (features + noise) * (np.arange(features.shape[2]) < count)
    told = {"count": sent["count"], "esn0_db": sent["esn0_db"], "met_db": sent["esn0_db"] + np.float32(0.5)}
    return {"features": received.astype(np.float32), "n0": n0, **told}

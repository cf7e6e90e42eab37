"""DeepJSCC as two ONNX files that serve every rate, SNR and size of picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...errors import UsageError
from ..effective_esn0 import effective_esn0_db
from ..onnx.export import PARITY_SIZES, Exported, Graph, Inputs, export_codec, parity_picture
from .adaptive import FLOOR, AdaptiveJscc, condition_vector
from .codec import Codec
from .engine import TorchEngine
from .linear import allot_power, lmmse_weight
from .linear_code import LinearJscc
from .names import DEFAULT, SHIPPED, Variant
from .rates import features_per_patch

__all__ = ["EveryRateDecoder", "EveryRateEncoder", "export_deepjscc"]

TRACED = (48, 80, 1, 8.0)  # no axis of any inner tensor has the length of another by chance


class _EveryRate(nn.Module):
    """What both ends share: the KLT, and how many features each rate keeps.

    A graph has no slices whose length depends on an input. So what depends on the rate is worked out for all of them,
    from a few hundred numbers each, and the wanted one is taken by its index.
    """

    def __init__(self, network: AdaptiveJscc | LinearJscc) -> None:
        super().__init__()
        self.klt = network.klt
        self.rates = network.rates
        self.patch = network.multiple
        self.counts = [features_per_patch(rate, network.multiple) for rate in network.rates]

    def power(self, rate: Tensor, esn0_db: Tensor) -> Tensor:
        """Powers of all components ``[1, count]``, zero where the rate sends none."""
        n0 = 10 ** (-esn0_db / 10)
        rows = [F.pad(allot_power(self.klt.variance[:count], n0), (0, self.klt.count - count)) for count in self.counts]
        return torch.cat(rows).index_select(0, rate)

    def condition(self, rate: Tensor, first_db: Tensor, second_db: Tensor) -> Tensor:
        """The condition vector of the networks, ``[1, conditions]``."""
        return torch.cat([condition_vector(each, first_db, second_db) for each in self.rates]).index_select(0, rate)


class EveryRateEncoder(_EveryRate):
    """Encoder of a DeepJSCC network with the rate as an input.

    Args:
        network: Trained or fitted.

    Input:   image: uint8 ``[h, w, 3]``, sides multiples of the patch; rate: int64 ``[1]``, index into the network's
             rates; esn0_db: float32 ``[1]``, Es/N0 in dB.
    Output:  float32 ``[patches, count]``: of each row the first features, as many as the rate has, are sent; the others
             mean nothing.
    """

    def __init__(self, network: AdaptiveJscc | LinearJscc) -> None:
        super().__init__(network)
        self.encoder = network.encoder if isinstance(network, AdaptiveJscc) else None

    def forward(self, image: Tensor, rate: Tensor, esn0_db: Tensor) -> Tensor:
        """Encode one picture."""
        centred = self.klt.centred(image.permute(2, 0, 1)[None].float() / 255)
        power = self.power(rate, esn0_db)
        features: Tensor = (self.klt(centred) * (power / self.klt.variance).sqrt())[0]
        if self.encoder is not None:
            x = self.encoder.enter(F.pixel_unshuffle(centred, self.encoder.half_patch))
            x = self.encoder.stack(x, self.condition(rate, esn0_db, esn0_db))
            added = self.encoder.leave(x).flatten(2)[0].T
            features = features + (power + FLOOR).sqrt() * added
        return features


class EveryRateDecoder(_EveryRate):
    """Decoder of a DeepJSCC network with the rate as an input.

    Args:
        network: Trained or fitted.

    Input:   features: float32 ``[h / patch, w / patch, count]``, as received, zero beyond what the rate sends; n0: of
             the same shape, noise variance per complex symbol, at least 1e-6, any positive number beyond; rate: int64
             ``[1]``; esn0_db: float32 ``[1]``, what the encoder was told, in dB.
    Output:  float32 ``[h, w, 3]``, 0 to 1, not clipped.
    """

    def __init__(self, network: AdaptiveJscc | LinearJscc) -> None:
        super().__init__(network)
        self.decoder = network.decoder if isinstance(network, AdaptiveJscc) else None

    def forward(self, features: Tensor, n0: Tensor, rate: Tensor, esn0_db: Tensor) -> Tensor:
        """Decode one picture."""
        power = self.power(rate, esn0_db)
        weighted = features * lmmse_weight(self.klt.variance, power, n0)
        rows = (weighted @ self.klt.synthesis).permute(2, 0, 1)[None]
        linear = F.pixel_shuffle(rows, self.patch)
        if self.decoder is not None:
            floor = power + FLOOR
            likely = (features * floor.sqrt() / (floor + n0)).permute(2, 0, 1)[None]
            x = F.pixel_shuffle(self.decoder.enter_features(likely), 2)
            x = self.decoder.enter_picture(F.pixel_unshuffle(linear, self.decoder.half_patch)) + x
            known = [effective_esn0_db(n0[:, :, :count].reshape(1, -1)) for count in self.counts]
            met_db = torch.cat(known).index_select(0, rate)
            x = self.decoder.stack(x, self.condition(rate, esn0_db, met_db))
            linear = linear + F.pixel_shuffle(self.decoder.leave(x), self.decoder.half_patch) * 0.25
        return (linear + self.klt.mean.view(1, 3, 1, 1))[0].permute(1, 2, 0)


def export_deepjscc(
    out: Path,
    *,
    variant: Variant = DEFAULT,
    weights: str | Path | None = None,
    sizes: Sequence[tuple[int, int]] = PARITY_SIZES,
) -> Iterator[Exported]:
    """Write encoder and decoder, ``deepjscc-VARIANT-encoder.onnx`` and ``...-decoder.onnx``, and compare with torch.

    Args:
        out: Folder of the files.
        variant: Which shipped weights; what the files and the header of every frame say of themselves.
        weights: Of one's own training, in place of the shipped ones.
        sizes: Heights and widths, multiples of the patch, at which files and network are compared.

    Yields:
        Each file when it is written.

    Raises:
        ExportError: a file computes something else. UsageError: it cannot be written, or the weights are of a network
            of one rate alone. WeightsError: the file of weights. MissingExtra: onnx or onnxscript is not installed.
    """
    engine = TorchEngine(SHIPPED.path(variant) if weights is None else Path(weights))
    network, codec = engine.network, Codec(engine, engine.about(variant))
    if not isinstance(network, AdaptiveJscc | LinearJscc):
        raise UsageError(f"{weights}: expected an adaptive or a linear network, got {type(network).__name__}")
    rows, columns = (torch.export.Dim(name, min=1, max=4096) for name in ("rows", "columns"))
    size, grid = network.multiple, {0: rows, 1: columns}
    points = list(_operating_points(len(network.rates), sizes))
    names = [f"{height} x {width}, rate {network.rates[rate]}" for height, width, rate, _ in points]
    sent = Graph(
        "encoder",
        EveryRateEncoder(network),
        _sent(*TRACED),
        {"image": {0: size * rows, 1: size * columns}},
        ((name, _sent(*point)) for name, point in zip(names, points, strict=True)),
    )
    received = Graph(
        "decoder",
        EveryRateDecoder(network),
        _received(codec, *TRACED),
        {"features": grid, "n0": grid},
        ((name, _received(codec, *point)) for name, point in zip(names, points, strict=True)),
    )
    yield from export_codec(codec, out, sent, received)


def _operating_points(rates: int, sizes: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, int, float]]:
    """Height, width, index of the rate and Es/N0 in dB: every rate at the first size, one at each of the others."""
    yield from ((*sizes[0], rate, 6.0 * rate) for rate in range(rates))
    yield from ((*size, index % rates, 10.0) for index, size in enumerate(sizes[1:], 2))


def _sent(height: int, width: int, rate: int, esn0_db: float) -> Inputs:
    told = {"rate": np.array([rate]), "esn0_db": np.array([esn0_db], np.float32)}
    return {"image": parity_picture(height, width), **told}


def _received(codec: Codec, height: int, width: int, rate: int, esn0_db: float) -> Inputs:
    """What the network sends, after a channel whose noise differs from symbol to symbol."""
    sent, about = _sent(height, width, rate, esn0_db), codec.about
    features = codec.engine.run("features", **sent)
    features = np.pad(features, ((0, 0), (0, max(about.rates.values()) - features.shape[1])))
    features = features.reshape(height // about.patch, width // about.patch, -1)
    rng = np.random.default_rng([height, width])
    n0 = 10 ** (-esn0_db / 10) * rng.uniform(0.2, 2.2, features.shape).astype(np.float32)
    noise = np.sqrt(n0 / 2) * rng.standard_normal(features.shape, np.float32)
    received = (features + (features != 0) * noise).astype(np.float32)
    return {"features": received, "n0": n0, "rate": sent["rate"], "esn0_db": sent["esn0_db"]}

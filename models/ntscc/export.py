"""NTSCC as two ONNX files that serve every rate, Es/N0 and size of picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from torch import Tensor, nn

from ..onnx.export import PARITY_SIZES, Exported, Graph, export_codec
from ..patch_rates.export import TRACED, cases, free_axes, heard, sent
from ..patch_rates.told import Told
from .engine import TorchEngine, load
from .names import DEFAULT, Variant
from .network import Ntscc

__all__ = ["Receiver", "Transmitter", "export_ntscc"]

AT_A_TIE = 0.03
"""Share of patches that may hold a latent which is rounded the other way, or hang on one; 0.02 at most was seen."""


class Transmitter(nn.Module):
    """Entropy of each patch, and what is sent once the rates are chosen. Each is computed without the other.

    Args:
        network: Trained.

    Input:   image: uint8 ``[16 h, 16 w, 3]``; levels: int64 ``[h, w]``; eta_index: int64 ``[1]``; esn0_db: float32
             ``[1]``, Es/N0 in dB.
    Output:  patch_bits: float32 ``[h, w]``, of picture and Es/N0 alone; features: float32 ``[h * w, 256]`` by rank,
             zero where nothing is sent.
    """

    def __init__(self, network: Ntscc) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor, levels: Tensor, eta_index: Tensor, esn0_db: Tensor) -> tuple[Tensor, Tensor]:
        """Look at a picture, and encode it."""
        y, entropy = self.network.entropy(image.permute(2, 0, 1)[None].float() / 255, esn0_db)
        features = self.network.send(y, Told(levels[None], eta_index, esn0_db))
        return entropy.patch_bits[0], features[0]


class Receiver(nn.Module):
    """What is understood of a frame.

    Args:
        network: Trained.

    Input:   features: float32 ``[h, w, 256]`` by rank, as received, zero where nothing was sent; n0: of the same shape,
             noise variance per complex symbol, at least 1e-6, any positive number where nothing was sent; levels: int64
             ``[h, w]``; eta_index: int64 ``[1]``; esn0_db: float32 ``[1]``, in dB, as the transmitter was told.
    Output:  float32 ``[16 h, 16 w, 3]``, 0 to 1, not clipped.
    """

    def __init__(self, network: Ntscc) -> None:
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, n0: Tensor, levels: Tensor, eta_index: Tensor, esn0_db: Tensor) -> Tensor:
        """Decode one picture."""
        received, variance = (values.flatten(0, 1)[None] for values in (features, n0))
        told = Told(levels[None], eta_index, esn0_db)
        return self.network.receive(received, variance, told)[0].permute(1, 2, 0)


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
        variant: Which shipped weights.
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
    network, received = codec.engine.network, partial(heard, codec)
    picture, grid = free_axes()
    transmitter = Graph(
        "encoder",
        Transmitter(network),
        sent(*TRACED),
        {"image": picture, "levels": grid},
        cases(sent, sizes),
        {"patch_bits": AT_A_TIE},
    )
    receiver = Graph(
        "decoder",
        Receiver(network),
        received(*TRACED),
        {name: grid for name in ("features", "n0", "levels")},
        cases(received, sizes),
    )
    yield from export_codec(codec, out, transmitter, receiver)

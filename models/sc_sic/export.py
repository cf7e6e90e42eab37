"""The semantic encoder of SC-SIC as an ONNX file. The receiver stays with torch: it is far larger, and samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..onnx.export import Exported, Graph, export_codec, parity_picture
from ..weights.file import sha256_of
from ..weights.find import find_parts
from .assemble import assemble
from .codec import Codec
from .efficientnet import STRIDE, EfficientNetEncoder
from .engine import TorchEngine
from .names import DEFAULT, SHIPPED, Variant
from .network import ScSic
from .published import PUBLICATION
from .sizes import SIZES

__all__ = ["Transmitter", "export_sc_sic"]

TRACED = (192, 320)  # height and width; no axis of any inner tensor has the length of another by chance
PARITY_SIZES = ((64, 128), (256, 256), (512, 768))  # as of all systems, but multiples of every variant's stride
_DEEP = 1e-3  # of EfficientNet, whose forty layers amplify rounding; it is 60 dB below the embedding's power


class Transmitter(nn.Module):
    """The semantic encoder, at its own size of embedding.

    Args:
        network: With its encoder.

    Input:   image: uint8 ``[h, w, 3]``, sides multiples of the stride.
    Output:  embedding: float32 ``[channels, rows, columns]``.
    """

    def __init__(self, network: ScSic) -> None:
        super().__init__()
        self.encoder = network.encoder

    def forward(self, image: Tensor) -> Tensor:
        """Encode one picture."""
        factor = None
        if isinstance(self.encoder, EfficientNetEncoder):
            # by whole numbers: ONNX's nearest neighbour takes another one where a quotient has no end in binary
            for axis, count in enumerate(self.encoder.grid(*image.shape[:2])):
                near = torch.arange(STRIDE * count) * image.shape[axis] // (STRIDE * count)
                image = image.index_select(axis, near)
            factor = 1.0
        embedding: Tensor = self.encoder(image.permute(2, 0, 1)[None].float() / 255, factor)[0]
        return embedding


def export_sc_sic(
    out: Path,
    *,
    variant: Variant = DEFAULT,
    weights: str | Path | None = None,
    sizes: Sequence[tuple[int, int]] = PARITY_SIZES,
) -> Iterator[Exported]:
    """Write the encoder, ``sc-sic-VARIANT-encoder.onnx``, and compare it with torch.

    Args:
        out: Folder of the file.
        variant: Shipped weights, or a size of full scale.
        weights: See `assemble`.
        sizes: Heights and widths at which file and network are compared, multiples of the stride.

    Yields:
        The file when it is written.

    Raises:
        ExportError: the file computes something else. UsageError: it cannot be written, or no such weights are
            shipped. WeightsError: weights are missing or do not fit. MissingExtra: onnx or onnxscript is not installed.
    """
    engine = TorchEngine(assemble(variant, weights, parts=("encoder",)))
    encoder, about = engine.network.encoder, engine.about(variant)
    whole = {"weights_sha256": sha256_of(_file_of(variant, weights)), "any_downscale": False}
    rows, columns = (torch.export.Dim(name, min=1, max=4096) for name in ("rows", "columns"))
    pixels: dict[int, Any] = {0: about.patch * rows, 1: about.patch * columns}
    graph = Graph(
        "encoder",
        Transmitter(engine.network),
        {"image": parity_picture(*TRACED)},
        {"image": pixels},
        ((f"{height} x {width}", {"image": parity_picture(height, width)}) for height, width in sizes),
    )
    yield from export_codec(
        Codec(engine, about.model_copy(update=whole)),
        out,
        graph,
        largest_relative_error=_DEEP if isinstance(encoder, EfficientNetEncoder) else None,
    )


def _file_of(variant: str, weights: str | Path | None) -> Path:
    """The file that the encoder came from."""
    if weights is not None and Path(weights).is_file():
        return Path(weights)
    if variant not in SIZES:
        return SHIPPED.path(variant)
    return find_parts(PUBLICATION, ("encoder",), weights, variant="lite")["encoder"]

"""`encoders/onnx`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, cast, get_args

import numpy as np
from pydantic import Field

from ...errors import SignalError, WeightsError
from ..block import Block
from ..envelope import Out
from ..image_shape import ImageShape
from ..mappers.to_constellation import ConstellationOrder
from ..onnx_session import OnnxSession, Provider
from ..params import BlockParams, Live
from ..ports import Features, Image
from .deepjscc import JsccMode, Rate, Variant, reckoned_esn0_db

__all__ = ["Onnx"]


class Onnx(Block):
    r"""Encodes a picture by an exported ONNX file, without torch.

    .. math:: x = f(\mathrm{image}; \mathrm{SNR}, k)

    The file comes from ``semcom export``, which compares it with the network it was made from: features differ by less
    than 1e-4 of their root mean square. One file serves every rate, Es/N0 and size of picture. Parameters and header
    are those of the block whose network the file holds, so that this block takes its place in any flowgraph, by
    ``--swap encoder=encoders/onnx:path=FILE``, and the receiver stays as it is.

    Input:   image: uint8 ``[H, W, 3]``, sides of at most 65535.
    Output:  float32 ``[n]``, n = 6 H W rate with H and W rounded up to multiples of the patch; header: ImageShape,
             JsccMode.
    Raises:  SignalError: a side is longer, or the file has no such rate. WeightsError: the file is not one that `semcom
             export` wrote for this block, or this onnxruntime does not run its operator set. UsageError: provider cuda
             without CUDA.
    State:   none; the file, loaded by `start`.
    Example: ``encoder: {use: encoders/onnx, path: encoder.onnx, rate: 1/12, esn0_db: $esn0_db}``
    """

    class Params(BlockParams):
        """Parameters."""

        path: str = Field(min_length=1, description="The ONNX file of an encoder.")
        provider: Provider = Field(
            "cpu",
            description="Where it runs: cuda fails where there is none; auto then takes the CPU, and the log says so.",
        )
        threads: int = Field(1, ge=1, le=256, description="CPU threads; their number may change the last bits.")
        rate: Live[Rate] = Field("1/12", description="Channel bandwidth ratio of the payload.")
        bits_per_symbol: Live[ConstellationOrder | None] = Field(
            None, description="Of the constellation that the features will be put on; null: none."
        )
        csit: Literal["mean", "none"] = Field(
            "mean",
            description="What the transmitter knows of the channel: its mean Es/N0, or nothing (it takes 10 dB).",
        )
        esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="The mean Es/N0 in dB that `csit: mean` knows.")

    params: Params
    writes_header = (ImageShape, JsccMode)

    def start(self) -> None:
        """Load the file."""
        p = self.params
        self._session = OnnxSession(
            "encoders/onnx", Path(p.path), role="encoder", provider=p.provider, threads=p.threads
        )
        if self._session.metadata.variant not in get_args(Variant):
            raise WeightsError(
                f"{p.path}: expected a variant of {', '.join(get_args(Variant))}, got "
                f"{self._session.metadata.variant!r}; write the file again with `semcom export` of this gr-semcom"
            )

    def work(self, image: Image) -> Out[Features]:
        """Encode one picture."""
        p, metadata = self.params, self._session.metadata
        if max(image.shape) > 65535 or not image.size:
            raise SignalError(f"encoders/onnx: expected sides of 1 to 65535 pixels, got {list(image.shape)}")
        if p.rate not in metadata.rates:
            raise SignalError(
                f"encoders/onnx: expected a rate of {', '.join(metadata.rates)}, got {p.rate!r}; another file may have "
                "it"
            )
        esn0_db = reckoned_esn0_db(p.csit, p.esn0_db, p.bits_per_symbol)
        mode = JsccMode(rate=p.rate, variant=cast(Variant, metadata.variant), esn0_db=esn0_db)
        below, right = (-side % metadata.patch for side in image.shape[:2])
        every = self._session.run(
            "features",
            image=np.pad(image, ((0, below), (0, right), (0, 0)), "edge"),
            rate=np.array([list(metadata.rates).index(p.rate)], np.int64),
            esn0_db=np.array([mode.esn0_db], np.float32),
        )
        features = np.ascontiguousarray(every[:, : metadata.rates[p.rate]], np.float32).reshape(-1)
        return Out(features, header=(ImageShape(*image.shape[:2]), mode))

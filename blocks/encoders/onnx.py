"""`encoders/onnx`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import SignalError
from ...models.deepjscc.names import RATES, Rate
from ...sim.side_information.cdm_mode import CdmMode
from ...sim.side_information.constellation_frame import ConstellationOrder
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.jscc_mode import JsccMode
from ...sim.side_information.model_id import ModelId
from ...sim.side_information.rate_map import RateMap
from ...sim.side_information.sc_sic_mode import ScSicMode
from ..block import Block
from ..envelope import Out
from ..onnx_session import OnnxSession, Provider
from ..params import BlockParams, Live
from ..ports import Features, Image
from ..ratio import Ratio
from .cdm_jscc import frame_uses, framed
from .deepjscc import reckoned_esn0_db

__all__ = ["Onnx"]


class Onnx(Block):
    r"""Encodes a picture by an exported ONNX file, without torch.

    .. math:: x = f(\mathrm{image}; \mathrm{SNR}, k)

    The file comes from ``semcom export``, which compares it with the network it was made from: features differ by less
    than 1e-4 of their root mean square. One file serves every rate, Es/N0 and size of picture. Parameters and header
    are those of the block whose network the file holds, so that this block takes its place in any flowgraph, by
    ``--swap encoder=encoders/onnx:path=FILE``, and the receiver stays as it is.

    Input:   image: uint8 ``[H, W, 3]``, sides of 1 to 65535; of an SC-SIC file multiples of its stride.
    Output:  float32 ``[n]``, as the block whose network it is; header: ImageShape, ModelId; of a DeepJSCC file
             JsccMode; of a CDM-JSCC file CdmMode and RateMap; of an SC-SIC file ScSicMode, always of the network's own
             size.
    Raises:  SignalError: a side is longer or no such multiple, the file has no such rate, or the CBR is below the least
             possible.
             WeightsError: the file is not one that `semcom export` wrote for this block, or this onnxruntime does not
             run its operator set. UsageError: provider cuda without CUDA.
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
        rate: Live[Rate] = Field("1/12", description="DeepJSCC: channel bandwidth ratio of the payload.")
        bits_per_symbol: Live[ConstellationOrder | None] = Field(
            None, description="DeepJSCC: of the constellation that the features will be put on; null: none."
        )
        cbr: Live[Ratio] = Field(
            "1/24", description="CDM-JSCC: complex channel uses, header included, over 3 H W at most."
        )
        eta: Live[float | None] = Field(
            None, gt=0, le=64, description="CDM-JSCC: real values per bit of estimated entropy, in place of cbr."
        )
        rate_map: Literal["sent", "given"] = Field(
            "sent", description="CDM-JSCC: the rate map is sent and charged, or given free of charge."
        )
        csit: Literal["mean", "none"] = Field(
            "mean",
            description="What the transmitter knows of the channel: its mean Es/N0, or nothing (it takes 10 dB).",
        )
        esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="The mean Es/N0 in dB that `csit: mean` knows.")

    params: Params
    writes_header = (ImageShape, ModelId)
    may_write_header = (JsccMode, CdmMode, RateMap, ScSicMode)

    def start(self) -> None:
        """Load the file."""
        p = self.params
        self._session = OnnxSession(
            "encoders/onnx", Path(p.path), role="encoder", provider=p.provider, threads=p.threads
        )
        metadata = self._session.metadata
        self._model = ModelId(metadata.numbers[metadata.variant], metadata.shared_weights)

    def work(self, image: Image) -> Out[Features]:
        """Encode one picture."""
        height, width = image.shape[:2]
        if not 0 < min(height, width) <= max(height, width) <= 65535:
            raise SignalError(f"encoders/onnx: expected sides of 1 to 65535 pixels, got {height} x {width}")
        if self._session.metadata.system == "sc-sic":
            return self._sc_sic(image)
        patch = self._session.metadata.patch
        padded = np.pad(image, ((0, -height % patch), (0, -width % patch), (0, 0)), "edge")
        make = self._deepjscc if self._session.metadata.system == "deepjscc" else self._cdm_jscc
        return make(padded, height, width)

    def _deepjscc(self, padded: Image, height: int, width: int) -> Out[Features]:
        p, metadata = self.params, self._session.metadata
        if p.rate not in metadata.rates:
            raise SignalError(
                f"encoders/onnx: expected a rate of {', '.join(metadata.rates)}, got {p.rate!r}; another file may have "
                "it"
            )
        esn0_db = reckoned_esn0_db(p.csit, p.esn0_db, p.bits_per_symbol)
        every = self._session.run(
            "features",
            image=padded,
            rate=np.array([list(metadata.rates).index(p.rate)], np.int64),
            esn0_db=np.array([esn0_db], np.float32),
        )
        features = np.ascontiguousarray(every[:, : metadata.rates[p.rate]], np.float32).reshape(-1)
        mode = JsccMode(RATES.index(p.rate), esn0_db)
        return Out(features, header=(ImageShape(height, width), self._model, mode))

    def _cdm_jscc(self, padded: Image, height: int, width: int) -> Out[Features]:
        from ...models.cdm_jscc.rate_map import eta_for_frame, eta_index, levels_for, pack

        p, patch = self.params, self._session.metadata.patch
        esn0_db = reckoned_esn0_db(p.csit, p.esn0_db, None)
        told: dict[str, NDArray[Any]] = {"image": padded, "esn0_db": np.array([esn0_db], np.float32)}
        none = np.zeros((padded.shape[0] // patch, padded.shape[1] // patch), np.int64)
        bits = self._session.run("patch_bits", **told, levels=none, eta_index=np.zeros(1, np.int64))
        eta = p.eta
        if eta is None:
            eta = eta_for_frame(bits, frame_uses("encoders/onnx", p, height, width), p.rate_map)
        levels, index = levels_for(bits, eta), eta_index(eta)
        features = self._session.run(
            "features", **told, levels=levels.astype(np.int64), eta_index=np.array([index], np.int64)
        )
        shape, mode = ImageShape(height, width), CdmMode(index, esn0_db)
        return framed(pack(features, levels), levels, p.rate_map, shape, self._model, mode)

    def _sc_sic(self, image: Image) -> Out[Features]:
        (height, width, _), stride = image.shape, self._session.metadata.patch
        if height % stride or width % stride:
            raise SignalError(
                f"encoders/onnx: expected sides that are multiples of {stride} pixels, got {height} x {width}; scale "
                "or crop the picture"
            )
        embedding = self._session.run("embedding", image=image)
        return Out(embedding.reshape(-1), header=(ImageShape(height, width), self._model, ScSicMode()))

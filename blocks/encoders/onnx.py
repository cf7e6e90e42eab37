"""`encoders/onnx`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from ...models.deepjscc.names import Rate
from ...models.onnx.engine import Provider
from ...models.ratio import Ratio
from ...sim.side_information.cdm_mode import CdmMode
from ...sim.side_information.constellation_frame import ConstellationOrder
from ...sim.side_information.field import HeaderField
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.jscc_mode import JsccMode
from ...sim.side_information.model_id import ModelId
from ...sim.side_information.rate_map import RateMap
from ...sim.side_information.sc_sic_mode import ScSicMode
from .._learned.frames import sent
from .._learned.load import onnx_codec
from .._learned.settings import chosen_settings
from .._learned.system_folder import SystemFolder
from ..block import Block
from ..envelope import Out
from ..params import BlockParams, Live
from ..ports import Features, Image

__all__ = ["Onnx"]

_OWN = ("path", "system", "provider", "threads", "settings")


class Onnx(Block):
    r"""Encodes a picture by an exported ONNX file, without torch.

    .. math:: x = f(\mathrm{image}; \mathrm{SNR}, k)

    The file comes from ``semcom export``, which compares it with the network it was made from: features differ by less
    than 1e-4 of their root mean square. One file serves every rate, Es/N0 and size of picture. It says of which system
    it is; parameters and header are those of that system's own block, so that this block takes its place in any
    flowgraph, by ``--swap encoder=encoders/onnx:path=FILE``, and the receiver stays as it is. A parameter that the
    system does not take is an error when it is given; ``settings`` hold what it takes and this block does not list.

    Input:   image: uint8 ``[H, W, 3]``, sides of 1 to 65535; of an SC-SIC file multiples of its stride.
    Output:  float32 ``[n]``, as the block whose network it is; header: ImageShape, ModelId; of a DeepJSCC file
             JsccMode; of a CDM-JSCC or NTSCC file CdmMode and RateMap; of an SC-SIC file ScSicMode, always of the
             network's own size; of another system any HeaderField.
    Raises:  SignalError: a side is longer or no such multiple, the file has no such rate, or the CBR is below the least
             possible. WeightsError: the file is not one that `semcom export` wrote for this block, or of a system that
             is not here, or this onnxruntime does not run its operator set. UsageError: provider cuda without CUDA, or
             a setting that the system does not take, or adaptation_steps, which need gradients.
    State:   none; the file, loaded by `start`.
    Example: ``encoder: {use: encoders/onnx, path: encoder.onnx, rate: 1/12, esn0_db: $esn0_db}``
    """

    class Params(BlockParams):
        """Parameters."""

        path: str = Field(min_length=1, description="The ONNX file of an encoder.")
        system: SystemFolder | None = Field(
            None, description="Folder of a system that is not installed: ./toy; null: as the file says."
        )
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
            "1/24", description="CDM-JSCC, NTSCC: complex channel uses, header included, over 3 H W at most."
        )
        eta: Live[float | None] = Field(
            None, gt=0, le=64, description="CDM-JSCC, NTSCC: real values per bit of estimated entropy, in place of cbr."
        )
        rate_map: Literal["sent", "given"] = Field(
            "sent", description="CDM-JSCC, NTSCC: the rate map is sent and charged, or given free of charge."
        )
        csit: Literal["mean", "none"] = Field(
            "mean",
            description="What the transmitter knows of the channel: its mean Es/N0, or nothing (it takes 10 dB).",
        )
        esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="The mean Es/N0 in dB that `csit: mean` knows.")
        inversion_steps: Live[int | None] = Field(
            None, ge=0, description="Latent diffusion: T1, of DDIM inversion; null: as the system has it."
        )
        settings: Live[dict[str, Any]] = Field(
            {}, description="Further settings, by name, that the file's system takes and this block does not list."
        )

    params: Params
    writes_header = (ImageShape, ModelId)
    may_write_header = (JsccMode, CdmMode, RateMap, ScSicMode, HeaderField)

    def start(self) -> None:
        """Load the file."""
        p = self.params
        where: dict[str, Any] = {"system": p.system, "provider": p.provider, "threads": p.threads}
        self._codec = onnx_codec("encoders/onnx", p.path, role="encoder", **where)
        self._settings()

    def work(self, image: Image) -> Out[Features]:
        """Encode one picture."""
        return sent(self._codec, image, self._settings())

    def _settings(self) -> BaseModel:
        codec, p = self._codec, self.params
        return chosen_settings("encoders/onnx", codec.system, codec.sending, p, _OWN, p.settings)

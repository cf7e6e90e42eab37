"""`decoders/onnx`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from ...models.latent_diffusion.step_rule import Sampling
from ...models.onnx.engine import Provider
from ...sim.side_information.cdm_mode import CdmMode
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.jscc_mode import JsccMode
from ...sim.side_information.label_classes import LabelClasses
from ...sim.side_information.latent_mode import LatentMode
from ...sim.side_information.model_id import ModelId
from ...sim.side_information.rate_map import RateMap
from .._learned.frames import received
from .._learned.load import onnx_codec
from .._learned.settings import chosen_settings
from .._learned.system_folder import SystemFolder
from ..block import Block
from ..envelope import Header, Identity, State
from ..params import BlockParams, Live
from ..ports import Features, Image

__all__ = ["Onnx"]

Steps = Annotated[int, Field(ge=1)] | Sampling
_OWN = ("path", "system", "provider", "threads", "settings")


class Onnx(Block):
    r"""Decodes a picture by an exported ONNX file, without torch.

    .. math:: \hat{x} = f(y, N_0; \mathrm{SNR}, k)

    The counterpart of ``encoders/onnx``, for a file of any system, and of the system's own encoder: both write the same
    header. ``settings`` hold what the system takes and this block does not list. Use it with
    ``--swap decoder=decoders/onnx:path=FILE``. Equalised symbols are expected without bias (``equalizer: mmse`` or
    ``zf``).

    Input:   features: float32 ``[n]`` in the encoder's scale (``mappers/complex_to_real`` undoes the normalisation);
             header: ImageShape, ModelId; for a DeepJSCC file JsccMode; for a CDM-JSCC or NTSCC file CdmMode and
             RateMap; of latent diffusion LatentMode; of GESCO LabelClasses; state: n0, one number or float32
             ``[n / 2]``.
    Output:  uint8 sRGB ``[H, W, 3]``.
    Raises:  SignalError: n0 is not known, counts do not fit, values are not finite, or the frame was made for other
             weights. WeightsError: the file is not one that `semcom export` wrote for this block, or of a system that
             is not here, or this onnxruntime does not run its operator set. UsageError: provider cuda without CUDA, or
             a setting that the system does not take.
    State:   none; the file, loaded by `start`.
    Example: ``decoder: {use: decoders/onnx, path: decoder.onnx}``
    """

    class Params(BlockParams):
        """Parameters."""

        path: str = Field(min_length=1, description="The ONNX file of a decoder.")
        system: SystemFolder | None = Field(
            None, description="Folder of a system that is not installed: ./toy; null: as the file says."
        )
        provider: Provider = Field(
            "cpu",
            description="Where it runs: cuda fails where there is none; auto then takes the CPU, and the log says so.",
        )
        threads: int = Field(1, ge=1, le=256, description="CPU threads; their number may change the last bits.")
        steps: Live[Steps | None] = Field(
            None,
            description="CDM-JSCC: DDIM steps, 1 to 65. Latent diffusion: how sampling begins, or T3. "
            "null: as the system has it.",
        )
        inversion_steps: Live[int | None] = Field(
            None, ge=0, description="Latent diffusion: T2, of DDIM inversion; null: as the system has it."
        )
        guidance: Live[float] = Field(
            1.0, ge=0, le=4, description="CDM-JSCC: times what the diffusion adds to the estimate."
        )
        seed: Live[int | None] = Field(
            None,
            ge=0,
            lt=2**63,
            description="CDM-JSCC: fixes the sampler's noise, the same for every picture; null: the run's seed rules.",
        )
        fading_aware: Literal["on", "off"] = Field(
            "on",
            description="CDM-JSCC, NTSCC: reckon with the noise of each symbol, or with one of the frame's mean SNR.",
        )
        settings: Live[dict[str, Any]] = Field(
            {}, description="Further settings, by name, that the file's system takes and this block does not list."
        )

    params: Params
    reads_header = (ImageShape, ModelId)
    may_read_header = (JsccMode, CdmMode, RateMap, LatentMode, LabelClasses)

    def start(self) -> None:
        """Load the file."""
        p = self.params
        where: dict[str, Any] = {"system": p.system, "provider": p.provider, "threads": p.threads}
        self._codec = onnx_codec("decoders/onnx", p.path, role="decoder", **where)
        self._settings()

    def work(self, features: Features, header: Header, state: State, identity: Identity) -> Image:
        """Decode one picture."""
        came = received("decoders/onnx", features, header, state, self.rng(identity))
        return self._codec.decode(came, self._settings())

    def _settings(self) -> BaseModel:
        codec, p = self._codec, self.params
        return chosen_settings("decoders/onnx", codec.system, codec.receiving, p, _OWN, p.settings)

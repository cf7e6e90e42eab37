"""`decoders/ntscc`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...models.ntscc.names import DEFAULT, Variant
from ...models.ntscc.system import SYSTEM
from ...sim.side_information.cdm_mode import CdmMode
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.model_id import ModelId
from ...sim.side_information.rate_map import RateMap
from .._learned.computing import Device
from .._learned.frames import received
from .._learned.load import torch_codec
from .._learned.settings import settings_of
from ..block import Block
from ..envelope import Header, State
from ..params import BlockParams
from ..ports import Features, Image

__all__ = ["Ntscc"]


class Ntscc(Block):
    r"""Decodes what ``encoders/ntscc`` sent, from noisy features and the noise of each of them.

    .. math:: \hat y_i = f_d(\hat s_i; k_i, \mathrm{SNR}), \quad \hat x = g_s(\hat y)

    The level of each patch comes in the header, and with it how the power was shared out. How noisy each symbol was
    comes from the receiver's state; ``fading_aware: off`` hides that and leaves the frame's mean SNR. Equalised symbols
    are expected without bias (``equalizer: mmse`` or ``zf``).

    Input:   features: float32 ``[n]`` in the encoder's scale (``mappers/complex_to_real`` undoes the normalisation);
             header: ImageShape, ModelId, CdmMode, RateMap; state: n0, one number or float32 ``[n / 2]``.
    Output:  uint8 sRGB ``[H, W, 3]``.
    Raises:  SignalError: n0 is not known, counts do not fit, values are not finite, the frame is of other weights, or
             its header says what no encoder writes. WeightsError: the file of weights. UsageError: none are shipped for
             the variant, or there is no GPU. MissingExtra: torch is not installed.
    State:   none; the network, loaded by `start`.
    Source:  Dai et al., Nonlinear transform source-channel coding for semantic communications, IEEE JSAC 2022; Wang et
             al., Improved nonlinear transform source-channel coding, IEEE JSTSP 2023.
    Example: ``decoder: {use: decoders/ntscc}``
    """

    class Params(BlockParams):
        """Parameters."""

        variant: Variant = Field(DEFAULT, description="Of the weights; that of the encoder.")
        fading_aware: Literal["on", "off"] = Field(
            "on", description="Reckon with the noise of each symbol, or with one of the frame's mean SNR."
        )
        device: Device = "cpu"
        weights: str | None = Field(None, min_length=1, description="A safetensors file; null for the shipped one.")

    params: Params
    reads_header = (ImageShape, ModelId, CdmMode, RateMap)

    def start(self) -> None:
        """Load the network."""
        p = self.params
        self._codec = torch_codec("decoders/ntscc", SYSTEM, p.variant, p.weights, role="decoder", device=p.device)

    def work(self, features: Features, header: Header, state: State) -> Image:
        """Decode one picture."""
        came = received("decoders/ntscc", features, header, state)
        return self._codec.decode(came, settings_of(self._codec.receiving, self.params))

"""`decoders/deepjscc`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from ...models.deepjscc.names import DEFAULT, NUMBERS, Variant
from ...models.deepjscc.system import SYSTEM
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.jscc_mode import JsccMode
from ...sim.side_information.model_id import ModelId
from .._learned.frames import received
from .._learned.load import torch_codec
from ..block import Block
from ..envelope import Header, State
from ..params import BlockParams
from ..ports import Features, Image

if TYPE_CHECKING:
    from ...models.codec import PictureCodec

__all__ = ["Deepjscc"]


class Deepjscc(Block):
    r"""Decodes what ``encoders/deepjscc`` sent, from noisy features and the noise of each of them.

    .. math:: \hat{x} = \mathrm{KLT}^{-1} \frac{g \lambda}{g^2 \lambda + N_0}\, y + f_\theta(y, N_0; \mathrm{SNR}, k)

    Rate, variant and the Es/N0 that the encoder reckoned with come in the header; how noisy each symbol really was
    comes from the receiver's state, so that fading and a wrong assumption of the encoder are met. Equalised symbols are
    expected without bias (``equalizer: mmse`` or ``zf``).

    Input:   features: float32 ``[n]`` in the encoder's scale (``mappers/complex_to_real`` undoes the normalisation);
             header: ImageShape, ModelId, JsccMode; state: n0, one number or float32 ``[n / 2]``.
    Output:  uint8 sRGB ``[H, W, 3]``.
    Raises:  SignalError: n0 is not known, counts do not fit, or the frame is of other weights. WeightsError: the file
             of weights. MissingExtra: torch is not installed.
    State:   none; the networks, loaded by `start` and when first met.
    Source:  Bourtsoulatze, Burth Kurka & Gunduz, Deep joint source-channel coding for wireless image transmission,
             IEEE TCCN 5(3), 2019.
    Example: ``decoder: {use: decoders/deepjscc}``
    """

    class Params(BlockParams):
        """Parameters."""

        weights: str | None = Field(None, min_length=1, description="A safetensors file; null for the shipped one.")

    params: Params
    reads_header = (ImageShape, ModelId, JsccMode)

    def start(self) -> None:
        """Load the network."""
        self._codecs = {DEFAULT: self._load(DEFAULT)}

    def work(self, features: Features, header: Header, state: State) -> Image:
        """Decode one picture."""
        variant = header.read(ModelId).variant(SYSTEM.name, NUMBERS)
        if variant not in self._codecs:
            self._codecs[variant] = self._load(variant)
        codec = self._codecs[variant]
        return codec.decode(received("decoders/deepjscc", features, header, state), codec.receiving())

    def _load(self, variant: Variant) -> PictureCodec[Any, Any, Any]:
        return torch_codec("decoders/deepjscc", SYSTEM, variant, self.params.weights, role="decoder")

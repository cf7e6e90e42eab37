"""`decoders/deepjscc`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import SignalError
from ...models.deepjscc.names import NUMBERS, RATES
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.jscc_mode import JsccMode
from ...sim.side_information.model_id import ModelId
from ..block import Block
from ..encoders.deepjscc import load_codec
from ..envelope import Header, State
from ..params import BlockParams
from ..ports import Features, Image

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
        self._codecs = {"adaptive": load_codec("decoders/deepjscc", "adaptive", self.params.weights)}

    def work(self, features: Features, header: Header, state: State) -> Image:
        """Decode one picture."""
        shape, model, mode = header.read(ImageShape), header.read(ModelId), header.read(JsccMode)
        variant = model.variant("decoders/deepjscc", NUMBERS)
        if state.n0 is None:
            raise SignalError(
                "decoders/deepjscc: expected n0 in the receiver's state, got none; connect a channel that adds noise; "
                "channels/cascade joins it with impairments, which add none"
            )
        n0 = _of_features(state.n0, features.size)
        if variant not in self._codecs:
            self._codecs[variant] = load_codec("decoders/deepjscc", variant, self.params.weights)
        codec = self._codecs[variant]
        model.check_weights("decoders/deepjscc", NUMBERS, variant, codec.tag)
        return codec.decode(
            features,
            n0,
            rate=RATES[mode.rate_index],
            esn0_db=mode.esn0_db,
            height=shape.height,
            width=shape.width,
        )


def _of_features(n0: float | NDArray[np.float32], count: int) -> float | NDArray[np.float32]:
    """Return n0 of every feature: a symbol has two, but for a last one that was padded."""
    if not np.ndim(n0):
        return n0
    if np.size(n0) != -(-count // 2):
        raise SignalError(
            f"decoders/deepjscc: expected n0 of {-(-count // 2)} symbols for {count} features, got {np.size(n0)}"
        )
    return np.repeat(np.asarray(n0, np.float32), 2)[:count]

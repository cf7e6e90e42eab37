"""`encoders/deepjscc`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ...errors import MissingExtra, SignalError
from ...models.deepjscc.names import NUMBERS, RATES, SHIPPED, Rate, Variant
from ...sim.constellations.gaussian import effective_esn0_db
from ...sim.side_information.constellation_frame import ConstellationOrder
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.jscc_mode import JsccMode
from ...sim.side_information.model_id import ModelId
from ..block import Block
from ..envelope import Out
from ..params import BlockParams, Live
from ..ports import Features, Image

if TYPE_CHECKING:
    from ...models.deepjscc.codec import DeepJsccCodec

__all__ = ["Deepjscc", "load_codec", "reckoned_esn0_db"]


class Deepjscc(Block):
    r"""Encodes a picture straight to channel symbols by a network that knows the mean SNR.

    .. math:: x = G(\mathrm{SNR}, k)\, \mathrm{KLT}(\mathrm{image}) + f_\theta(\mathrm{image}; \mathrm{SNR}, k)

    One network for four rates and 0 to 20 dB. ``variant: linear`` is the yardstick, fitted and not trained: KLT with
    power allocation, without f. The features are not normalised yet; ``mappers/real_to_complex`` does that. Es/N0 is
    rounded to whole dB from 0 to 20, since the receiver is told it in the header. Where ``mappers/to_constellation``
    follows, ``bits_per_symbol`` says which constellation: rounding to its points is noise too, and the encoder reckons
    with both. ``variant: quantised`` is the network trained on for that, on 4- to 256-QAM.

    Input:   image: uint8 ``[H, W, 3]``, sides of at most 65535.
    Output:  float32 ``[n]``, n = 6 H W rate with H and W rounded up to multiples of the patch (16); header: ImageShape,
             ModelId, JsccMode.
    Raises:  SignalError: a side is longer. WeightsError: the file of weights. MissingExtra: torch is not installed.
    State:   none; the network, loaded by `start`.
    Source:  Bourtsoulatze, Burth Kurka & Gunduz, Deep joint source-channel coding for wireless image transmission,
             IEEE TCCN 5(3), 2019; Jakubczak & Katabi, SoftCast, MobiCom 2011 (linear); Tung et al., DeepJSCC-Q, IEEE
             J. Sel. Areas Inf. Theory 3(4), 2022 (quantised).
    Example: ``encoder: {use: encoders/deepjscc, rate: 1/12, esn0_db: $esn0_db}``
    """

    class Params(BlockParams):
        """Parameters."""

        rate: Live[Rate] = Field("1/12", description="Channel bandwidth ratio of the payload.")
        variant: Variant = Field(
            "adaptive", description="The trained network, the linear code, or the network trained on constellations."
        )
        bits_per_symbol: Live[ConstellationOrder | None] = Field(
            None, description="Of the constellation that the features will be put on; null: none."
        )
        csit: Literal["mean", "none"] = Field(
            "mean",
            description="What the transmitter knows of the channel: its mean Es/N0, or nothing (it takes 10 dB).",
        )
        esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="The mean Es/N0 in dB that `csit: mean` knows.")
        weights: str | None = Field(None, min_length=1, description="A safetensors file; null for the shipped one.")

    params: Params
    writes_header = (ImageShape, ModelId, JsccMode)

    def start(self) -> None:
        """Load the network."""
        self._codec = load_codec("encoders/deepjscc", self.params.variant, self.params.weights)

    def work(self, image: Image) -> Out[Features]:
        """Encode one picture."""
        p = self.params
        if max(image.shape) > 65535:
            raise SignalError(f"encoders/deepjscc: expected sides of at most 65535 pixels, got {list(image.shape)}")
        esn0_db = reckoned_esn0_db(p.csit, p.esn0_db, p.bits_per_symbol)
        features = self._codec.encode(image, rate=p.rate, esn0_db=esn0_db)
        model = ModelId(NUMBERS[p.variant], self._codec.tag)
        mode = JsccMode(RATES.index(p.rate), esn0_db)
        return Out(features, header=(ImageShape(*image.shape[:2]), model, mode))


def reckoned_esn0_db(csit: Literal["mean", "none"], esn0_db: float, bits_per_symbol: ConstellationOrder | None) -> int:
    """Return the Es/N0 in whole dB, 0 to 20, that an encoder reckons with and tells the receiver.

    Args:
        csit: What the transmitter knows.
        esn0_db: The mean Es/N0 in dB that ``mean`` knows.
        bits_per_symbol: Of the constellation whose rounding is noise too, if there is one.
    """
    known_db = esn0_db if csit == "mean" else 10.0
    if bits_per_symbol is not None:
        known_db = effective_esn0_db(bits_per_symbol, known_db)
    return round(min(max(known_db, 0), 20))


def load_codec(who: str, variant: Variant, weights: str | None) -> DeepJsccCodec:
    """Load a codec for a block: the file of weights if one is named, else what is shipped for the variant.

    Raises:
        MissingExtra: torch or safetensors is not installed.
    """
    try:
        from ...models.deepjscc.codec import DeepJsccCodec
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("semcom"):
            raise
        raise MissingExtra(who, error.name, "models") from None
    return DeepJsccCodec(SHIPPED.path(variant) if weights is None else Path(weights))

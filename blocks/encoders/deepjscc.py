"""`encoders/deepjscc`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...models.deepjscc.names import DEFAULT, Rate, Variant, rate_at_most
from ...models.deepjscc.system import SYSTEM
from ...sim.side_information.constellation_frame import ConstellationOrder
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.jscc_mode import JsccMode
from ...sim.side_information.model_id import ModelId
from .._adaptation.link import read_link
from .._learned.frames import sent
from .._learned.load import torch_codec
from .._learned.settings import settings_of
from ..block import Block
from ..envelope import Out
from ..params import BlockParams, Live
from ..ports import Features, Image, Link

__all__ = ["Deepjscc"]


class Deepjscc(Block):
    r"""Encodes a picture straight to channel symbols by a network that knows the mean SNR.

    .. math:: x = G(\mathrm{SNR}, k)\, \mathrm{KLT}(\mathrm{image}) + f_\theta(\mathrm{image}; \mathrm{SNR}, k)

    One network for four rates and 0 to 20 dB. ``variant: linear`` is the yardstick, fitted and not trained: KLT with
    power allocation, without f. The features are not normalised yet; ``mappers/real_to_complex`` does that. Es/N0 is
    rounded to whole dB from 0 to 20, since the receiver is told it in the header. Where ``mappers/to_constellation``
    follows, ``bits_per_symbol`` says which constellation: rounding to its points is noise too, and the encoder reckons
    with both. ``variant: quantised`` is the network trained on for that, on 4- to 256-QAM; ``perceptual`` was trained
    on for the look of pictures; ``gan``, from there against a discriminator, is for weights of your own. With
    ``adaptation_steps`` the features are improved for this picture: each step sends them over AWGN and through
    the decoder's own network, and follows the gradient of the squared error; the decoder needs not know. Over fading
    the gain is less, or none.

    Input:   image: uint8 ``[H, W, 3]``, sides of 1 to 65535; link: float32 ``[2]``, optional: CBR and Es/N0 in dB for
             this picture, in place of rate (the greatest that is not above it) and esn0_db.
    Output:  float32 ``[n]``, n = 6 H W rate with H and W rounded up to multiples of the patch (16); header: ImageShape,
             ModelId, JsccMode; with adaptation_steps trace: adaptation_gain_db.
    Raises:  SignalError: a side is longer; link is none, or below every rate. WeightsError: the file of weights.
             MissingExtra: torch is not installed.
    State:   none; the network, loaded by `start`.
    Source:  Bourtsoulatze, Burth Kurka & Gunduz, Deep joint source-channel coding for wireless image transmission,
             IEEE TCCN 5(3), 2019; Jakubczak & Katabi, SoftCast, MobiCom 2011 (linear); Tung et al., DeepJSCC-Q, IEEE
             J. Sel. Areas Inf. Theory 3(4), 2022 (quantised); Mentzer et al., High-fidelity generative image
             compression, NeurIPS 2020 (gan).
    Example: ``encoder: {use: encoders/deepjscc, rate: 1/12, esn0_db: $esn0_db}``
    """

    class Params(BlockParams):
        """Parameters."""

        rate: Live[Rate] = Field("1/12", description="Channel bandwidth ratio of the payload.")
        variant: Variant = Field(
            DEFAULT,
            description="The trained network; the linear code; or the network trained on: on constellations, for the "
            "look, or against a discriminator.",
        )
        bits_per_symbol: Live[ConstellationOrder | None] = Field(
            None, description="Of the constellation that the features will be put on; null: none."
        )
        csit: Literal["mean", "none"] = Field(
            "mean",
            description="What the transmitter knows of the channel: its mean Es/N0, or nothing (it takes 10 dB).",
        )
        esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="The mean Es/N0 in dB that `csit: mean` knows.")
        adaptation_steps: Live[int] = Field(
            0,
            ge=0,
            le=1000,
            description="Steps of descent through the decoder by which the picture's own features are improved.",
        )
        weights: str | None = Field(None, min_length=1, description="A safetensors file; null for the shipped one.")

    params: Params
    writes_header = (ImageShape, ModelId, JsccMode)

    def start(self) -> None:
        """Load the network."""
        p = self.params
        self._codec = torch_codec("encoders/deepjscc", SYSTEM, p.variant, p.weights, role="encoder")

    def work(self, image: Image, link: Link | None = None) -> Out[Features]:
        """Encode one picture."""
        settings = settings_of(self._codec.sending, self.params)
        if link is not None:
            told = read_link("encoders/deepjscc", link)
            settings = settings.model_copy(update={"rate": rate_at_most(float(told.cbr)), "esn0_db": told.esn0_db})
        return sent(self._codec, image, settings)

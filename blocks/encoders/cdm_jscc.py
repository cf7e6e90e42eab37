"""`encoders/cdm_jscc`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...models.cdm_jscc.names import DEFAULT, Variant
from ...models.cdm_jscc.system import SYSTEM
from ...models.ratio import Ratio
from ...sim.side_information.cdm_mode import CdmMode
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.model_id import ModelId
from ...sim.side_information.rate_map import RateMap
from .._adaptation.link import read_link
from .._learned.frames import sent
from .._learned.load import torch_codec
from .._learned.settings import settings_of
from ..block import Block
from ..envelope import Out
from ..params import BlockParams, Live
from ..ports import Features, Image, Link

__all__ = ["CdmJscc"]


class CdmJscc(Block):
    r"""Encodes a picture to channel symbols by a network that gives busy patches more of them.

    .. math:: k_i = Q(\eta h_i), \quad x_i = f_e(y_i; k_i, \mathrm{SNR}), \quad
        \sum_i \frac{k_i}{2} + n_\mathrm{header} \le \mathrm{CBR} \cdot 3 H W

    h_i is the estimated entropy of a patch of 16 x 16 pixels, Q rounds up to one of 16 levels (16 to 256 real values);
    the receiver is told the levels. ``cbr`` counts everything: from its uses the header is paid, the coded levels and
    the 16 bits of ``mappers/real_to_complex`` included, and eta is chosen such that the frame fills the rest.
    With ``eta`` the rate follows the picture. The features are not normalised yet; the mapper does that. One network
    serves 0 to 20 dB; ``csit: none`` turns that off. With ``adaptation_steps`` the features are improved for this
    picture: each step sends them over AWGN and through the decoder's network before diffusion, and follows the
    gradient of the squared error; over fading the gain is less, or none. The frame is no longer and the decoder needs
    not know; a step takes some 0.3 s of one core for 512 x 512 pixels.

    Input:   image: uint8 ``[H, W, 3]``, sides of 1 to 65535, continued to multiples of 16 by their last pixels; link:
             float32 ``[2]``, optional: CBR and Es/N0 in dB for this picture, in place of cbr and esn0_db.
    Output:  float32 ``[n]``, n even; header: ImageShape, ModelId, CdmMode, RateMap; trace: rate_map_plain_bits,
             what the map had without its entropy coder; with adaptation_steps adaptation_gain_db.
    Raises:  SignalError: a side is longer, the CBR is below the least possible, or link is none. WeightsError: the file
             of weights. MissingExtra: torch is not installed.
    State:   none; the network, loaded by `start`.
    Source:  Zhang et al., Rate-adaptive generative semantic communication using conditional diffusion models, IEEE
             Wireless Commun. Lett. 2025.
    Example: ``encoder: {use: encoders/cdm_jscc, cbr: 1/12, esn0_db: $esn0_db}``
    """

    class Params(BlockParams):
        """Parameters."""

        cbr: Live[Ratio] = Field(
            "1/24",
            description="Complex channel uses, header included, over 3 H W at most: a number, or a fraction as a text.",
        )
        eta: Live[float | None] = Field(
            None,
            gt=0,
            le=64,
            description="Real values per bit of estimated entropy; with it the rate follows the picture, not cbr.",
        )
        csit: Literal["mean", "none"] = Field(
            "mean",
            description="What the transmitter knows of the channel: its mean Es/N0, or nothing (it takes 10 dB).",
        )
        esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="The mean Es/N0 in dB that `csit: mean` knows.")
        rate_map: Literal["sent", "given"] = Field(
            "sent",
            description="The rate map is sent and charged; or given to the receiver free of charge, for comparisons.",
        )
        adaptation_steps: Live[int] = Field(
            0,
            ge=0,
            le=1000,
            description="Steps of descent through the decoder by which the picture's own features are improved.",
        )
        variant: Variant = Field(
            DEFAULT,
            description="Whose backbone: that of ``d`` and ``p``, or the NTSCC network of ``ntscc-d`` and ``ntscc-p``.",
        )
        weights: str | None = Field(None, min_length=1, description="A safetensors file; null for the shipped one.")

    params: Params
    writes_header = (ImageShape, ModelId, CdmMode, RateMap)

    def start(self) -> None:
        """Load the network."""
        p = self.params
        self._codec = torch_codec("encoders/cdm_jscc", SYSTEM, p.variant, p.weights, role="encoder")

    def work(self, image: Image, link: Link | None = None) -> Out[Features]:
        """Encode one picture."""
        settings = settings_of(self._codec.sending, self.params)
        if link is not None:
            settings = settings.model_copy(update=read_link("encoders/cdm_jscc", link)._asdict())
        return sent(self._codec, image, settings)

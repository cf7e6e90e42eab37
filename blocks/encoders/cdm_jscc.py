"""`encoders/cdm_jscc`."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import MissingExtra, SignalError, UsageError
from ...models.cdm_jscc.names import NUMBERS, Variant
from ...sim.bandwidth import robust_uses
from ...sim.side_information.cdm_mode import CdmMode
from ...sim.side_information.field import Unsent
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.model_id import ModelId
from ...sim.side_information.power_scale import PowerScale
from ...sim.side_information.rate_map import PLAIN_BITS, RateMap
from ..block import Block
from ..envelope import Out
from ..params import BlockParams, Live
from ..ports import Features, Image
from ..ratio import Ratio
from .deepjscc import reckoned_esn0_db

if TYPE_CHECKING:
    from ...models.cdm_jscc.codec import CdmJsccCodec

__all__ = ["CdmJscc", "CdmParams", "frame_uses", "framed", "load_codec"]

_PATCH = 16
_LEAST_USES = 8  # of a patch: 16 real values


class CdmJscc(Block):
    r"""Encodes a picture to channel symbols by a network that gives busy patches more of them.

    .. math:: k_i = Q(\eta h_i), \quad x_i = f_e(y_i; k_i, \mathrm{SNR}), \quad
        \sum_i \frac{k_i}{2} + n_\mathrm{header} \le \mathrm{CBR} \cdot 3 H W

    h_i is the estimated entropy of a patch of 16 x 16 pixels, Q rounds up to one of 16 levels (16 to 256 real values);
    the receiver is told the levels. ``cbr`` counts everything: from its uses the header is paid, the coded levels and
    the 16 bits of ``mappers/real_to_complex`` included, and eta is chosen such that the frame fills the rest.
    With ``eta`` the rate follows the picture. The features are not normalised yet; the mapper does that. One network
    serves 0 to 20 dB; ``csit: none`` turns that off.

    Input:   image: uint8 ``[H, W, 3]``, sides of at most 65535, continued to multiples of 16 by their last pixels.
    Output:  float32 ``[n]``, n even; header: ImageShape, ModelId, CdmMode, RateMap; trace: rate_map_plain_bits,
             what the map had without its entropy coder.
    Raises:  SignalError: a side is longer, or the CBR is below the least possible. WeightsError: the file of weights.
             MissingExtra: torch is not installed.
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
        weights: str | None = Field(None, min_length=1, description="A safetensors file; null for the shipped one.")

    params: Params
    writes_header = (ImageShape, ModelId, CdmMode, RateMap)

    def start(self) -> None:
        """Load the network."""
        self._codec = load_codec("encoders/cdm_jscc", "d", self.params.weights)  # both variants have one transmitter

    def work(self, image: Image) -> Out[Features]:
        """Encode one picture."""
        p = self.params
        height, width = image.shape[:2]
        if not 0 < min(height, width) <= max(height, width) <= 65535:
            raise SignalError(f"encoders/cdm_jscc: expected sides of 1 to 65535 pixels, got {height} x {width}")
        esn0_db = reckoned_esn0_db(p.csit, p.esn0_db, None)
        uses = frame_uses("encoders/cdm_jscc", p, height, width) if p.eta is None else None
        made = self._codec.encode(image, esn0_db=esn0_db, eta=p.eta, frame_uses=uses, rate_map=p.rate_map)
        model, mode = ModelId(NUMBERS["d"], self._codec.tag), CdmMode(made.eta_index, esn0_db)
        return framed(made.features, made.levels, p.rate_map, ImageShape(height, width), model, mode)


class CdmParams(Protocol):
    """Parameters that rule the size of a frame."""

    @property
    def cbr(self) -> float | str:
        """Complex channel uses over 3 H W at most."""

    @property
    def rate_map(self) -> Literal["sent", "given"]:
        """Whether the rate map is charged."""


def framed(
    features: Features,
    levels: NDArray[np.uint8],
    rate_map: Literal["sent", "given"],
    *header: ImageShape | ModelId | CdmMode,
) -> Out[Features]:
    """Return a frame with its header: these fields, and the rate map uint8 ``[h, w]``."""
    told = RateMap.of(levels)
    sent = told if rate_map == "sent" else Unsent(told)
    return Out(features, header=(*header, sent), trace={"rate_map_plain_bits": float(PLAIN_BITS * levels.size)})


def frame_uses(who: str, params: CdmParams, height: int, width: int) -> float:
    """Return the complex channel uses that ``cbr`` leaves for payload and rate map of a picture of so many pixels.

    Raises:
        SignalError: less than the least that there is.
    """
    fixed = ImageShape(height, width), ModelId(0, 0), CdmMode(0, 0), PowerScale(1.0)
    header_uses = robust_uses(sum(field.bits() for field in fixed))
    grid = -(-height // _PATCH), -(-width // _PATCH)
    payload = _LEAST_USES * grid[0] * grid[1]
    least_map = robust_uses(RateMap.of(np.zeros(grid, np.uint8)).bits()) if params.rate_map == "sent" else 0
    total = math.floor(Fraction(params.cbr) * 3 * height * width)
    if total < payload + least_map + header_uses:
        cbr = (payload + least_map + header_uses) / (3 * height * width)
        unit = 10.0 ** (math.floor(math.log10(cbr)) - 2)  # three digits, rounded up: what it names must do
        raise SignalError(
            f"{who}: expected a CBR of at least {math.ceil(cbr / unit) * unit:.3g} for {height} x {width} pixels "
            f"({payload} uses of payload, {least_map + header_uses} of header), got {params.cbr}; raise cbr, or send a "
            "larger picture"
        )
    return total - header_uses


def load_codec(
    who: str,
    variant: Variant,
    weights: str | None,
    *,
    device: Literal["cpu", "cuda"] = "cpu",
    precision: Literal["float32", "bfloat16"] = "float32",
) -> CdmJsccCodec:
    """Load a codec for a block: the file of weights if one is named, else what is shipped for the variant.

    Raises:
        MissingExtra: torch or safetensors is not installed.
        UsageError: a GPU is asked for and torch finds none.
    """
    try:
        import torch

        from ...models.cdm_jscc.codec import CdmJsccCodec
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("semcom"):
            raise
        raise MissingExtra(who, error.name, "models") from None
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"{who}: device: expected cpu, got cuda, and this torch finds no GPU; leave device out")
    return CdmJsccCodec(None if weights is None else Path(weights), variant, device=device, precision=precision)

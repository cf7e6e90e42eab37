"""`encoders/sc_sic`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...models.sc_sic.names import DEFAULT, Downscale, Variant
from ...models.sc_sic.system import SYSTEM
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.model_id import ModelId
from ...sim.side_information.sc_sic_mode import ScSicMode
from .._learned.computing import Device
from .._learned.frames import sent
from .._learned.load import torch_codec
from .._learned.settings import settings_of
from ..block import Block
from ..envelope import Out
from ..params import BlockParams, Live
from ..ports import Features, Image

__all__ = ["ScSic"]


class ScSic(Block):
    r"""Encodes a picture to a small embedding, from which a generative receiver rebuilds it.

    .. math:: Z = f_\phi(\mathrm{image} \downarrow d), \quad Z \in \mathbb{R}^{c \times \lfloor d H / s \rfloor \times
        \lfloor d W / s \rfloor}

    The variants ``mini-48`` (c = 16, s = 16) and ``mini-341`` (9, 32) are shipped, with d = 1; ``mini-48-clean`` is the
    first before its receiver met noise, with the same encoder. ``lite`` and ``large`` are Stable Cascade's: one encoder
    (16, 32) with d = 0.75, whose weights are looked for in a folder or in the hub's cache, never on the network;
    ``tiny`` is the same at no size, for tests. ``downscale: auto`` takes the smallest embedding that carries as much
    over this channel as 0.75 does at 7 dB, or the largest: 1 below 7 dB, 0.5 above 17.4 dB. The features have about
    unit variance; ``mappers/real_to_complex`` normalises the frame.

    Input:   image: uint8 ``[H, W, 3]``, sides multiples of 32 (of 64 for lite and large), at most 65535.
    Output:  float32 ``[n]``, channels, rows and columns in C order; header: ImageShape, ModelId, ScSicMode.
    Raises:  SignalError: a side is no such multiple, or longer, or shorter than one row. WeightsError: weights are
             missing or do not fit. UsageError: there is no GPU, or no such shipped weights. MissingExtra: torch or
             diffusers is not installed.
    State:   none; the network, loaded by `start`.
    Source:  Khalid et al., Efficient and robust semantic image communication via Stable Cascade, ICML workshop 2025.
    Example: ``encoder: {use: encoders/sc_sic, variant: mini-48, downscale: auto, esn0_db: $esn0_db}``
    """

    class Params(BlockParams):
        """Parameters."""

        variant: Variant = Field(DEFAULT, description="Which network: a shipped one, or a size of full scale.")
        weights: str | None = Field(
            None,
            min_length=1,
            description="A safetensors file with its card; for lite and large also a folder of published files, or a "
            "repository owner/name in the hub's cache. null: the shipped or the published ones.",
        )
        downscale: Live[Downscale] = Field(
            None,
            description="Of the sides before encoding, 0.5, 0.75 or 1: the size of the embedding; auto: as the channel "
            "asks for; null: the network's own.",
        )
        csit: Literal["mean", "none"] = Field(
            "mean",
            description="What the transmitter knows of the channel: its mean Es/N0, or nothing (auto takes 10 dB).",
        )
        esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="The mean Es/N0 in dB that `csit: mean` knows.")
        device: Device = "cpu"

    params: Params
    writes_header = (ImageShape, ModelId, ScSicMode)

    def start(self) -> None:
        """Load the network."""
        p = self.params
        self._codec = torch_codec("encoders/sc_sic", SYSTEM, p.variant, p.weights, role="encoder", device=p.device)

    def work(self, image: Image) -> Out[Features]:
        """Encode one picture."""
        return sent(self._codec, image, settings_of(self._codec.sending, self.params))

"""`encoders/swinjscc`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...models.swinjscc.names import DEFAULT, Rate, Variant
from ...models.swinjscc.system import SYSTEM
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.model_id import ModelId
from ...sim.side_information.swin_mode import SwinMode
from .._learned.computing import Device
from .._learned.frames import sent
from .._learned.load import torch_codec
from .._learned.settings import settings_of
from ..block import Block
from ..envelope import Out
from ..params import BlockParams, Live
from ..ports import Features, Image

__all__ = ["Swinjscc"]


class Swinjscc(Block):
    r"""Encodes a picture by attention within windows and gates that know the mean SNR and the rate.

    .. math:: x = (f_\theta(\mathrm{image}) \odot g_s(\mathrm{SNR}) \odot g_r(k))_S, \quad |S| = k

    S are the k channels that are sent of every position. Networks of this project send the first, so that S follows
    from the rate; the published ones send those whose gates :math:`g_r` are greatest over the picture, and the header
    tells which, 165 to 325 bits more. Es/N0 is rounded to whole dB from 0 to 20. The features are not normalised yet;
    ``mappers/real_to_complex`` does that, frame by frame. ``variant: mini`` is shipped; ``small`` is for training here,
    and ``base`` for weights of the public code.

    Input:   image: uint8 ``[H, W, 3]``, sides of 1 to 65535.
    Output:  float32 ``[n]``, n = 6 H W rate with H and W rounded up to multiples of the stride (16); header:
             ImageShape, ModelId, SwinMode.
    Raises:  SignalError: a side is longer, or the weights do not have the rate. WeightsError: the file of weights.
             UsageError: none are shipped for the variant. MissingExtra: torch is not installed.
    State:   none; the network, loaded by `start`.
    Source:  Yang et al., WITT, ICASSP 2023, and SwinJSCC, IEEE TCCN 2024.
    Example: ``encoder: {use: encoders/swinjscc, rate: 1/12, esn0_db: $esn0_db}``
    """

    class Params(BlockParams):
        """Parameters."""

        rate: Live[Rate] = Field("1/12", description="Channel bandwidth ratio of the payload.")
        variant: Variant = Field(DEFAULT, description="Of the weights, as the header says it.")
        csit: Literal["mean", "none"] = Field(
            "mean",
            description="What the transmitter knows of the channel: its mean Es/N0, or nothing (it takes 10 dB).",
        )
        esn0_db: Live[float] = Field(10.0, ge=-30, le=60, description="The mean Es/N0 in dB that `csit: mean` knows.")
        weights: str | None = Field(
            None,
            min_length=1,
            description="A safetensors file of a training here or of the public code; null for the shipped one.",
        )
        device: Device = "cpu"

    params: Params
    writes_header = (ImageShape, ModelId, SwinMode)

    def start(self) -> None:
        """Load the network."""
        p = self.params
        self._codec = torch_codec("encoders/swinjscc", SYSTEM, p.variant, p.weights, role="encoder", device=p.device)

    def work(self, image: Image) -> Out[Features]:
        """Encode one picture."""
        return sent(self._codec, image, settings_of(self._codec.sending, self.params))

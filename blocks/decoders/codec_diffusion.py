"""`decoders/codec_diffusion`."""

from __future__ import annotations

from typing import cast

from pydantic import Field

from ...errors import SignalError
from ...models.codec_diffusion.names import DEFAULT, NUMBERS, Variant
from ...models.codec_diffusion.receiver import Receiver, Receiving
from ...models.codec_diffusion.system import SYSTEM
from ...sim.codecs.codec import CodecName
from ...sim.side_information.coded_image import CodedImage
from ...sim.side_information.image_shape import ImageShape
from .._coded_link.received_image import OnFailure, plain_picture, received_image, received_qp
from .._learned.computing import Device, Precision
from .._learned.load import torch_codec
from .._learned.settings import settings_of
from ..block import Block
from ..envelope import Header, Identity, Out, State
from ..params import BlockParams, Live
from ..ports import Bytes, Image

__all__ = ["CodecDiffusion"]


class CodecDiffusion(Block):
    r"""Decodes a picture that HEVC or VVC coded, and adds by conditional diffusion what it lacks.

    .. math:: \hat x = \tilde x + \sigma(\mathrm{QP}, s)\, \mathrm{DDIM}_\theta(\tilde x, \mathrm{QP}, s)

    It takes the place of ``decoders/image_codec`` behind ``encoders/image_codec``: transmitter, bandwidth and link stay
    as they are, and nothing is sent for it. QP is read from the head of the slice, the scale s from the header.
    Variants hevc-d and vvc-d are for the least squared error, in one step; hevc-p and vvc-p for the look of a picture;
    each is for pictures of its coder. A frame that failed gives a plain picture and is counted, as there. The networks
    know QPs from 16 to 48 and pictures coded at their whole sides or at half of them: a smaller one is given as it was
    decoded.

    Input:   data: uint8 ``[n]``, padded or not; header: ImageShape, CodedImage; state: crc_ok, if a channel code wrote
             it.
    Output:  uint8 sRGB ``[H, W, 3]``; trace: failed, counts_as_zero, qp.
    Raises:  SignalError: the picture is of another coder, failed or not. WeightsError: the file of weights.
             MissingExtra: torch, PyAV or imageio-ffmpeg is not installed. UsageError: there is no GPU, or several steps
             or guidance are asked of weights that learnt by regression.
    State:   none; the network, loaded by `start`.
    Source:  Zhang et al., Rate-adaptive generative semantic communication using conditional diffusion models, IEEE
             Wireless Commun. Lett. 2025, for the receiver; Song et al., Denoising diffusion implicit models, ICLR 2021.
    Example: ``decoder: {use: decoders/codec_diffusion, variant: hevc-p, steps: 4}``
    """

    class Params(BlockParams):
        """Parameters."""

        variant: Variant = Field(
            DEFAULT,
            description="The coder, and trained for the least squared error (d) or for the look of a picture (p).",
        )
        steps: Live[int] = Field(1, ge=1, le=65, description="DDIM steps; the time to decode grows with them.")
        guidance: Live[float] = Field(
            1.0,
            ge=0,
            le=4,
            description="Times what the diffusion adds to the coded picture; 0 gives that picture alone.",
        )
        seed: Live[int | None] = Field(
            None,
            ge=0,
            lt=2**63,
            description="Fixes the sampler's noise, the same for every picture; null: the run's seed rules.",
        )
        on_failure: OnFailure = "mean_colour"
        device: Device = "cpu"
        precision: Precision = "float32"
        weights: str | None = Field(None, min_length=1, description="A safetensors file; null for the shipped one.")

    params: Params
    reads_header = (ImageShape, CodedImage)

    def start(self) -> None:
        """Load the network."""
        p = self.params
        how = {"device": p.device, "precision": p.precision}
        found = torch_codec("decoders/codec_diffusion", SYSTEM, p.variant, p.weights, role="decoder", **how)
        self._receiver = cast(Receiver, found)

    def work(self, data: Bytes, header: Header, state: State, identity: Identity) -> Out[Image]:
        """Decode one picture."""
        coded, coder = header.read(CodedImage), self._receiver.engine.coder
        if coded.codec != coder:
            raise SignalError(
                f"decoders/codec_diffusion: expected a picture coded by {coder}, got one by {coded.codec}; set codec: "
                f"{coder} in encoders/image_codec, or {_instead(coded.codec, self.params.weights)}"
            )
        came = received_image(data, header, state)
        qp = None if came.picture is None else received_qp(data, came)
        if came.picture is None or qp is None:
            return plain_picture(came.shape, self.params.on_failure)
        picture = self._receiver.denoised(
            came.picture, qp, coded.scale_eighths, settings_of(Receiving, self.params), self.rng(identity)
        )
        return Out(picture, trace={"failed": 0.0, "counts_as_zero": 0.0, "qp": float(qp)})


def _instead(codec: CodecName, weights: str | None) -> str:
    """What to do about a picture of another coder."""
    if (variant := f"{codec}-d") not in NUMBERS:
        return "use decoders/image_codec"
    return f"variant: {variant} here" if weights is None else f"weights for {codec} here"

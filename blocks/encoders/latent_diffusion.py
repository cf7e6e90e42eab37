"""`encoders/latent_diffusion`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...models.latent_diffusion.ddim import Inversion
from ...models.latent_diffusion.names import DEFAULT, Variant
from ...models.latent_diffusion.system import SYSTEM
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.latent_mode import STEPS, LatentMode
from ...sim.side_information.model_id import ModelId
from .._learned.computing import Device, Precision
from .._learned.frames import sent
from .._learned.load import torch_codec
from .._learned.settings import settings_of
from ..block import Block
from ..envelope import Out
from ..params import BlockParams, Live
from ..ports import Features, Image

__all__ = ["LatentDiffusion"]


class LatentDiffusion(Block):
    r"""Encodes a picture to the latent of a diffusion model, a few steps of DDIM inversion towards noise.

    .. math:: z_{t} = \sqrt{\bar\alpha_t}\, \frac{z_s - \sqrt{1 - \bar\alpha_s}\, \hat\epsilon}{\sqrt{\bar\alpha_s}}
        + \sqrt{1 - \bar\alpha_t}\, \hat\epsilon, \quad z_0 = s\, \mathcal{E}(\mathrm{image})

    Nothing in the network was trained for a channel. The variant ``mini-96`` is shipped: 4 latents for 8 x 8 pixels, a
    CBR of 1/96. A picture is continued at its lower and right edge up to multiples of 8, which is charged, and cut
    again by the receiver. ``sd-1.5`` is Stable Diffusion 1.5, ``sd`` any checkpoint of its layout, as 2.1 or SD-Turbo:
    weights are looked for in a folder or in the hub's cache, never on the network. Their denoiser is told what the
    picture shows: a prompt that both ends know beforehand or, with ``prompt_is: sent``, one in the header.

    Input:   image: uint8 ``[H, W, 3]``, sides of 1 to 65535.
    Output:  float32 ``[n]``, channels, rows and columns in C order; header: ImageShape, ModelId, LatentMode.
    Raises:  SignalError: no picture, or a longer side; a prompt of more than 77 tokens, or for a network without text.
             WeightsError: weights are missing or do not fit. UsageError: there is no GPU, or ``sd`` was given no
             weights. MissingExtra: torch, diffusers or transformers is not installed.
    State:   none; the network, loaded by `start`.
    Source:  Enabling training-free semantic communication systems with generative diffusion models, eq. 10.
    Example: ``encoder: {use: encoders/latent_diffusion, inversion_steps: 5}``
    """

    class Params(BlockParams):
        """Parameters."""

        variant: Variant = Field(DEFAULT, description="Which network.")
        weights: str | None = Field(
            None,
            min_length=1,
            description="A safetensors file with its card; for sd-1.5 and sd a folder in diffusers' layout, or a "
            "repository owner/name in the hub's cache. null: the shipped or the published ones.",
        )
        inversion_steps: Live[int] = Field(
            5, ge=0, le=STEPS, description="T1, of DDIM inversion, of 50; the receiver is told."
        )
        inversion: Inversion = Field(
            "ddim", description="Towards the noise that the network finds (ddim), or towards noise that is drawn."
        )
        latent: Live[Literal["mean", "sample"]] = Field(
            "mean", description="Of what the autoencoder finds possible: the mean, or a draw that the picture fixes."
        )
        prompt: Live[str] = Field(
            "", max_length=1000, description="What the picture shows, for a network that is told text."
        )
        prompt_is: Literal["shared", "sent"] = Field(
            "shared", description="Known to both ends beforehand; or in the header, and charged."
        )
        inversion_guidance: Live[float] = Field(
            1.0, ge=0, le=30, description="How strongly inversion follows the prompt; 1 inverts best, at half the work."
        )
        device: Device = "cpu"
        precision: Precision = "float32"

    params: Params
    writes_header = (ImageShape, ModelId, LatentMode)

    def start(self) -> None:
        """Load the network."""
        p = self.params
        self._codec = torch_codec(
            "encoders/latent_diffusion",
            SYSTEM,
            p.variant,
            p.weights,
            role="encoder",
            device=p.device,
            precision=p.precision,
        )

    def work(self, image: Image) -> Out[Features]:
        """Encode one picture."""
        return sent(self._codec, image, settings_of(self._codec.sending, self.params))

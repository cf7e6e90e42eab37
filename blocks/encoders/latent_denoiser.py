"""`encoders/latent_denoiser`."""

from __future__ import annotations

from pydantic import Field

from ...models.latent_denoiser.names import DEFAULT, Variant
from ...models.latent_denoiser.system import SYSTEM
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.model_id import ModelId
from .._learned.computing import Device
from .._learned.frames import sent
from .._learned.load import torch_codec
from .._learned.settings import settings_of
from ..block import Block
from ..envelope import Out
from ..params import BlockParams
from ..ports import Features, Image

__all__ = ["LatentDenoiser"]


class LatentDenoiser(Block):
    r"""Encodes a picture to the latent of an autoencoder that was trained for no channel.

    .. math:: z_0 = s\, \mathcal{E}(\mathrm{image})

    What ``encoders/latent_diffusion`` sends without inversion. The variant ``mini-96`` has its autoencoder: 4 latents
    for 8 x 8 pixels, a CBR of 1/96. A picture is continued at its lower and right edge up to multiples of 8, which is
    charged, and cut again by the receiver.

    Input:   image: uint8 ``[H, W, 3]``, sides of 1 to 65535.
    Output:  float32 ``[n]``, channels, rows and columns in C order; header: ImageShape, ModelId.
    Raises:  SignalError: no picture, or a longer side. WeightsError: weights are missing or do not fit. UsageError:
             there is no GPU. MissingExtra: torch or diffusers is not installed.
    State:   none; the network, loaded by `start`.
    Source:  Chen & Yang, CASC: Condition-aware semantic communication with latent diffusion models, 2024.
    Example: ``encoder: {use: encoders/latent_denoiser}``
    """

    class Params(BlockParams):
        """Parameters."""

        variant: Variant = Field(DEFAULT, description="Which network.")
        weights: str | None = Field(
            None, min_length=1, description="A safetensors file with its card beside it; null: what is shipped."
        )
        device: Device = "cpu"

    params: Params
    writes_header = (ImageShape, ModelId)

    def start(self) -> None:
        """Load the network."""
        p = self.params
        self._codec = torch_codec(
            "encoders/latent_denoiser", SYSTEM, p.variant, p.weights, role="encoder", device=p.device
        )

    def work(self, image: Image) -> Out[Features]:
        """Encode one picture."""
        return sent(self._codec, image, settings_of(self._codec.sending, self.params))

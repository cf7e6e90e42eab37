"""`decoders/latent_denoiser`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...models.latent_denoiser.names import DEFAULT, Variant
from ...models.latent_denoiser.system import SYSTEM
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.latent_mode import STEPS
from ...sim.side_information.model_id import ModelId
from .._learned.computing import Device
from .._learned.frames import received
from .._learned.load import torch_codec
from .._learned.settings import settings_of
from ..block import Block
from ..envelope import Header, Identity, State
from ..params import BlockParams, Live
from ..ports import Features, Image

__all__ = ["LatentDenoiser"]


class LatentDenoiser(Block):
    r"""Rebuilds a picture by a diffusion of latents whose condition is what was received, as CASC and DIFFSC do.

    .. math:: \hat z_0 = r + \sqrt{\frac{v}{1 + v}}\, f(z_t, r, v, t), \quad r = \frac{y}{1 + v}

    Its network was trained over the channel. It is given the latents as they came and the noise v of each value, and
    level and mean SNR change its filters (CASC's condition-aware network). A diffusion begins in noise and goes down in
    so many steps of DDIM; one step is the mean of what the latents could have been. Equalised symbols are expected
    without bias (``equalizer: mmse`` or ``zf``).

    Input:   features: float32 ``[n]`` in the encoder's scale (``mappers/complex_to_real`` undoes the normalisation);
             header: ImageShape, ModelId; state: n0, one number or float32 ``[n / 2]``.
    Output:  uint8 sRGB ``[H, W, 3]``.
    Raises:  SignalError: n0 is not known, counts do not fit, values are not finite, or the frame is of other weights.
             WeightsError: weights are missing or do not fit. UsageError: there is no GPU. MissingExtra: torch or
             diffusers is not installed.
    State:   none; the network, loaded by `start`.
    Source:  Chen & Yang, CASC: Condition-aware semantic communication with latent diffusion models, 2024; Jiang et al.,
             DIFFSC, ICASSP 2024; Cai et al., Condition-aware neural network for controlled image generation, CVPR 2024.
    Example: ``decoder: {use: decoders/latent_denoiser, steps: 4}``
    """

    class Params(BlockParams):
        """Parameters."""

        variant: Variant = Field(DEFAULT, description="Which network.")
        weights: str | None = Field(
            None, min_length=1, description="A safetensors file with its card beside it; null: what is shipped."
        )
        steps: Live[int] = Field(4, ge=1, le=STEPS, description="Of DDIM; one: the mean.")
        fading_aware: Literal["on", "off"] = Field(
            "on", description="Reckon with the noise of each symbol, or with one of the frame's mean SNR."
        )
        device: Device = "cpu"

    params: Params
    reads_header = (ImageShape, ModelId)

    def start(self) -> None:
        """Load the network."""
        p = self.params
        self._codec = torch_codec(
            "decoders/latent_denoiser", SYSTEM, p.variant, p.weights, role="decoder", device=p.device
        )

    def work(self, features: Features, header: Header, state: State, identity: Identity) -> Image:
        """Decode one picture."""
        came = received("decoders/latent_denoiser", features, header, state, self.rng(identity))
        return self._codec.decode(came, settings_of(self._codec.receiving, self.params))

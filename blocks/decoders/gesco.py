"""`decoders/gesco`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...models.gesco.names import DEFAULT, Variant
from ...models.gesco.system import SYSTEM
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.label_classes import LabelClasses
from ...sim.side_information.model_id import ModelId
from .._learned.computing import Device
from .._learned.frames import received
from .._learned.load import torch_codec
from .._learned.settings import settings_of
from ..block import Block
from ..envelope import Header, Identity, State
from ..params import BlockParams, Live
from ..ports import Features, Image

__all__ = ["Gesco"]


class Gesco(Block):
    r"""Draws a picture of what received one-hot maps mean, by a diffusion model.

    .. math:: \hat\epsilon = \epsilon_\theta(x_t, t, 0) + s \left(\epsilon_\theta(x_t, t, \hat m)
        - \epsilon_\theta(x_t, t, 0)\right)

    The maps are denoised by means and then maxima over 3 x 3 pixels (``denoising: pooled``, the paper's); by taking
    each pixel for the class of its greatest value (``decided``); or not at all (``none``). Maps of classes that the
    header does not name are zero. Over fading, where values differ in their noise, those with less count more in the
    means (``fading_aware: off``: all alike). Then a picture is drawn, from noise and in so many steps of 1000: its
    colours and textures are made up, its objects are where the map has them. ``ddpm`` adds noise in each step, of the
    variance that the network has learnt, as the paper does in 1000 steps; ``ddim`` adds none and needs fewer.

    Input:   features: float32 ``[n]`` in the encoder's scale (``mappers/complex_to_real`` undoes the normalisation);
             header: ImageShape, ModelId, LabelClasses; state: n0, one number or float32 ``[n / 2]``.
    Output:  uint8 sRGB ``[H, W, 3]``.
    Raises:  SignalError: n0 is not known, counts do not fit, values are not finite, or the frame has other classes.
             WeightsError: weights are missing or do not fit. UsageError: none are shipped for the variant, or there is
             no GPU. MissingExtra: torch or safetensors is not installed.
    State:   none; the network, loaded by `start`.
    Source:  Grassucci, Barbarossa & Comminiello, Generative semantic communication: diffusion models beyond bit
             recovery, 2023; Wang et al., Semantic image synthesis via diffusion models, 2022.
    Example: ``decoder: {use: decoders/gesco, sampling_steps: 2}``
    """

    class Params(BlockParams):
        """Parameters."""

        variant: Variant = Field(DEFAULT, description="Which network; weights are shipped for mini.")
        weights: str | None = Field(
            None,
            min_length=1,
            description="A safetensors file with its card beside it, or a file of the public code (.pt); null: what is "
            "shipped.",
        )
        denoising: Live[Literal["pooled", "decided", "none"]] = Field("pooled", description="Of the received maps.")
        fading_aware: Literal["on", "off"] = Field(
            "on", description="Reckon with the noise of each symbol, or with one of the frame's mean SNR."
        )
        sampler: Live[Literal["ddpm", "ddim"]] = Field("ddpm", description="With noise of its own, or without.")
        sampling_steps: Live[int] = Field(50, ge=1, le=1000, description="Of sampling, of 1000.")
        guidance_scale: Live[float] = Field(
            2.0, ge=0, le=20, description="How many times the maps' say counts; 1: once, at half the time."
        )
        device: Device = "cpu"

    params: Params
    reads_header = (ImageShape, ModelId, LabelClasses)

    def start(self) -> None:
        """Load the network."""
        p = self.params
        self._codec = torch_codec("decoders/gesco", SYSTEM, p.variant, p.weights, role="decoder", device=p.device)

    def work(self, features: Features, header: Header, state: State, identity: Identity) -> Image:
        """Draw one picture."""
        came = received("decoders/gesco", features, header, state, self.rng(identity))
        return self._codec.decode(came, settings_of(self._codec.receiving, self.params))

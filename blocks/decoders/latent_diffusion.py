"""`decoders/latent_diffusion`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...models.latent_diffusion.ddim import Inversion
from ...models.latent_diffusion.names import DEFAULT, Variant
from ...models.latent_diffusion.step_rule import Sampling
from ...models.latent_diffusion.system import SYSTEM
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.latent_mode import STEPS, LatentMode
from ...sim.side_information.model_id import ModelId
from .._learned.computing import Compile, Device, Graphs, Precision
from .._learned.frames import received
from .._learned.load import torch_codec
from .._learned.settings import settings_of
from ..block import Block
from ..envelope import Header, Identity, State
from ..params import BlockParams, Live
from ..ports import Features, Image

__all__ = ["LatentDiffusion"]


class LatentDiffusion(Block):
    r"""Rebuilds a picture from a latent that ``encoders/latent_diffusion`` sent: channel noise is diffusion noise.

    .. math:: \rho_t = \frac{1 - \bar\alpha_t}{\bar\alpha_t} = \frac{1 - \bar\alpha_{T_1 + T_2}}{\bar\alpha_{T_1 + T_2}}
        + \frac{P_z \sigma^2}{\bar\alpha_{T_1}}

    The receiver inverts T2 steps more, and samples back from the level t that has as much noise over signal as there is
    now: the measured noise decides how far. ``steps: exact`` begins at that very level, by a shorter first step;
    ``paper`` at the nearest of the grid of 50; ``one`` is a single step, to the mean of what the latent could have
    been; a number is T3, whatever the noise; ``linear`` shrinks each value to the least squared error, and samples
    nothing. ``rescale: off`` is the paper's, too: the latent stays as it is, though the network expects another power
    at that level. Over fading, values differ in their noise, and each joins the sampler at its own level
    (``fading_aware: off``, or ``rescale: off``: at one of the mean); ``one`` goes from the level of the median, and
    weighs what it made and what arrived by their inverse variances. Equalised symbols are expected without bias
    (``equalizer: mmse`` or ``zf``).
    The variants of Stable Diffusion follow the words that the header brings or, if it brings none, ``prompt``.

    Input:   features: float32 ``[n]`` in the encoder's scale (``mappers/complex_to_real`` undoes the normalisation);
             header: ImageShape, ModelId, LatentMode; state: n0, one number or float32 ``[n / 2]``.
    Output:  uint8 sRGB ``[H, W, 3]``.
    Raises:  SignalError: n0 is not known, counts do not fit, values are not finite, the frame is of other weights,
             the steps of both ends are more than 50, or a prompt has more than 77 tokens, or is for a network without
             text. WeightsError: weights are missing or do not fit. UsageError: there is no GPU, or ``sd`` was given no
             weights. MissingExtra: torch, diffusers or transformers is not installed.
    State:   none but that too much noise was reported; the network, loaded by `start`.
    Source:  Enabling training-free semantic communication systems with generative diffusion models, eqs. 9 to 17; Song
             et al., Denoising diffusion implicit models, ICLR 2021.
    Example: ``decoder: {use: decoders/latent_diffusion, inversion_steps: 5}``
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
        inversion_steps: Live[int] = Field(5, ge=0, le=STEPS, description="T2, of DDIM inversion, of 50.")
        inversion: Inversion = Field(
            "ddim", description="Towards the noise that the network finds (ddim), or towards noise that is drawn."
        )
        steps: Live[Sampling] = Field(
            "exact",
            description="How sampling begins: exact, paper; one step alone, or so many of 50; linear: none.",
        )
        rescale: Literal["on", "off"] = Field(
            "on", description="Bring the latent to the power that the network expects at the level that fits."
        )
        fading_aware: Literal["on", "off"] = Field(
            "on", description="Reckon with the noise of each symbol, or with one of the frame's mean SNR."
        )
        n0_error_db: Live[float] = Field(
            0.0, ge=-20, le=20, description="The noise is taken for so many dB more than was measured; for studies."
        )
        prompt: Live[str] = Field(
            "", max_length=1000, description="What pictures show, for a network that is told text, if nothing is sent."
        )
        inversion_guidance: Live[float] = Field(
            1.0, ge=0, le=30, description="How strongly inversion follows the prompt; as at the transmitter."
        )
        guidance: Live[float] = Field(
            1.0, ge=0, le=30, description="How strongly sampling follows the prompt; 1 is half the work of others."
        )
        device: Device = "cpu"
        precision: Precision = "float32"
        compile: Compile = "off"
        graphs: Graphs = "off"

    params: Params
    reads_header = (ImageShape, ModelId, LatentMode)

    def start(self) -> None:
        """Load the network."""
        p = self.params
        self._codec = torch_codec(
            "decoders/latent_diffusion",
            SYSTEM,
            p.variant,
            p.weights,
            role="decoder",
            device=p.device,
            precision=p.precision,
            compile=p.compile,
            graphs=p.graphs,
        )

    def work(self, features: Features, header: Header, state: State, identity: Identity) -> Image:
        """Decode one picture."""
        came = received("decoders/latent_diffusion", features, header, state, self.rng(identity))
        return self._codec.decode(came, settings_of(self._codec.receiving, self.params))

"""`decoders/sc_sic`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...models.sc_sic.names import DEFAULT, Variant
from ...models.sc_sic.system import SYSTEM
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.model_id import ModelId
from ...sim.side_information.sc_sic_mode import ScSicMode
from .._learned.computing import Compile, Device, Graphs, Precision
from .._learned.frames import received
from .._learned.load import torch_codec
from .._learned.settings import settings_of
from ..block import Block
from ..envelope import Header, Identity, State
from ..params import BlockParams, Live
from ..ports import Features, Image

__all__ = ["ScSic"]


class ScSic(Block):
    r"""Rebuilds a picture from the embedding that ``encoders/sc_sic`` sent, by diffusion in the latents of stage A.

    .. math:: x_s = \sqrt{\bar\alpha_s}\, \hat x_0 + \sqrt{1 - \bar\alpha_s - \sigma^2}\, \hat\epsilon(x_t, t, \hat Z)
        + \sigma z, \quad \mathrm{image} = f_\Theta^{-1}(x_0)

    The sampler's noise is that of the item (or of ``seed``), so that equal runs give equal pictures. ``eta``,
    ``temperature`` and ``guidance`` are the variant's own where they are null. How noisy each symbol was comes from the
    receiver's state: miniatures are told (``snr_conditioning: off`` gives them 10 dB whatever comes), the published
    weights of full size never are. ``fading_aware: off`` leaves the frame's mean SNR of it. Values that no encoder
    sends are erased; after decided bits, whose n0 is 0, their share also tells how noisy the rest is. A mean SNR
    outside the 1 to 20 dB of the training is reported once, on standard error, and decoding goes on. Equalised symbols
    are expected without bias (``equalizer: mmse`` or ``zf``).

    Input:   features: float32 ``[n]`` in the encoder's scale (``mappers/complex_to_real`` undoes the normalisation);
             header: ImageShape, ModelId, ScSicMode; state: n0, one number or float32 ``[n / 2]``, and esn0_db if there
             is one.
    Output:  uint8 sRGB ``[H, W, 3]``.
    Raises:  SignalError: n0 is not known, counts do not fit, values are not finite, the frame is of other weights, or
             its header says what no encoder writes. WeightsError: weights are missing or do not fit. UsageError: there
             is no GPU, no such shipped weights, or several steps, guidance or a temperature are asked of weights that
             learnt by regression. MissingExtra: torch or diffusers is not installed.
    State:   none but that the SNR was reported; the network, loaded by `start`.
    Source:  Khalid et al., Efficient and robust semantic image communication via Stable Cascade, ICML workshop 2025;
             Song et al., Denoising diffusion implicit models, ICLR 2021.
    Example: ``decoder: {use: decoders/sc_sic, variant: mini-48, steps: 2}``
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
        steps: Live[int] = Field(10, ge=1, le=50, description="Of the sampler; the time to decode grows with them.")
        eta: Live[float | None] = Field(None, ge=0, le=1, description="1 for DDPM, 0 for DDIM; null: the variant's.")
        temperature: Live[float | None] = Field(
            None,
            ge=0,
            le=1,
            description="Standard deviation of the sampler's noise: lower brings pictures nearer to their mean, and "
            "blurs; null: the variant's.",
        )
        guidance: Live[float | None] = Field(
            None,
            ge=0,
            le=4,
            description="Of the embedding over none; 1 is off, and half the work; null: the variant's.",
        )
        seed: Live[int | None] = Field(
            None,
            ge=0,
            lt=2**63,
            description="Fixes the sampler's noise, the same for every picture; null: the run's seed rules.",
        )
        snr_conditioning: Literal["on", "off"] = Field(
            "on", description="The network is told how noisy the embedding is; off: 10 dB, whatever it is."
        )
        fading_aware: Literal["on", "off"] = Field(
            "on", description="Reckon with the noise of each symbol, or with one of the frame's mean SNR."
        )
        device: Device = "cpu"
        precision: Precision = "float32"
        compile: Compile = "off"
        graphs: Graphs = "off"

    params: Params
    reads_header = (ImageShape, ModelId, ScSicMode)

    def start(self) -> None:
        """Load the network."""
        p = self.params
        self._codec = torch_codec(
            "decoders/sc_sic",
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
        came = received("decoders/sc_sic", features, header, state, self.rng(identity))
        return self._codec.decode(came, settings_of(self._codec.receiving, self.params))

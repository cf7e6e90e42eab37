"""`decoders/cdm_jscc`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...models.cdm_jscc.names import DEFAULT, Variant
from ...models.cdm_jscc.system import SYSTEM
from ...sim.side_information.cdm_mode import CdmMode
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.model_id import ModelId
from ...sim.side_information.rate_map import RateMap
from .._learned.computing import Device, Precision
from .._learned.frames import received
from .._learned.load import torch_codec
from .._learned.settings import settings_of
from ..block import Block
from ..envelope import Header, Identity, State
from ..params import BlockParams, Live
from ..ports import Features, Image

__all__ = ["CdmJscc"]


class CdmJscc(Block):
    r"""Decodes what ``encoders/cdm_jscc`` sent: an estimate, which a conditional diffusion model makes sharp.

    .. math:: x_{n-1} = \sqrt{\bar\alpha_{n-1}}\, X + \sqrt{1 - \bar\alpha_{n-1}}\,
        \frac{x_n - \sqrt{\bar\alpha_n}\, X}{\sqrt{1 - \bar\alpha_n}}, \quad X = X_\theta(x_n, n / N, \hat y)

    Variant p was trained for the look of a picture, d for the least squared error; both understand the same frames. So
    do ntscc-p and ntscc-d, those of an NTSCC network.
    The sampler's start is noise of the item (or of ``seed``), so that equal runs give equal pictures. How noisy each
    symbol was comes from the receiver's state; ``fading_aware: off`` hides that and leaves the frame's mean SNR.
    Equalised symbols are expected without bias (``equalizer: mmse`` or ``zf``).

    Input:   features: float32 ``[n]`` in the encoder's scale (``mappers/complex_to_real`` undoes the normalisation);
             header: ImageShape, ModelId, CdmMode, RateMap; state: n0, one number or float32 ``[n / 2]``.
    Output:  uint8 sRGB ``[H, W, 3]``.
    Raises:  SignalError: n0 is not known, counts do not fit, values are not finite, the frame is of other weights, or
             its header says what no encoder writes. WeightsError: the file of weights. MissingExtra: torch is not
             installed. UsageError: there is no GPU, or several steps or guidance are asked of weights that learnt by
             regression.
    State:   none; the network, loaded by `start`.
    Source:  Zhang et al., Rate-adaptive generative semantic communication using conditional diffusion models, IEEE
             Wireless Commun. Lett. 2025; Song et al., Denoising diffusion implicit models, ICLR 2021.
    Example: ``decoder: {use: decoders/cdm_jscc, variant: p, steps: 4}``
    """

    class Params(BlockParams):
        """Parameters."""

        variant: Variant = Field(
            DEFAULT,
            description="Trained for the least squared error (d), or for the look of a picture (p); behind an NTSCC "
            "network (ntscc-d, ntscc-p).",
        )
        steps: Live[int] = Field(1, ge=1, le=65, description="DDIM steps; the time to decode grows with them.")
        guidance: Live[float] = Field(
            1.0, ge=0, le=4, description="Times what the diffusion adds to the estimate; 0 gives the estimate alone."
        )
        seed: Live[int | None] = Field(
            None,
            ge=0,
            lt=2**63,
            description="Fixes the sampler's noise, the same for every picture; null: the run's seed rules.",
        )
        fading_aware: Literal["on", "off"] = Field(
            "on", description="Reckon with the noise of each symbol, or with one of the frame's mean SNR."
        )
        device: Device = "cpu"
        precision: Precision = "float32"
        weights: str | None = Field(None, min_length=1, description="A safetensors file; null for the shipped one.")

    params: Params
    reads_header = (ImageShape, ModelId, CdmMode, RateMap)

    def start(self) -> None:
        """Load the network."""
        p = self.params
        self._codec = torch_codec(
            "decoders/cdm_jscc",
            SYSTEM,
            p.variant,
            p.weights,
            role="decoder",
            device=p.device,
            precision=p.precision,
        )

    def work(self, features: Features, header: Header, state: State, identity: Identity) -> Image:
        """Decode one picture."""
        came = received("decoders/cdm_jscc", features, header, state, self.rng(identity))
        return self._codec.decode(came, settings_of(self._codec.receiving, self.params))

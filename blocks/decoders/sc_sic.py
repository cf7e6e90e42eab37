"""`decoders/sc_sic`."""

from __future__ import annotations

import logging
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import SignalError
from ...models.sc_sic.names import NUMBERS, Variant
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.model_id import ModelId
from ...sim.side_information.sc_sic_mode import ScSicMode
from ..block import Block
from ..encoders.sc_sic import load_codec
from ..envelope import Header, Identity, State
from ..params import BlockParams, Live
from ..ports import Features, Image
from .onnx import feature_n0

__all__ = ["ScSic"]

_UNTOLD_N0 = 0.1
_LARGEST_N0 = 1e6  # an erased symbol's is 1e9, where float32 has no digits left for the rest
_ROUNDING_DB = 0.01


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
             is no GPU, or no such shipped weights. MissingExtra: torch or diffusers is not installed.
    State:   none but that the SNR was reported; the network, loaded by `start`.
    Source:  Khalid et al., Efficient and robust semantic image communication via Stable Cascade, ICML workshop 2025;
             Song et al., Denoising diffusion implicit models, ICLR 2021.
    Example: ``decoder: {use: decoders/sc_sic, variant: mini-48, steps: 2}``
    """

    class Params(BlockParams):
        """Parameters."""

        variant: Variant = Field("mini-48", description="Which network: a shipped one, or a size of full scale.")
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
        device: Literal["cpu", "cuda"] = Field("cpu", description="Where the network runs.")
        precision: Literal["float32", "bfloat16"] = Field(
            "float32", description="bfloat16 is faster on a GPU, and on a CPU that has instructions for it."
        )
        compile: Literal["off", "on", "tuned"] = Field(
            "off",
            description="Compile the network, once for each size of picture; tuned: also look for the fastest way.",
        )
        graphs: Literal["off", "on"] = Field(
            "off", description="On a GPU, record a step once for each size of picture, and replay it."
        )

    params: Params
    reads_header = (ImageShape, ModelId, ScSicMode)

    def start(self) -> None:
        """Load the network."""
        p = self.params
        self._codec = load_codec(
            "decoders/sc_sic",
            p.variant,
            p.weights,
            parts=("stage_a", "stage_b"),
            device=p.device,
            precision=p.precision,
            compile=p.compile,
            graphs=p.graphs,
        )
        self._reported = False

    def work(self, features: Features, header: Header, state: State, identity: Identity) -> Image:
        """Decode one picture."""
        from ...models.sc_sic.sampling_defaults import sampling_defaults
        from ...models.sc_sic.wild_values import erase_wild_values

        p, shape, mode = self.params, header.read(ImageShape), header.read(ScSicMode)
        header.read(ModelId).check_weights("decoders/sc_sic", NUMBERS, p.variant, self._codec.tag)
        grid = self._codec.channels, *self._codec.grid(shape.height, shape.width, mode.downscale)
        count = int(np.prod(grid))
        if features.size not in (count, count + 1):  # an odd count travels with a zero more
            raise SignalError(
                f"decoders/sc_sic: expected {count} features for {shape.height} x {shape.width} pixels, as the header "
                f"says, got {list(features.shape)}"
            )
        n0 = feature_n0("decoders/sc_sic", state, features.size)[:count]
        self._report_untrained_snr(n0, state.esn0_db)
        embedding, n0 = erase_wild_values(features.reshape(-1)[:count], self._known(n0))
        own = sampling_defaults(p.variant)
        return self._codec.decode(
            embedding.reshape(grid),
            (n0 if p.snr_conditioning == "on" else np.full_like(n0, _UNTOLD_N0)).reshape(grid),
            height=shape.height,
            width=shape.width,
            rng=self.rng(identity) if p.seed is None else np.random.Generator(np.random.Philox(key=p.seed)),
            steps=p.steps,
            eta=own.eta if p.eta is None else p.eta,
            temperature=own.temperature if p.temperature is None else p.temperature,
            guidance=own.guidance if p.guidance is None else p.guidance,
        )

    def _known(self, n0: NDArray[np.float32]) -> NDArray[np.float32]:
        n0 = np.minimum(n0, np.float32(_LARGEST_N0))
        if self.params.fading_aware == "on" or not (n0 > 0).all():
            return n0
        return np.full_like(n0, 1 / np.mean(1 / n0.astype(np.float64)))

    def _report_untrained_snr(self, n0: NDArray[np.float32], esn0_db: float | None) -> None:
        """Say once that the mean SNR is none that the network was trained for; no noise at all is no SNR."""
        from ...models.sc_sic.sampling_defaults import TRAINED_ESN0_DB

        if self._reported or not (n0 > 0).all():
            return
        if esn0_db is None:
            esn0_db = float(10 * np.log10(np.mean(1 / n0.astype(np.float64))))
        least, most = TRAINED_ESN0_DB
        if not least - _ROUNDING_DB <= esn0_db <= most + _ROUNDING_DB:
            self._reported = True
            logging.getLogger("semcom").warning(
                "%s: decoders/sc_sic: Es/N0 is %.1f dB, and the network was trained for %g to %g dB; it goes on",
                self.name,
                esn0_db,
                least,
                most,
            )

"""Pictures to SC-SIC embeddings and back. Needs no torch."""

from __future__ import annotations

import itertools
import logging
import math
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import SignalError, UsageError
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.sc_sic_mode import DOWNSCALES, ScSicMode
from ..codec import About, Frame, PictureCodec, Pixels, Ports, Reception, Role
from ..config import Config
from ..csit import Csit, known_esn0_db
from ..frame_noise import FadingAware, known_n0
from ..objective import Objective, check_regression
from .embedding_size import embedding_downscale
from .names import NUMBERS, Downscale, Variant
from .sampling_defaults import TRAINED_ESN0_DB, SamplingDefaults, sampling_defaults
from .wild_values import erase_wild_values

__all__ = ["Codec", "Receiving", "ScSicAbout", "Sending"]

_LATENT = 4  # pixels a side
_UNTOLD_N0 = 0.1
_LARGEST_N0 = 1e6  # an erased symbol's is 1e9, where float32 has no digits left for the rest
_ROUNDING_DB = 0.01
_AT_ONCE = SamplingDefaults(eta=0.0, temperature=0.0, guidance=1.0)


class ScSicAbout(About):
    """What is known of a network.

    Attributes:
        variant: Which one; what the header says.
        patch: What the sides of pictures must be multiples of.
        tag: 14 bits of a check sum of the encoder's weights or, since EfficientNet encoders stay as published, of their
            sizes.
        channels: Of the embedding.
        stride: Pixels a side, of the downscaled picture, that one vector of the embedding stands for.
        downscale: Of the picture's sides before the encoder, where the header says no other.
        any_downscale: Whether the engine can be told another.
        latent_channels: Of stage A.
        objective: What stage B learnt by.
    """

    variant: Variant
    patch: int = Field(ge=1, le=1024)
    tag: int = Field(ge=0, le=0xFFFF)
    channels: int = Field(16, ge=1)
    stride: int = Field(1, ge=1)
    downscale: float = Field(1.0, gt=0, le=1)
    any_downscale: bool = False
    latent_channels: int = Field(4, ge=1)
    objective: Objective = "diffusion"

    @property
    def shared_weights(self) -> int:
        """Of the encoder: receivers of one encoder understand the same embeddings."""
        return self.tag


class Sending(Config):
    """Settings of `Codec.encode`: those of ``encoders/sc_sic``."""

    downscale: Downscale = None
    csit: Csit = "mean"
    esn0_db: float = Field(10.0, ge=-30, le=60)


class Receiving(Config):
    """Settings of `Codec.decode`: those of ``decoders/sc_sic``."""

    steps: int = Field(10, ge=1, le=50)
    eta: float | None = Field(None, ge=0, le=1)
    temperature: float | None = Field(None, ge=0, le=1)
    guidance: float | None = Field(None, ge=0, le=4)
    seed: int | None = Field(None, ge=0, lt=2**63)
    snr_conditioning: Literal["on", "off"] = "on"
    fading_aware: FadingAware = "on"


class Codec(PictureCodec[ScSicAbout, Sending, Receiving]):
    """A network behind two functions; only its encoder is exported."""

    numbers = NUMBERS
    ports: ClassVar[dict[Role, Ports]] = {
        "encoder": Ports({"image": ("uint8", 3)}, {"embedding": ("float32", 3)}),
    }
    knows, sending, receiving = ScSicAbout, Sending, Receiving
    _reported = False

    def grid(self, height: int, width: int, downscale: float | None = None) -> tuple[int, int]:
        """Rows and columns of the embedding of a picture.

        Raises:
            SignalError: a side is no multiple of the patch, or the picture is too small.
        """
        patch, stride = self.about.patch, self.about.stride
        if min(height, width) < 1 or height % patch or width % patch:
            best = [max(patch, round(side / patch) * patch) for side in (height, width)]
            raise SignalError(
                f"{self.system}: expected sides that are multiples of {patch} pixels, got {height} x {width}; scale or "
                f"crop the picture, to {best[0]} x {best[1]} for example"
            )
        factor = self.about.downscale if downscale is None else downscale
        rows, columns = (int(side * factor) // stride for side in (height, width))
        if min(rows, columns) < 1:
            raise SignalError(
                f"{self.system}: expected a picture of at least {math.ceil(stride / factor)} pixels a side where it is "
                f"scaled by {factor:g}, got {height} x {width}; send a larger one, or scale it less"
            )
        return rows, columns

    def encode(self, picture: Pixels, sending: Sending) -> Frame:
        """Return the frame of a picture; header: ImageShape, ModelId, ScSicMode."""
        self.check_picture(picture)
        height, width = picture.shape[:2]
        downscale = sending.downscale
        if downscale == "auto":
            downscale = embedding_downscale(known_esn0_db(sending.csit, sending.esn0_db), DOWNSCALES)
        if downscale is not None and not self.about.any_downscale:
            raise SignalError(
                f"{self.system}: expected no downscale, since an exported file knows its network's own size alone, got "
                f"{downscale:g}; leave downscale out, or take encoders/sc_sic"
            )
        self.grid(height, width, downscale)
        told = {} if downscale is None else {"downscale": np.array([downscale])}
        embedding = self.engine.run("embedding", image=picture, **told)
        return Frame(embedding.reshape(-1), (ImageShape(height, width), self.model, ScSicMode(downscale)))

    def decode(self, reception: Reception, receiving: Receiving) -> Pixels:
        """Return the picture of a frame.

        Raises:
            UsageError: more than one step, guidance or a temperature, of a network that learnt by regression.
        """
        shape, mode = self.shape_of(reception), reception.header.read(ScSicMode)
        grid = self.about.channels, *self.grid(shape.height, shape.width, mode.downscale)
        features, n0 = self.values(reception, math.prod(grid), shape)
        self._report_untrained_snr(n0, reception.esn0_db)
        n0 = known_n0(np.minimum(n0, np.float32(_LARGEST_N0)), receiving.fading_aware)
        embedding, n0 = erase_wild_values(features, n0)
        if receiving.snr_conditioning == "off":
            n0 = np.full_like(n0, _UNTOLD_N0)
        latents = 1, self.about.latent_channels, shape.height // _LATENT, shape.width // _LATENT
        rng = reception.generator(receiving.seed)
        picture = self.engine.run(
            "picture",
            embedding=embedding.reshape(grid),
            n0=n0.reshape(grid),
            size=np.array([shape.height, shape.width]),
            noise=(rng.standard_normal(latents, np.float32) for _ in itertools.count()),  # drawn as they are needed
            **self._sampling(receiving),
        )
        return np.ascontiguousarray(picture, np.uint8)

    def _sampling(self, receiving: Receiving) -> dict[str, NDArray[Any]]:
        """The sampler's settings; what is not said is the variant's own."""
        own = _AT_ONCE if self.about.objective == "regression" else sampling_defaults(self.about.variant)
        said = {
            name: getattr(own, name) if getattr(receiving, name) is None else getattr(receiving, name)
            for name in own._fields
        }
        if self.about.objective == "regression":
            check_regression(self.system, receiving.steps, said["guidance"])
            if said["temperature"]:
                raise UsageError(
                    f"{self.system}: temperature: expected 0 or null, since these weights learnt by regression, got "
                    f"{said['temperature']:g}"
                )
        return {"steps": np.array([receiving.steps]), **{name: np.array([float(said[name])]) for name in said}}

    def _report_untrained_snr(self, n0: NDArray[np.float32], esn0_db: float | None) -> None:
        """Say once that the mean SNR is none that the network was trained for; no noise at all is no SNR."""
        if self._reported or not (n0 > 0).all():
            return
        if esn0_db is None:
            esn0_db = float(10 * np.log10(np.mean(1 / n0.astype(np.float64))))
        least, most = TRAINED_ESN0_DB
        if not least - _ROUNDING_DB <= esn0_db <= most + _ROUNDING_DB:
            self._reported = True
            logging.getLogger("semcom").warning(
                "%s: Es/N0 is %.1f dB, and the network was trained for %g to %g dB; it goes on",
                self.system,
                esn0_db,
                least,
                most,
            )

"""Pictures to CDM-JSCC frames and back. Needs no torch."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import SignalError
from ...sim.side_information.cdm_mode import CdmMode
from ...sim.side_information.field import Unsent
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.rate_map import PLAIN_BITS, RateMap
from ..codec import About, Frame, PictureCodec, Pixels, Ports, Reception, Role
from ..config import Config
from ..csit import Csit, reckoned_esn0_db
from ..frame_noise import FadingAware, known_n0
from ..objective import Objective, check_regression
from ..pixels import padded, to_pixels
from ..ratio import Ratio
from .ddim_shares import ddim_shares
from .frame_size import frame_uses
from .names import NUMBERS, Variant
from .rate_map import ETAS, LEVELS, PATCH, eta_for_frame, eta_index, levels_for, pack, unpack

__all__ = ["CdmAbout", "Codec", "Receiving", "Sending"]


class CdmAbout(About):
    """What is known of a network.

    Attributes:
        variant: ``p``, made for the look of a picture, or ``d``, made for the least squared error.
        patch: Side of a patch in pixels.
        levels: Real features of one patch by level.
        etas: Values of eta, in the order of the engine's input ``eta_index``.
        tag: 16 bits of a check sum of the weights of the backbone, which both variants share.
        objective: What the denoiser learnt by.
    """

    variant: Variant
    patch: int = Field(PATCH, ge=PATCH, le=PATCH)
    levels: tuple[int, ...] = Field(LEVELS, min_length=len(LEVELS), max_length=len(LEVELS))
    etas: tuple[float, ...] = Field(ETAS, min_length=len(ETAS), max_length=len(ETAS))
    tag: int = Field(ge=0, le=0xFFFF)
    objective: Objective = "diffusion"

    @property
    def shared_weights(self) -> int:
        """Of the backbone: the denoiser may be another."""
        return self.tag


class Sending(Config):
    """Settings of `Codec.encode`: those of ``encoders/cdm_jscc``."""

    cbr: Ratio = "1/24"
    eta: float | None = Field(None, gt=0, le=64)
    rate_map: Literal["sent", "given"] = "sent"
    csit: Csit = "mean"
    esn0_db: float = Field(10.0, ge=-30, le=60)
    adaptation_steps: int = Field(0, ge=0, le=1000)


class Receiving(Config):
    """Settings of `Codec.decode`: those of ``decoders/cdm_jscc``."""

    steps: int = Field(1, ge=1, le=65)
    guidance: float = Field(1.0, ge=0, le=4)
    seed: int | None = Field(None, ge=0, lt=2**63)
    fading_aware: FadingAware = "on"


class Codec(PictureCodec[CdmAbout, Sending, Receiving]):
    """A network behind two functions.

    Pictures are continued at their lower and right edge up to a multiple of the patch, and cut afterwards. Features go
    patch by patch, of each as many as its level says.
    """

    numbers = NUMBERS
    ports: ClassVar[dict[Role, Ports]] = {
        "encoder": Ports(
            {"image": ("uint8", 3), "levels": ("int64", 2), "eta_index": ("int64", 1), "esn0_db": ("float32", 1)},
            {"patch_bits": ("float32", 2), "features": ("float32", 2)},
        ),
        "decoder": Ports(
            {
                "features": ("float32", 3),
                "n0": ("float32", 3),
                "levels": ("int64", 2),
                "eta_index": ("int64", 1),
                "esn0_db": ("float32", 1),
                "noise": ("float32", 3),
                "time": ("float32", 1),
                "clean_share": ("float32", 1),
                "noisy_share": ("float32", 1),
                "guidance": ("float32", 1),
            },
            {"picture": ("float32", 3)},
        ),
    }
    knows, sending, receiving = CdmAbout, Sending, Receiving

    def encode(self, picture: Pixels, sending: Sending) -> Frame:
        """Return the frame of a picture; header: ImageShape, ModelId, CdmMode, RateMap."""
        self.check_picture(picture)
        height, width = picture.shape[:2]
        uses = frame_uses(sending.cbr, sending.rate_map, height, width) if sending.eta is None else 0.0
        esn0_db = reckoned_esn0_db(sending.csit, sending.esn0_db)
        told: dict[str, NDArray[Any]] = {"image": padded(picture, PATCH), "esn0_db": np.array([esn0_db], np.float32)}
        bits = self._entropy_bits(told)
        eta = eta_for_frame(bits, uses, sending.rate_map) if sending.eta is None else sending.eta
        levels, index = levels_for(bits, eta), eta_index(eta)
        told |= {"levels": levels.astype(np.int64), "eta_index": np.array([index], np.int64)}
        features = self.engine.run("features", **told)
        features, gain = self.adapted(features, sending.adaptation_steps, **told)
        rates = RateMap.of(levels)
        sent = rates if sending.rate_map == "sent" else Unsent(rates)
        return Frame(
            pack(features, levels),
            (ImageShape(height, width), self.model, CdmMode(index, esn0_db), sent),
            {"rate_map_plain_bits": float(PLAIN_BITS * levels.size), **gain},
        )

    def entropy_bits(self, picture: Pixels) -> NDArray[np.float32]:
        """Estimated entropy of each patch in bits, float32 ``[h, w]``; what eta is multiplied with."""
        self.check_picture(picture)
        return self._entropy_bits({"image": padded(picture, PATCH), "esn0_db": np.zeros(1, np.float32)})

    def _entropy_bits(self, told: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        none = np.zeros([side // PATCH for side in told["image"].shape[:2]], np.int64)
        return self.engine.run("patch_bits", **told, levels=none, eta_index=np.zeros(1, np.int64))

    def decode(self, reception: Reception, receiving: Receiving) -> Pixels:
        """Return the picture of a frame.

        Raises:
            UsageError: more than one step, or guidance, of a network that learnt by regression.
        """
        if self.about.objective == "regression":
            check_regression(self.system, receiving.steps, receiving.guidance, unguided=(0.0, 1.0))
        shape, mode = self.shape_of(reception), reception.header.read(CdmMode)
        levels = reception.header.read(RateMap).array()
        grid = -(-shape.height // PATCH), -(-shape.width // PATCH)
        if levels.shape != grid:
            raise SignalError(
                f"{self.system}: expected a rate map {list(grid)} for {shape.height} x {shape.width} pixels, got "
                f"{list(levels.shape)}; the header is of another picture"
            )
        features, n0 = self.values(reception, int(np.asarray(LEVELS)[levels].sum()), shape)
        n0 = np.maximum(known_n0(n0, receiving.fading_aware), np.float32(1e-6))
        variance = unpack(n0, levels)
        side = (PATCH * grid[0], PATCH * grid[1], 3)
        noise = reception.generator(receiving.seed).standard_normal(side, np.float32).transpose(2, 0, 1)
        time, clean, noisy = ddim_shares(receiving.steps)
        picture = self.engine.run(
            "picture",
            features=unpack(features, levels).reshape(*grid, -1),
            n0=np.where(variance > 0, variance, np.float32(1)).reshape(*grid, -1),
            levels=levels.astype(np.int64),
            eta_index=np.array([mode.eta_index], np.int64),
            esn0_db=np.array([mode.esn0_db], np.float32),
            noise=np.ascontiguousarray(noise),
            time=time,
            clean_share=clean,
            noisy_share=noisy,
            guidance=np.array([receiving.guidance], np.float32),
        )
        return to_pixels(picture, shape)

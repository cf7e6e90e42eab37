"""Label maps to one-hot features, and pictures of what came of them. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import SignalError
from ...sim.label_maps.fast_denoising import pooled
from ...sim.label_maps.one_hot import classes_in, decided, one_hot
from ...sim.side_information.image_shape import ImageShape
from ...sim.side_information.label_classes import LabelClasses
from ..codec import About, Frame, PictureCodec, Pixels, Ports, Reception, Role
from ..config import Config
from ..frame_noise import FadingAware
from ..model_card import ModelCard, card_path
from ..pixels import to_pixels
from ..weights.network import config_of
from .names import NUMBERS, SHIPPED, Variant
from .sampler import Plan, Sampler, draw
from .sizes import PUBLIC, GescoConfig

__all__ = ["Codec", "Denoising", "GescoAbout", "Receiving", "config_for", "sender"]

Maps = NDArray[np.float32]
Denoising = Literal["pooled", "decided", "none"]
"""Of received maps: means and maxima over 3 x 3 pixels, the paper's; each pixel's greatest value; as they came."""


class GescoAbout(About):
    """What is known of a network.

    Attributes:
        classes: It has one map of each.
        edges: And one more of the edges between instances.
        stride: It takes maps whose sides are multiples of it.
    """

    classes: int = Field(ge=2, le=255)
    edges: bool
    stride: int = Field(ge=1, le=1024)

    @property
    def shared_weights(self) -> int:
        """None: what is sent is a map, which any network of these classes may draw."""
        return 0

    @classmethod
    def of(cls, variant: Variant, config: GescoConfig, weights_sha256: str | None = None) -> GescoAbout:
        """What a network of these sizes is."""
        return cls(
            variant=variant,
            classes=config.classes,
            edges=config.edges,
            stride=config.stride,
            weights_sha256=weights_sha256,
        )


class Receiving(Config):
    """Settings of `Codec.decode`: those of ``decoders/gesco``."""

    denoising: Denoising = "pooled"
    fading_aware: FadingAware = "on"
    sampler: Sampler = "ddpm"
    sampling_steps: int = Field(50, ge=1, le=1000)
    guidance_scale: float = Field(2.0, ge=0, le=20)


class Codec(PictureCodec[GescoAbout, Config, Receiving]):
    """One-hot maps of the classes that are there, and a network that draws what they mean. Nothing computes a frame."""

    numbers = NUMBERS
    ports: ClassVar[dict[Role, Ports]] = {
        "decoder": Ports(
            {"maps": ("float32", 3), "noisy": ("float32", 3), "level": ("float32", 1)},
            {"prediction": ("float32", 3)},
        ),
    }
    knows, receiving = GescoAbout, Receiving

    def encode(self, picture: Pixels, sending: Config) -> Frame:
        """Return the frame of a label map uint8 ``[H, W, 2]``; header: ImageShape, ModelId, LabelClasses."""
        self._check_labels(picture)
        about = self.about
        sent = classes_in(picture, about.classes)
        maps = one_hot(picture, about.classes, edges=about.edges)[self._are_sent(sent)]
        return Frame(maps.reshape(-1), (ImageShape(*picture.shape[:2]), self.model, LabelClasses(sent)))

    def decode(self, reception: Reception, receiving: Receiving) -> Pixels:
        """Return a picture of what a frame means."""
        shape, maps = self.shape_of(reception), self.maps(reception, receiving)
        below, right = (-side % self.about.stride for side in maps.shape[1:])
        whole = np.pad(maps, ((0, 0), (0, below), (0, right)), "edge")
        plan = Plan(receiving.sampler, receiving.sampling_steps, receiving.guidance_scale)
        drawn = draw(whole, self._predict, plan, reception.generator(None))
        return to_pixels((drawn.transpose(1, 2, 0) + np.float32(1)) / np.float32(2), shape)

    def maps(self, reception: Reception, receiving: Receiving) -> Maps:
        """Maps of a frame, float32 ``[maps, H, W]``, denoised; zeros where the header says that none was sent."""
        shape, about = self.shape_of(reception), self.about
        sent = reception.header.read(LabelClasses).sent
        if len(sent) != about.classes:
            raise SignalError(
                f"{self.system}: expected maps of {about.classes} classes, got a header of {len(sent)}; give encoder "
                "and decoder the same variant"
            )
        there = self._are_sent(sent)
        grid = int(there.sum()), shape.height, shape.width
        values, n0 = (one.reshape(grid) for one in self.values(reception, int(np.prod(grid)), shape))
        maps = np.zeros((there.size, *grid[1:]), np.float32)
        maps[there] = values
        if receiving.denoising == "pooled":
            aware = receiving.fading_aware == "on" and float(np.ptp(n0)) > 0
            maps[there] = pooled(values, n0 if aware else None)
        elif receiving.denoising == "decided":
            maps = one_hot(decided(maps, sent, edges=about.edges), about.classes, edges=about.edges)
        return maps

    def _are_sent(self, classes: tuple[bool, ...]) -> NDArray[np.bool_]:
        return np.array([*classes, *[True] * self.about.edges])

    def _predict(self, maps: Maps, noisy: Maps, level: int) -> Maps:
        return self.engine.run("prediction", maps=maps, noisy=noisy, level=np.array([level], np.float32))

    def _check_labels(self, labels: Pixels) -> None:
        if labels.ndim != 3 or labels.shape[2] != 2 or labels.dtype != np.uint8:
            raise SignalError(
                f"{self.system}: expected a label map, uint8 [H, W, 2], got {labels.dtype} {list(labels.shape)}"
            )
        if not 0 < min(labels.shape) <= max(labels.shape) <= 65535:
            raise SignalError(f"{self.system}: expected sides of 1 to 65535 pixels, got {list(labels.shape[:2])}")
        unknown = np.argwhere(labels[..., 0] >= self.about.classes)
        if unknown.size:
            row, column = (int(axis) for axis in unknown[0])
            raise SignalError(
                f"{self.system}: expected classes 0 to {self.about.classes - 1}, which {self.about.variant} has, got "
                f"{labels[row, column, 0]} at row {row}, column {column}; give the map's source the legend of these "
                "classes, or another variant"
            )


class _NoEngine:
    """Of a transmitter: it computes no network."""

    def run(self, output: str, **inputs: Any) -> NDArray[Any]:
        raise AssertionError(f"{output}: a transmitter of GESCO runs no network")


def sender(variant: Variant, weights: str | None = None) -> Codec:
    """A codec that encodes alone: it needs the classes of a network, and neither its weights nor torch.

    Args:
        variant: What the header calls the network.
        weights: See `config_for`.
    """
    return Codec(_NoEngine(), GescoAbout.of(variant, config_for(variant, weights)))


def config_for(variant: Variant, weights: str | Path | None) -> GescoConfig:
    """Sizes of a network.

    Args:
        variant: Of it.
        weights: A file whose card says them, or one without a card: then they are those of the public code.

    Raises:
        WeightsError: the card is of another kind of network, or there is none and no public code of this variant.
        UsageError: no weights are given, and none are shipped for this variant.
    """
    if weights is None and variant in PUBLIC:
        return PUBLIC[variant]
    path = SHIPPED.path(variant) if weights is None else Path(weights)
    if card_path(path).is_file() or variant not in PUBLIC:
        config: GescoConfig = config_of(SHIPPED.system, path, ModelCard.read(card_path(path)), GescoConfig)
        return config
    return PUBLIC[variant]

"""Pictures to frames and back, numpy in and out: what blocks call, whatever computes the networks. Needs no torch.

A system's `codec.py` holds its class `Codec`: all that is refused, padded, counted, clamped and packed. Behind it
computes an `Engine`: torch (the system's `engine.py`) or an exported ONNX file (`onnx.engine`). Both take and give
arrays of the same names, so that what one refuses the other refuses too, in the same words.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from ..errors import SignalError, UsageError
from ..sim.side_information.field import HeaderField, Known, KnownFields, Unsent
from ..sim.side_information.image_shape import ImageShape
from ..sim.side_information.model_id import ModelId
from .config import Config
from .system_name import system_name

__all__ = ["About", "AdaptingEngine", "Engine", "Frame", "PictureCodec", "Pixels", "Ports", "Reception", "Role"]

Role = Literal["encoder", "decoder"]
Pixels = NDArray[np.uint8]
Reals = NDArray[np.float32]


class Engine(Protocol):
    """What computes a network."""

    def run(self, output: str, **inputs: Any) -> NDArray[Any]:
        """Compute one output from arrays by name; what it does not need is let be."""


@runtime_checkable
class AdaptingEngine(Engine, Protocol):
    """One with gradients: it can improve the features of a picture before they are sent."""

    def adapt(self, features: NDArray[np.float32], steps: int, **inputs: Any) -> tuple[NDArray[np.float32], float]:
        """Return better ``features``, and the gain in dB; see `online_adaptation.adapted`.

        Args:
            features: What `run` gave for the same inputs.
            steps: Of descent.
            inputs: Those of `run`.
        """


class Ports(NamedTuple):
    """Arrays that an engine takes and gives: name, to dtype and number of axes."""

    inputs: Mapping[str, tuple[str, int]]
    outputs: Mapping[str, tuple[str, int]]


class About(BaseModel):
    """What a codec must know of the weights behind its engine; an exported file says it of itself.

    Attributes:
        variant: Which set of weights of the system.
        weights_sha256: SHA-256 of their file; None: it was not asked for.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    variant: str = Field(min_length=1)
    weights_sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$")

    @property
    def shared_weights(self) -> int:
        """16 bits of a check sum of those weights that encoder and decoder must share: here, of all."""
        return int(self.weights_sha256[:4], 16) if self.weights_sha256 else 0


class Frame(NamedTuple):
    """What a transmitter sends of one picture.

    Attributes:
        features: float32 ``[n]``, of any scale.
        header: What it tells the receiver.
        trace: Measurements, by name.
    """

    features: Reals
    header: tuple[HeaderField | Unsent, ...]
    trace: Mapping[str, float] = {}

    def heard(
        self, n0: float | Reals, features: Reals | None = None, rng: np.random.Generator | None = None
    ) -> Reception:
        """Return what a receiver has of this frame when it hears its header, and these features (or the sent ones)."""
        known = KnownFields(*(field.field if isinstance(field, Unsent) else field for field in self.header))
        return Reception(self.features if features is None else features, n0, known, rng)


class Reception(NamedTuple):
    """What a receiver has of one frame.

    Attributes:
        features: float32 of any shape, in the scale in which they were made; a zero more at the end is let pass.
        n0: Noise variance per complex symbol of unit energy after (unbiased) equalisation: one number, or one for each
            feature.
        header: What the transmitter told.
        rng: For what the receiver draws; it is the item's own.
        esn0_db: What the receiver measured, if it did.
    """

    features: Reals
    n0: float | Reals
    header: Known
    rng: np.random.Generator | None = None
    esn0_db: float | None = None

    def generator(self, seed: int | None) -> np.random.Generator:
        """Return what the receiver draws from: the item's own generator, or one that a seed fixes for all items."""
        if seed is None and self.rng is not None:
            return self.rng
        return np.random.Generator(np.random.Philox(key=seed or 0))


A = TypeVar("A", bound=About)
S = TypeVar("S", bound=Config)
R = TypeVar("R", bound=Config)


class PictureCodec(ABC, Generic[A, S, R]):
    """Base of the systems' codecs.

    Args:
        engine: Computes.
        about: What is known of the weights behind it.

    Attributes:
        system: Its name, as messages and files have it: that of the folder.
        numbers: Of its variants, in ModelId.
        ports: Of its engine, by role.
        knows: What it must know of its weights.
        sending: Settings of `encode`.
        receiving: Settings of `decode`.
    """

    system: ClassVar[str]
    numbers: ClassVar[Mapping[Any, int]]
    ports: ClassVar[Mapping[Role, Ports]]
    knows: ClassVar[type[About]] = About
    sending: ClassVar[type[Config]] = Config
    receiving: ClassVar[type[Config]] = Config

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        file = getattr(sys.modules.get(cls.__module__), "__file__", None) or ""
        cls.system = system_name(Path(file).parent)

    def __init__(self, engine: Engine, about: A) -> None:
        self.engine, self.about = engine, about

    @property
    def model(self) -> ModelId:
        """What the header says of the weights."""
        return ModelId(self.numbers[self.about.variant], self.about.shared_weights)

    @abstractmethod
    def encode(self, picture: Pixels, sending: S) -> Frame:
        """Return the frame of a picture, uint8 sRGB ``[h, w, 3]``.

        Raises:
            SignalError: no picture, or one that does not fit the network or the settings.
        """

    @abstractmethod
    def decode(self, reception: Reception, receiving: R) -> Pixels:
        """Return the picture of a frame, uint8 sRGB ``[h, w, 3]``.

        Raises:
            SignalError: the frame is of other weights, counts do not fit, or values are not finite.
        """

    def check_picture(self, picture: Pixels) -> None:
        """Refuse what is no picture, or one whose sides ImageShape cannot hold."""
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
            raise SignalError(
                f"{self.system}: expected a picture, uint8 [H, W, 3], got {picture.dtype} {list(picture.shape)}"
            )
        height, width = picture.shape[:2]
        if not 0 < min(height, width) <= max(height, width) <= 65535:
            raise SignalError(f"{self.system}: expected sides of 1 to 65535 pixels, got {height} x {width}")

    def adapted(self, features: Reals, steps: int, **inputs: Any) -> tuple[Reals, dict[str, float]]:
        """Return features after so many steps of online adaptation, and what to measure of it.

        Raises:
            UsageError: steps are asked for of an engine without gradients.
        """
        if not steps:
            return features, {}
        if not isinstance(self.engine, AdaptingEngine):
            raise UsageError(
                f"{self.system}: adaptation_steps: expected 0 of an exported file, which has no gradients, got "
                f"{steps}; use the encoder of the system's own, with torch"
            )
        better, gain_db = self.engine.adapt(features, steps, **inputs)
        return better, {"adaptation_gain_db": gain_db}

    def shape_of(self, reception: Reception) -> ImageShape:
        """Return the picture's size, where the frame was made with these weights."""
        shape = reception.header.read(ImageShape)
        reception.header.read(ModelId).check_weights(
            self.system, self.numbers, self.about.variant, self.about.shared_weights
        )
        return shape

    def values(self, reception: Reception, count: int, shape: ImageShape) -> tuple[Reals, Reals]:
        """Return as many features as there should be and the n0 of each, float32 ``[count]``, all finite."""
        features = reception.features.reshape(-1)
        if features.size not in (count, count + 1):  # an odd count travels with a zero more
            raise SignalError(
                f"{self.system}: expected {count} features for {shape.height} x {shape.width} pixels, as the header "
                f"says, got {list(reception.features.shape)}"
            )
        n0 = np.asarray(reception.n0, np.float32)
        if n0.shape not in ((), features.shape):
            raise SignalError(
                f"{self.system}: expected n0 as one number or {list(features.shape)}, got {list(n0.shape)}"
            )
        features, n0 = features[:count], np.broadcast_to(n0, features.shape)[:count]
        finite = int(np.isfinite(features).sum()), int((np.isfinite(n0) & (n0 >= 0)).sum())
        if finite != (count, count):
            raise SignalError(
                f"{self.system}: expected finite features and n0 of at least 0, got {count - finite[0]} features and "
                f"{count - finite[1]} n0 of {count} that are not; check the channel"
            )
        return features, n0

"""Port types: annotated numpy arrays. The annotation of `work` is the port; every array is checked against it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SignalError

__all__ = [
    "PORT_TYPES",
    "Bits",
    "Bytes",
    "Features",
    "Image",
    "Labels",
    "Link",
    "Llrs",
    "PortType",
    "Samples",
    "Symbols",
    "one_of",
]


@dataclass(frozen=True)
class PortType:
    """What one kind of port carries.

    Attributes:
        name: As users read it in messages: ``Symbols``.
        dtype: The numpy dtype, little-endian on the wire.
        shape: One entry an axis: a number, or a letter where any length fits; ``None``: any number of axes.
        meaning: One line for the documentation.
        stream: A chunk of an endless stream (`Samples`) and not an item of its own.
        either: Of a port that takes one type or another (`Symbols | Samples`), those types; what is connected decides.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[str | int, ...] | None
    meaning: str
    stream: bool = False
    either: tuple[PortType, ...] = ()
    _fixed: tuple[tuple[int, int], ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        fixed = tuple((axis, length) for axis, length in enumerate(self.shape or ()) if isinstance(length, int))
        object.__setattr__(self, "_fixed", fixed)

    def __str__(self) -> str:
        axes = "[...]" if self.shape is None else "[" + ", ".join(map(str, self.shape)) + "]"
        return f"{self.name} ({self.dtype} {axes})"

    @property
    def choices(self) -> tuple[PortType, ...]:
        """The types that it may be: itself alone, or one of several."""
        return self.either or (self,)

    def meets(self, other: PortType) -> bool:
        """Whether a port of this type may be connected to one of another."""
        return any(choice in other.choices for choice in self.choices)

    def check(self, value: object, where: str) -> NDArray[Any]:
        """Return ``value`` if it is an array of this type.

        Raises:
            SignalError: dtype or shape differ; the message starts with ``where``.
        """
        if not isinstance(value, np.ndarray):
            raise SignalError(f"{where}: expected {self}, got {type(value).__name__}")
        fits = value.dtype == self.dtype and (
            self.shape is None
            or (value.ndim == len(self.shape) and all(value.shape[axis] == length for axis, length in self._fixed))
        )
        if not fits:
            raise SignalError(f"{where}: expected {self}, got {value.dtype} {list(value.shape)}")
        return value


IMAGE = PortType("Image", np.dtype("uint8"), ("H", "W", 3), "a picture, sRGB")
LABELS = PortType("Labels", np.dtype("uint8"), ("H", "W", 2), "class of each pixel, and 1 on edges between instances")
FEATURES = PortType("Features", np.dtype("float32"), None, "real values that a network made")
BITS = PortType("Bits", np.dtype("uint8"), ("n",), "bits, one 0 or 1 an element")
BYTES = PortType("Bytes", np.dtype("uint8"), ("n",), "bytes")
SYMBOLS = PortType("Symbols", np.dtype("complex64"), ("n",), "one frame's channel uses, unit mean energy")
LLRS = PortType("Llrs", np.dtype("float32"), ("n",), "log-likelihood ratios ln P(1)/P(0)")
LINK = PortType("Link", np.dtype("float32"), (2,), "what a picture is to be sent at: CBR, and Es/N0 in dB")
SAMPLES = PortType("Samples", np.dtype("complex64"), ("n",), "a chunk of an endless baseband stream", stream=True)


def one_of(*types: PortType) -> PortType:
    """Return the type of a port that takes any of these, which have dtype and shape in common."""
    first = types[0]
    name = " | ".join(port.name for port in types)
    return PortType(name, first.dtype, first.shape, " or ".join(port.meaning for port in types), either=types)


PORT_TYPES = {port.name: port for port in (IMAGE, LABELS, FEATURES, BITS, BYTES, SYMBOLS, LLRS, LINK, SAMPLES)}

Image = Annotated[NDArray[np.uint8], IMAGE]
Labels = Annotated[NDArray[np.uint8], LABELS]
Features = Annotated[NDArray[np.float32], FEATURES]
Bits = Annotated[NDArray[np.uint8], BITS]
Bytes = Annotated[NDArray[np.uint8], BYTES]
Symbols = Annotated[NDArray[np.complex64], SYMBOLS]
Llrs = Annotated[NDArray[np.float32], LLRS]
Link = Annotated[NDArray[np.float32], LINK]
Samples = Annotated[NDArray[np.complex64], SAMPLES]

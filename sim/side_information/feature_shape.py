"""The header of features that are sent as bits: their shape."""

from __future__ import annotations

from typing import Annotated

from ...errors import SignalError
from .codes import Whole
from .field import BitReader, BitWriter, HeaderField

__all__ = ["FeatureShape"]

_AXES, _LENGTH = Whole(3), Whole(16)


class _Axes:
    """The number of axes in 3 bits, and each of several in 16."""

    def write(self, out: BitWriter, where: str, value: tuple[int, ...]) -> None:
        _AXES.write(out, where, len(value))
        if len(value) == 1 and value != (-1,):
            raise SignalError(f"{where}: expected -1 for the length of a single axis, got {value[0]}")
        for length in value if len(value) > 1 else ():
            _LENGTH.write(out, where, length)

    def read(self, bits: BitReader, where: str) -> tuple[int, ...]:
        axes = _AXES.read(bits, where)
        return (-1,) if axes == 1 else tuple(_LENGTH.read(bits, where) for _ in range(axes))


class FeatureShape(HeaderField, frozen=True):
    """Shape of the features: 3 bits for the number of axes, 16 for each of several.

    Attributes:
        shape: At most 7 axes of at most 65535; ``(-1,)`` for a single one, of any length: the receiver counts it.
    """

    shape: Annotated[tuple[int, ...], _Axes()]

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> FeatureShape:
        """Return the field for features of this shape."""
        return cls((-1,) if len(shape) == 1 else shape)

"""The codes of a header field's attributes: numbers, names, flags, texts, and half-precision scales."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import SignalError
from .field import BitReader, BitWriter

__all__ = ["Choice", "Flag", "HalfPrecision", "HalfSteps", "Text", "Whole"]


@dataclass(frozen=True)
class Whole:
    """A whole number.

    Args:
        width: Bits.
        least: The number that zeros stand for.
        most: The greatest there is; what fits if not said.
    """

    width: int
    least: int = 0
    most: int | None = None

    def write(self, out: BitWriter, where: str, value: int) -> None:
        """Append the number."""
        if not isinstance(value, int | np.integer):
            raise SignalError(f"{where}: expected a whole number, got {value!r}")
        out.put(self._checked(where, int(value)) - self.least, self.width)

    def read(self, bits: BitReader, where: str) -> int:
        """Take the number."""
        return self._checked(where, self.least + bits.take(where, self.width))

    def _checked(self, where: str, value: int) -> int:
        most = self.least + 2**self.width - 1 if self.most is None else self.most
        if not self.least <= value <= most:
            raise SignalError(f"{where}: expected {self.least} to {most}, got {value}")
        return value


@dataclass(frozen=True)
class HalfSteps:
    """A multiple of 1/2, from 0 on.

    Args:
        width: Bits.
    """

    width: int

    def write(self, out: BitWriter, where: str, value: float) -> None:
        """Append the number."""
        if not 0 <= value < 2**self.width / 2 or 2 * value % 1:
            raise SignalError(f"{where}: expected a multiple of 1/2 below {2**self.width // 2}, got {value}")
        out.put(int(2 * value), self.width)

    def read(self, bits: BitReader, where: str) -> float:
        """Take the number."""
        return bits.take(where, self.width) / 2


@dataclass(frozen=True)
class Choice:
    """One of several values, by its place among them.

    Args:
        width: Bits.
        values: At most as many as the bits can tell apart.
    """

    width: int
    values: tuple[Any, ...]

    def write(self, out: BitWriter, where: str, value: Any) -> None:
        """Append the value's place."""
        if value not in self.values:
            raise SignalError(f"{where}: expected one of {self._listed}, got {value}")
        out.put(self.values.index(value), self.width)

    def read(self, bits: BitReader, where: str) -> Any:
        """Take a place, and return the value there."""
        place = bits.take(where, self.width)
        if place >= len(self.values):
            raise SignalError(f"{where}: expected one of {self._listed}, got the number {place}, which is none")
        return self.values[place]

    @property
    def _listed(self) -> str:
        return ", ".join(str(value) for value in self.values)


@dataclass(frozen=True)
class Flag:
    """Yes or no, in one bit."""

    def write(self, out: BitWriter, where: str, value: bool) -> None:  # noqa: FBT001 - the value itself
        """Append the bit."""
        out.put(int(bool(value)), 1)

    def read(self, bits: BitReader, where: str) -> bool:
        """Take the bit."""
        return bits.take(where, 1) == 1


@dataclass(frozen=True)
class HalfPrecision:
    """A half-precision number of at least 0, in 15 bits: without its sign."""

    def write(self, out: BitWriter, where: str, value: float) -> None:
        """Append the number."""
        if not 0 <= value < 65520 or float(np.float16(value)) != value:
            raise SignalError(f"{where}: expected a half-precision number of at least 0, got {value}")
        out.put(int(np.float16(abs(value)).view(np.uint16)), 15)

    def read(self, bits: BitReader, where: str) -> float:
        """Take the number."""
        value = float(np.uint16(bits.take(where, 15)).view(np.float16))
        if not math.isfinite(value):
            raise SignalError(f"{where}: expected a half-precision number of at least 0, got {value}")
        return value


@dataclass(frozen=True)
class Text:
    """A text, or none: a bit that says which, and of a text its length in bytes and these, in UTF-8.

    Args:
        width: Bits of the length.
    """

    width: int

    def write(self, out: BitWriter, where: str, value: str | None) -> None:
        """Append the text."""
        out.put(int(value is not None), 1)
        if value is None:
            return
        try:
            data = value.encode()
        except UnicodeEncodeError:
            raise SignalError(f"{where}: expected a text that UTF-8 can hold, got {value[:20]!r}") from None
        if len(data) >> self.width:
            raise SignalError(f"{where}: expected at most {2**self.width - 1} bytes of UTF-8, got {len(data)}; cut it")
        out.put(len(data), self.width)
        for byte in data:
            out.put(byte, 8)

    def read(self, bits: BitReader, where: str) -> str | None:
        """Take a text."""
        if not bits.take(where, 1):
            return None
        data = bytes(bits.take(where, 8) for _ in range(bits.take(where, self.width)))
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise SignalError(f"{where}: expected a text in UTF-8, got {data[:20]!r}") from None

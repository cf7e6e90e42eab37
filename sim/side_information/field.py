"""A field of the header: what a transmitter tells the receiver, as bits."""

from __future__ import annotations

import typing
from functools import cache
from typing import Annotated, Any, NamedTuple, Protocol, Self, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..bits import check_bits

__all__ = ["BitReader", "BitWriter", "Code", "HeaderField", "Known", "KnownFields", "Unsent"]

F = TypeVar("F", bound="HeaderField")


class BitWriter:
    """Puts numbers behind each other, each with its highest bit first."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def put(self, value: int, width: int) -> None:
        """Append a number, 0 to 2^width - 1."""
        self._texts.append(f"{value:0{width}b}" if width else "")

    def put_text(self, text: str) -> None:
        """Append bits that are written as a text of zeros and ones."""
        self._texts.append(text)

    def bits(self) -> NDArray[np.uint8]:
        """All that was put, uint8 ``[n]`` of 0 and 1."""
        return np.frombuffer("".join(self._texts).encode(), np.uint8) - np.uint8(ord("0"))


class BitReader:
    """Takes numbers one after the other.

    Args:
        bits: uint8 ``[n]`` of 0 and 1.

    Attributes:
        at: How many were taken.
        text: All of them, as a text of zeros and ones.
    """

    def __init__(self, bits: NDArray[np.uint8]) -> None:
        self.text = (bits.reshape(-1) + np.uint8(ord("0"))).tobytes().decode()
        self.at = 0

    def take(self, where: str, width: int) -> int:
        """Take the next number.

        Raises:
            SignalError: there are fewer bits left.
        """
        text = self.text[self.at : self.at + width]
        if len(text) < width:
            raise SignalError(f"{where}: expected {width} bits, got {len(text)}; the header is cut short")
        self.at += width
        return int(text, 2) if text else 0


class Code(Protocol):
    """How one attribute of a field becomes bits; stands in its annotation: ``height: Annotated[int, Whole(16)]``."""

    def write(self, out: BitWriter, where: str, value: Any) -> None:
        """Append a value; SignalError, which begins with ``where``, if the bits cannot hold it exactly."""

    def read(self, bits: BitReader, where: str) -> Any:
        """Take a value; SignalError if no transmitter writes it."""


class Known(Protocol):
    """What a receiver knows before it reads a field: those before it, what it counted, and what was agreed on."""

    def read(self, field: type[F], /) -> F:
        """Return the field of this class; SignalError if it is not known."""


class HeaderField(msgspec.Struct, frozen=True):
    """Base of what a transmitter tells the receiver: typed attributes, and the code of each in its annotation.

    A field whose bits depend on more than one attribute, or on what the receiver knows, has `write` and `read` of its
    own. Everything that is not packed must follow from what is known.
    """

    def pack(self) -> NDArray[np.uint8]:
        """Return the bits that go on the air, uint8 ``[n]`` of 0 and 1.

        Raises:
            SignalError: an attribute is out of range.
        """
        out = BitWriter()
        self.write(out)
        return out.bits()

    @classmethod
    def unpack(cls, bits: NDArray[np.uint8], known: Known | None = None) -> Self:
        """Read the field back from its bits.

        Args:
            bits: uint8 ``[n]`` of 0 and 1, all of them the field's.
            known: What the receiver knows already.

        Raises:
            SignalError: no bits, too few or too many, or ones that no transmitter writes; or something is not known.
        """
        check_bits(cls.__name__, bits)
        reader = BitReader(bits)
        field = cls.read(reader, known or KnownFields())
        if reader.at != bits.size:
            raise SignalError(f"{cls.__name__}: expected {reader.at} bits, got {bits.size}; they are of another field")
        return field

    def bits(self) -> int:
        """How many bits go on the air."""
        return self.pack().size

    def write(self, out: BitWriter) -> None:
        """Append the field's bits."""
        for name, code in _codes(type(self)):
            code.write(out, f"{type(self).__name__}.{name}", getattr(self, name))

    @classmethod
    def read(cls, bits: BitReader, known: Known) -> Self:
        """Take the field's bits."""
        return cls(**{name: code.read(bits, f"{cls.__name__}.{name}") for name, code in _codes(cls)})


class Unsent(NamedTuple):
    """A field that travels with a frame and is never on the air.

    Both ends know it: it was agreed on beforehand, or a receiver counts it. Or it is given for comparisons alone.
    """

    field: HeaderField


class KnownFields:
    """Fields that a receiver knows, by class.

    Args:
        fields: Those.
    """

    def __init__(self, *fields: HeaderField) -> None:
        self._fields = {type(field): field for field in fields}

    def read(self, field: type[F], /) -> F:
        """Return the field of this class.

        Raises:
            SignalError: it is not among them.
        """
        found = self._fields.get(field)
        if not isinstance(found, field):
            have = ", ".join(each.__name__ for each in self._fields) or "nothing"
            raise SignalError(f"header: expected {field.__name__} to be known before, got {have}; read it first")
        return found


@cache
def _codes(field: type[HeaderField]) -> tuple[tuple[str, Code], ...]:
    hints = typing.get_type_hints(field, include_extras=True)
    found: list[tuple[str, Code]] = []
    for name in field.__struct_fields__:
        if typing.get_origin(hints[name]) is not Annotated:
            raise TypeError(f"{field.__name__}.{name}: expected Annotated[type, code]; or define write and read")
        found.append((name, hints[name].__metadata__[-1]))
    return tuple(found)

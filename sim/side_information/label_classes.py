"""The header of a frame of label maps: which classes it has a map of."""

from __future__ import annotations

from typing import Self

from ...errors import SignalError
from .field import BitReader, BitWriter, HeaderField, Known

__all__ = ["LabelClasses"]

_COUNT_BITS = 8


class LabelClasses(HeaderField, frozen=True):
    """Which classes a frame has a map of, in 8 bits for their count and one for each class.

    Attributes:
        sent: Whether each class is, 1 to 255 of them.
    """

    sent: tuple[bool, ...]

    def write(self, out: BitWriter) -> None:
        """Append the field's bits."""
        self._checked(len(self.sent), any_sent=any(self.sent))
        out.put(len(self.sent), _COUNT_BITS)
        out.put_text("".join("1" if there else "0" for there in self.sent))

    @classmethod
    def read(cls, bits: BitReader, known: Known) -> Self:
        """Take the field's bits."""
        count = bits.take("LabelClasses", _COUNT_BITS)
        sent = tuple(bits.take("LabelClasses.sent", 1) == 1 for _ in range(count))
        cls._checked(count, any_sent=any(sent))
        return cls(sent)

    @staticmethod
    def _checked(count: int, *, any_sent: bool) -> None:
        if count >= 2**_COUNT_BITS or not any_sent:
            most, which = 2**_COUNT_BITS - 1, "some" if any_sent else "none"
            raise SignalError(
                f"LabelClasses: expected up to {most} classes and a map of one at least, got {count} and maps of "
                f"{which}"
            )

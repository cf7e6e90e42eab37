"""The header of a coded link: which modulation and coding scheme a frame uses."""

from __future__ import annotations

from ..links.mcs import LINK_SCHEMES, Scheme
from .codes import Whole
from .field import BitReader, BitWriter, HeaderField, Known
from .link_agreement import LinkAgreement

__all__ = ["LinkScheme"]

_NUMBER = Whole(5)
_AGREED = len(LINK_SCHEMES)


class LinkScheme(HeaderField, frozen=True):
    """Modulation and code rate of a frame, in 5 bits: the number of one of the 31 that an adapted link chooses from.

    The last number stands for what was agreed on beforehand: a scheme that is none of these, or an ideal code.

    Attributes:
        bits_per_symbol: Of the constellation: 2, 4, 6, 8 or 10; 0 for an ideal code at capacity.
        code_rate_x1024: Information bits (check sums included) over coded bits, times 1024 (a half in some rows of the
            tables); 0 for an ideal code.
    """

    bits_per_symbol: int
    code_rate_x1024: float

    @property
    def scheme(self) -> Scheme | None:
        """The scheme; None for an ideal code."""
        return Scheme(self.bits_per_symbol, self.code_rate_x1024) if self.bits_per_symbol else None

    def write(self, out: BitWriter) -> None:
        """Append the field's bits."""
        scheme = self.scheme
        _NUMBER.write(out, "LinkScheme", LINK_SCHEMES.index(scheme) if scheme in LINK_SCHEMES else _AGREED)

    @classmethod
    def read(cls, bits: BitReader, known: Known) -> LinkScheme:
        """Take the field's bits; what was agreed on is in LinkAgreement."""
        number = _NUMBER.read(bits, "LinkScheme")
        told = known.read(LinkAgreement) if number == _AGREED else LINK_SCHEMES[number]
        return cls(told.bits_per_symbol, told.code_rate_x1024)

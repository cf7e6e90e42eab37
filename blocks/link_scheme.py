"""The header of a coded link: which modulation and coding scheme a frame uses."""

from __future__ import annotations

from .envelope import HeaderField

__all__ = ["LinkScheme"]


class LinkScheme(HeaderField, frozen=True):
    """Modulation and code rate of a frame: 5 bits, the number of one of 32 schemes that both ends know.

    They are the 31 that an adapted link chooses from, and the ideal code. A link of one fixed scheme has agreed on it
    beforehand, whichever it is, and pays the 5 bits all the same.

    Attributes:
        bits_per_symbol: Of the constellation: 2, 4, 6, 8 or 10; 0 for an ideal code at capacity.
        code_rate_x1024: Information bits (check sums included) over coded bits, times 1024 (a half in some rows of the
            tables); 0 for an ideal code.
        uses: Channel uses of the payload. Costs nothing: it follows from the picture's size and the agreed CBR.
    """

    bits_per_symbol: int
    code_rate_x1024: float
    uses: int

    def bits(self) -> int:
        """Five."""
        return 5

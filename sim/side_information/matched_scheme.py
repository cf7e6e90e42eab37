"""The header of a coded link whose code rate is free: modulation and code rate of a frame."""

from __future__ import annotations

from typing import Annotated

from ..links.mcs import MATCHED_SCHEMES, Scheme
from .codes import Whole
from .field import HeaderField

__all__ = ["MatchedScheme"]


class MatchedScheme(HeaderField, frozen=True):
    """Modulation and code rate of a frame, in 9 bits; it stands where an adapted link has LinkScheme.

    Attributes:
        number: Among `MATCHED_SCHEMES`.
    """

    number: Annotated[int, Whole(9, most=len(MATCHED_SCHEMES) - 1)]

    @property
    def scheme(self) -> Scheme:
        """The scheme."""
        return MATCHED_SCHEMES[self.number]

"""The header of a coded link whose constellation may be shaped: which, or which modulation and code rate."""

from __future__ import annotations

from typing import Annotated

from ..links.mcs import Scheme
from ..links.shaped_qam import SHAPED_SCHEMES, ShapedQam
from .codes import Whole
from .field import HeaderField

__all__ = ["ShapedScheme"]


class ShapedScheme(HeaderField, frozen=True):
    """Constellation and code rate of a frame, in 10 bits; it stands where an adapted link has LinkScheme.

    Attributes:
        number: Among `SHAPED_SCHEMES`.
    """

    number: Annotated[int, Whole(10, most=len(SHAPED_SCHEMES) - 1)]

    @property
    def scheme(self) -> Scheme | ShapedQam:
        """The scheme."""
        return SHAPED_SCHEMES[self.number]

"""What travels over an edge."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from ...blocks.envelope import Envelope

__all__ = ["Item"]


class Item(NamedTuple):
    """What travels over an edge."""

    envelope: Envelope
    value: NDArray[Any]

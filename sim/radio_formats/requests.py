"""What the asking end of a REQ/REP stream sends: GNU Radio's credit, and the one byte of srsRAN."""

from __future__ import annotations

import struct
from typing import Final, Literal

from ...errors import SignalError, WireError

__all__ = ["MAX_CREDIT", "SRSRAN_REQUEST", "pack_credit", "unpack_request"]

MAX_CREDIT: Final = (1 << 31) - 1  # GNU Radio takes more for a negative number, and its thread dies of it

SRSRAN_REQUEST: Final[dict[Literal["4g", "5g"], bytes]] = {"4g": b"\xff", "5g": b"\x00"}
"""What srsRAN's radio sends for more samples; its other end takes any byte."""


def pack_credit(items: int) -> bytes:
    """Return the request for at most this many items.

    Raises:
        SignalError: the number is negative, or beyond 2^31 - 1.

    Example:
        >>> pack_credit(4096).hex(" ")
        '00 10 00 00'
    """
    if not 0 <= items <= MAX_CREDIT:
        raise SignalError(f"credit: expected 0 to {MAX_CREDIT} items, got {items}")
    return struct.pack("<I", items)


def unpack_request(data: bytes | memoryview) -> int | None:
    """Return how many items a request asks for; None: as many as there are, which is what fewer than 4 bytes say.

    Raises:
        WireError: a number that GNU Radio takes for negative.
    """
    if len(data) < 4:
        return None
    (items,) = struct.unpack_from("<I", data)
    if items > MAX_CREDIT:
        raise WireError(f"request: expected a credit of 0 to {MAX_CREDIT} items, got {items - (1 << 32)}")
    return int(items)

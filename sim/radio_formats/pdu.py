"""A PDU of GNU Radio's message blocks: a pair of what is said of the data, and the data."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import WireError
from .pmt import Pair, Pmt, pack_pmt, unpack_pmt

__all__ = ["Pdu", "pack_pdu", "unpack_pdu"]


class Pdu(NamedTuple):
    """A message.

    Attributes:
        about: What is said of the data, by symbol.
        data: A row of numbers.
    """

    about: dict[str, Pmt]
    data: NDArray[Any]


def pack_pdu(data: NDArray[Any], about: dict[str, Pmt] | None = None) -> bytes:
    """Return the message. Raises SignalError where PMT has no kind for a value.

    Example:
        >>> pack_pdu(np.array([1], np.uint8)).hex(" ")
        '07 06 0a 00 00 00 00 01 01 00 01'
    """
    return pack_pmt(Pair(about or None, data))


def unpack_pdu(data: bytes | memoryview) -> Pdu:
    """Return what a message carries.

    Raises:
        WireError: it is no PDU.
    """
    message = unpack_pmt(data)
    if not isinstance(message, Pair):
        raise WireError(f"PDU: expected a pair, got {type(message).__name__}")
    about = {} if message.car is None else message.car
    if not isinstance(about, dict) or not all(isinstance(key, str) for key in about):
        raise WireError(f"PDU: expected a dictionary with symbols for keys first, got {type(message.car).__name__}")
    if not isinstance(message.cdr, np.ndarray):
        raise WireError(f"PDU: expected a uniform vector second, got {type(message.cdr).__name__}")
    return Pdu(about, message.cdr)

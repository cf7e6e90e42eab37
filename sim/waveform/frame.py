"""A frame inside of a burst: start word, header word, payload."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..codes.crc import attach_crc, check_crc, crc_length
from ..side_information.packed_header import pack_numbered
from ..side_information.start_word import StartWord
from .body import from_payload
from .coded_word import decode_word, encode_word, word_symbols

__all__ = ["START_SYMBOLS", "frame_symbols", "header_symbols", "read_start"]

_CRC: Final = "16"
_START_BITS = 72


START_SYMBOLS: Final = word_symbols(_START_BITS + crc_length(_CRC))
"""Symbols of the start word."""


def header_symbols(start: StartWord) -> int:
    """Symbols of the word behind the start word, which holds the packed header."""
    return word_symbols(8 * start.header_bytes)


def frame_symbols(
    seq: int, header: Sequence[tuple[str, NDArray[np.uint8]]], payload: NDArray[np.complex64]
) -> NDArray[np.complex64]:
    """Return the data symbols of a burst.

    Args:
        seq: Number of the item.
        header: Class name and packed bits of each field that is sent.
        payload: complex64 ``[n]``, of unit mean energy.

    Returns:
        complex64 ``[...]``: start word, header word, and the payload interleaved and scrambled.

    Raises:
        SignalError: the number, the payload or the header is too long, or a field has no number.
    """
    packed = pack_numbered(header)
    start = StartWord(seq, payload.size, packed.size // 8)
    words = [encode_word(attach_crc(start.pack(), _CRC)), encode_word(packed)]
    return np.concatenate([*words, from_payload(payload)])


def read_start(symbols: NDArray[np.complex64], n0: NDArray[np.float32]) -> StartWord | None:
    """Read a start word; None where its check sum does not hold.

    Args:
        symbols: complex64 ``[START_SYMBOLS]``, equalised.
        n0: float32 ``[START_SYMBOLS]``, noise variance of each.
    """
    if not np.isfinite(symbols).all():
        return None
    bits = decode_word(symbols, n0)
    if not check_crc(bits, _CRC):
        return None
    try:
        return StartWord.unpack(bits[:_START_BITS])
    except SignalError:
        return None

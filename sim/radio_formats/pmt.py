"""PMT, GNU Radio's polymorphic values, as `pmt::serialize` writes them: one byte of kind, then big-endian values."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError, WireError, printable

__all__ = ["MAX_DEPTH", "MAX_OBJECTS", "Pair", "Pmt", "PmtReader", "Unsigned", "pack_pmt", "pmt_text", "unpack_pmt"]

MAX_DEPTH: Final = 64  # of pairs, vectors, tuples and dictionaries within one another
MAX_OBJECTS: Final = 1 << 16  # values in one message; the elements of a uniform vector count as one
MAX_SYMBOL: Final = 1024  # bytes; GNU Radio refuses longer ones

Pmt: TypeAlias = Any
"""None (nil), bool, int, `Unsigned`, float, complex, str (symbol), `Pair`, list (vector), tuple, dict, numpy array."""


class Pair(NamedTuple):
    """Two values: ``(car . cdr)``; a list is a row of pairs that ends with nil."""

    car: Pmt
    cdr: Pmt


class Unsigned(int):
    """A whole number that travels as uint64."""


_UNIFORM: Final = ("u1", "i1", ">u2", ">i2", ">u4", ">i4", ">u8", ">i8", ">f4", ">f8", ">c8", ">c16")
_UNIFORM_CODE: Final = {np.dtype(name).newbyteorder("="): code for code, name in enumerate(_UNIFORM)}
_KEYS: Final = (bool, int, float, complex, str, type(None))


def pack_pmt(value: Pmt) -> bytes:
    """Return a value as bytes.

    An empty dictionary is nil. Whole numbers are int32 where they fit, else int64.

    Raises:
        SignalError: PMT has nothing for it, or GNU Radio would refuse it.

    Example:
        >>> pack_pmt(Pair("n", 7)).hex(" ")
        '07 02 00 01 6e 03 00 00 00 07'
    """
    if value is None or isinstance(value, bool):
        return {True: b"\x00", False: b"\x01", None: b"\x06"}[value]
    if isinstance(value, Pair):
        return b"\x07" + pack_pmt(value.car) + pack_pmt(value.cdr)
    for kinds, pack in _PACKERS:
        if isinstance(value, kinds):
            return pack(value)
    raise SignalError(f"PMT: expected None, bool, number, str, Pair, list, tuple, dict or array, got {type(value)}")


def _pack_symbol(value: str) -> bytes:
    data = printable(value).encode()
    if len(data) > MAX_SYMBOL:
        raise SignalError(f"PMT: expected a symbol of at most {MAX_SYMBOL} bytes, got {len(data)}")
    return b"\x02" + struct.pack(">H", len(data)) + data


def _pack_unsigned(value: Unsigned) -> bytes:
    if not 0 <= value < 1 << 64:
        raise SignalError(f"PMT: expected an unsigned number of 64 bits, got {value}")
    return b"\x0b" + struct.pack(">Q", value)


def _pack_integer(value: int) -> bytes:
    value = int(value)
    if -(1 << 31) <= value < 1 << 31:
        return b"\x03" + struct.pack(">i", value)
    if -(1 << 63) <= value < 1 << 63:
        return b"\x0d" + struct.pack(">q", value)
    raise SignalError(f"PMT: expected a whole number of 64 bits, got {value}")


def _pack_real(value: float) -> bytes:
    return b"\x04" + struct.pack(">d", value)


def _pack_complex(value: complex) -> bytes:
    return b"\x05" + struct.pack(">dd", value.real, value.imag)


def _pack_dict(value: dict[Pmt, Pmt]) -> bytes:
    cells = (b"\x09\x07" + pack_pmt(key) + pack_pmt(item) for key, item in reversed(value.items()))
    return b"".join(cells) + b"\x06"  # the newest entry comes first, as `dict_add` puts it


def _pack_several(value: list[Pmt] | tuple[Pmt, ...]) -> bytes:
    kind = b"\x08" if isinstance(value, list) else b"\x0c"
    return kind + struct.pack(">I", len(value)) + b"".join(map(pack_pmt, value))


def _pack_uniform(value: NDArray[Any]) -> bytes:
    code = _UNIFORM_CODE.get(value.dtype.newbyteorder("="))
    if code is None or value.ndim != 1:
        raise SignalError(f"PMT: expected a row of integers, floats or complex, got {value.dtype} {list(value.shape)}")
    return b"\x0a" + struct.pack(">BIBB", code, value.size, 1, 0) + value.astype(_UNIFORM[code]).tobytes()


_PACKERS: Final[tuple[tuple[Any, Callable[[Any], bytes]], ...]] = (
    (str, _pack_symbol),
    (Unsigned, _pack_unsigned),
    ((int, np.integer), _pack_integer),
    ((float, np.floating), _pack_real),
    ((complex, np.complexfloating), _pack_complex),
    (dict, _pack_dict),
    ((list, tuple), _pack_several),
    (np.ndarray, _pack_uniform),
)


def unpack_pmt(data: bytes | memoryview) -> Pmt:
    """Return the value that these bytes are, whole.

    Raises:
        WireError: they are none, or more than that, or larger than the bounds of this module.

    Example:
        >>> unpack_pmt(bytes.fromhex("03 ff ff ff ff"))
        -1
    """
    reader = PmtReader(data)
    value = reader.read()
    if reader.at != len(data):
        raise WireError(f"PMT: expected {reader.at} bytes, got {len(data)}: something follows the value")
    return value


class PmtReader:
    """Reads values that stand one behind the other.

    Args:
        data: The bytes.
        at: Where the first value starts.

    Attributes:
        at: Where the next one does.
    """

    def __init__(self, data: bytes | memoryview, at: int = 0) -> None:
        self._data = memoryview(data)
        self._left = MAX_OBJECTS
        self.at = at

    def read(self, depth: int = 0) -> Pmt:
        """Return the next value. Raises WireError."""
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            raise WireError(f"PMT: expected at most {MAX_DEPTH} levels and {MAX_OBJECTS} values, got more")
        kind = self._take(1)[0]
        if kind in _FIXED:
            form, make = _FIXED[kind]
            return make(*struct.unpack(form, self._take(struct.calcsize(form))))
        match kind:
            case 0x02:
                return self._symbol()
            case 0x07:
                return Pair(self.read(depth + 1), self.read(depth + 1))
            case 0x08:
                return self._several(depth)
            case 0x0C:
                return tuple(self._several(depth))
            case 0x09:
                return self._dict(depth)
            case 0x0A:
                return self._uniform()
        raise WireError(f"PMT: expected a kind of value from 00 to 0d, got {kind:02x} at byte {self.at - 1}")

    def unsigned(self) -> int:
        """Return the next eight bytes as a number, lowest first, as GNU Radio writes its tags' places."""
        value: int = struct.unpack("<Q", self._take(8))[0]
        return value

    def _take(self, count: int) -> memoryview:
        piece = self._data[self.at : self.at + count]
        if len(piece) < count:
            raise WireError(f"PMT: expected {count} bytes at byte {self.at}, got {len(piece)}: it is cut short")
        self.at += count
        return piece

    def _symbol(self) -> str:
        (length,) = struct.unpack(">H", self._take(2))
        if length > MAX_SYMBOL:
            raise WireError(f"PMT: expected a symbol of at most {MAX_SYMBOL} bytes, got {length}")
        try:
            return str(self._take(length), "utf-8")
        except UnicodeDecodeError as error:
            raise WireError(f"PMT: expected a symbol in UTF-8, got {error.reason} in it") from None

    def _several(self, depth: int) -> list[Pmt]:
        (count,) = struct.unpack(">I", self._take(4))
        if count > self._left:
            raise WireError(f"PMT: expected at most {MAX_OBJECTS} values, got {count} in a vector")
        return [self.read(depth + 1) for _ in range(count)]

    def _uniform(self) -> NDArray[Any]:
        code, count, padding = struct.unpack(">BIB", self._take(6))
        self._take(padding)
        if code >= len(_UNIFORM):
            raise WireError(f"PMT: expected a uniform vector of kind 00 to 0b, got {code:02x}")
        dtype = np.dtype(_UNIFORM[code])
        values = np.frombuffer(self._take(count * dtype.itemsize), dtype)
        return values.astype(dtype.newbyteorder("="))

    def _dict(self, depth: int) -> dict[Pmt, Pmt]:
        entries: list[Pair] = []
        kind = 0x09
        while kind == 0x09:
            entry = self.read(depth + 1)
            if not isinstance(entry, Pair) or not isinstance(entry.car, _KEYS):
                raise WireError("PMT: expected pairs of a simple key and a value in a dictionary, got something else")
            entries.append(entry)
            kind = self._take(1)[0]
        if kind != 0x06:
            raise WireError(f"PMT: expected another entry (09) or the end (06) of a dictionary, got {kind:02x}")
        return {entry.car: entry.cdr for entry in reversed(entries)}  # oldest first; the newest of a key stands


_FIXED: Final[dict[int, tuple[str, Callable[..., Pmt]]]] = {
    0x00: ("", lambda: True),
    0x01: ("", lambda: False),
    0x03: (">i", int),
    0x04: (">d", float),
    0x05: (">dd", complex),
    0x06: ("", lambda: None),
    0x0B: (">Q", Unsigned),
    0x0D: (">q", int),
}


def pmt_text(value: Pmt, longest: int = 200) -> str:
    """Return a value as a line for people, cut at ``longest`` characters."""
    if isinstance(value, np.ndarray):
        value = value[: longest // 2].tolist()
    text = str(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"

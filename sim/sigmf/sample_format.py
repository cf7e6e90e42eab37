"""SigMF's sample formats: complex64 to bytes and back, scaled by a stated full scale."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError

__all__ = ["Encoded", "SampleFormat", "decode", "encode", "finite", "parse_datatype"]

_DATATYPE = re.compile(r"c([fiu])(8|16|32|64)(_le|_be)?")


class SampleFormat(NamedTuple):
    """How one complex sample lies in a file: its real part, then its imaginary part.

    Attributes:
        datatype: As SigMF writes it: ``ci16_le``.
        part: The numpy dtype of each part, byte order included.
    """

    datatype: str
    part: np.dtype[np.generic]

    @property
    def item_bytes(self) -> int:
        """Bytes of one sample."""
        return 2 * self.part.itemsize

    @property
    def levels(self) -> int:
        """Codes on either side of zero, 2^(bits - 1); 0 for floating point."""
        return 0 if self.part.kind == "f" else int(1 << (8 * self.part.itemsize - 1))


class Encoded(NamedTuple):
    """Samples as they go to a file.

    Attributes:
        parts: ``[n, 2]`` of the format's dtype.
        clipped: Samples of which a part was beyond the first or last code.
    """

    parts: NDArray[np.generic]
    clipped: int


def parse_datatype(datatype: str) -> SampleFormat:
    """Return the format that SigMF calls by this name; without a byte order it is little-endian.

    Args:
        datatype: ``cf32_le``, ``cf64_be``, ``ci16_le``, ``cu8``, ...

    Raises:
        InputError: it is unknown, or its samples are real.

    Example:
        >>> parse_datatype("ci16_be").part
        dtype('>i2')
    """
    match = _DATATYPE.fullmatch(datatype)
    if match is None or (match[1] == "f" and match[2] in ("8", "16")) or (match[1] != "f" and match[2] == "64"):
        raise InputError(
            f"expected complex samples, core:datatype cf32, cf64, ci8, ci16, ci32, cu8, cu16 or cu32 with _le or _be, "
            f"got {datatype}"
        )
    order = ">" if match[3] == "_be" else "<"
    return SampleFormat(datatype, np.dtype(f"{order}{match[1]}{int(match[2]) // 8}"))


def finite(samples: NDArray[np.complex64]) -> tuple[NDArray[np.complex64], int]:
    """Return the samples with zeros in place of those that are not finite, and how many these are.

    Their places stay: what follows keeps its time.

    Args:
        samples: complex64 ``[n]``; returned as it is where all are finite.
    """
    good = np.isfinite(samples)
    wrong = int(samples.size - np.count_nonzero(good))
    return (np.where(good, samples, np.complex64(0)), wrong) if wrong else (samples, 0)


def encode(samples: NDArray[np.complex64], form: SampleFormat, full_scale: float) -> Encoded:
    r"""Return the samples as parts of a format.

    .. math:: c = \mathrm{clip}\!\left(\mathrm{round}\frac{2^{b-1} x}{A}, -2^{b-1}, 2^{b-1} - 1\right)

    Floating point is written as it is. What is not clipped comes back within half a code, A / 2^b.

    Args:
        samples: complex64 ``[n]``, finite.
        form: A format of floating point or signed integers.
        full_scale: A, the value of a part that the code 2^(b - 1) stands for.
    """
    parts = np.ascontiguousarray(samples).view(np.float32).reshape(-1, 2)
    if not form.levels:
        return Encoded(parts.astype(form.part, copy=False), 0)
    codes = np.rint(parts * np.float64(form.levels / full_scale))
    bounded = np.clip(codes, -form.levels, form.levels - 1)
    return Encoded(bounded.astype(form.part), int(np.count_nonzero((codes != bounded).any(axis=1))))


def decode(parts: NDArray[np.generic], form: SampleFormat, full_scale: float) -> NDArray[np.complex64]:
    r"""Return the samples that parts of a format stand for.

    .. math:: x = \frac{A}{2^{b-1}} \left( c - c_0 \right)

    c_0 is 0 for signed and 2^(b - 1) for unsigned integers; floating point is taken as it is, and what exceeds single
    precision becomes infinite.

    Args:
        parts: ``[n, 2]`` of the format's dtype.
        form: The format.
        full_scale: A; not used for floating point.

    Returns:
        complex64 ``[n]``.
    """
    if form.levels:
        zero = form.levels if form.part.kind == "u" else 0
        values = ((parts.astype(np.float64) - zero) * (full_scale / form.levels)).astype(np.float32)
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            values = parts.astype(np.float32, copy=False)
    return np.ascontiguousarray(values).view(np.complex64).reshape(-1)

r"""An 8-bit minifloat: 1 bit of sign, 4 of exponent with bias 7, 3 of mantissa, the highest bit the sign.

.. math:: v = (-1)^s \begin{cases} \frac{m}{8}\, 2^{-6} & e = 0 \\ \left(1 + \frac{m}{8}\right) 2^{e - 7} & e > 0
    \end{cases}

Every code is a finite number, since a code that crossed a channel may be any: neither infinities nor NaN. That is E4M3
of the OCP 8-bit floating point specification but for its two codes of NaN, which are +-480 here, the largest values.
Rounding is to the nearest value, ties to the even code; larger numbers saturate. The smallest steps are 2 ** -9.

Source: the format of D-SIC (digital SC-SIC), which sends features so; OCP 8-bit Floating Point Specification 1.0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError

__all__ = ["LARGEST_MINIFLOAT", "from_minifloat", "to_minifloat"]

LARGEST_MINIFLOAT = 480.0

_EXPONENT, _MANTISSA = np.divmod(np.arange(128), 8)
_POSITIVE = np.where(_EXPONENT == 0, _MANTISSA / 8 * 2.0**-6, (1 + _MANTISSA / 8) * 2.0 ** (_EXPONENT - 7))
_VALUES = np.concatenate([_POSITIVE, -_POSITIVE]).astype(np.float32)
_BETWEEN = (_POSITIVE[1:] + _POSITIVE[:-1]) / 2


def to_minifloat(x: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the code of every value.

    Args:
        x: real, any shape, no NaN; values beyond +-480 saturate, infinite ones too.

    Raises:
        SignalError: a NaN.
    """
    if np.isnan(x).any():
        raise SignalError("minifloat: expected no NaN, got one")
    size = np.abs(x).astype(np.float64)
    codes = np.searchsorted(_BETWEEN, size)  # a tie goes down
    up = (codes % 2 == 1) & (codes < 127)
    codes += up & (_BETWEEN[np.minimum(codes, 126)] == size)  # and up to the even code
    return np.asarray(codes + 128 * np.signbit(x), np.uint8)


def from_minifloat(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the value of every code.

    Args:
        codes: uint8, any shape; every one of the 256 is a number.

    Raises:
        SignalError: the codes are not uint8.
    """
    if codes.dtype != np.uint8:
        raise SignalError(f"minifloat: expected codes as uint8, got {codes.dtype}")
    return _VALUES[codes]

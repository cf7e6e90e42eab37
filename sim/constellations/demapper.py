r"""Soft demapping of square Gray QAM, for numpy arrays and torch tensors alike; LLR = ln P(1)/P(0).

The two dimensions of a Gray QAM are independent, each with noise of variance N0/2:

.. math:: L(c) = \ln \frac{\sum_{a : c(a) = 1} e^{-(y - a)^2 / N_0}}{\sum_{a : c(a) = 0} e^{-(y - a)^2 / N_0}}

Where points are not equally likely, P(a) stands before each term. A positive LLR means that 1 is the likelier bit:
Sionna's sign, and the opposite of many textbooks.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import Any, Literal

import numpy as np

from ...errors import SignalError
from .qam import half_distance, pam_levels

__all__ = ["LLR_BOUND", "demap"]

LLR_BOUND = 1000.0
"""No LLR is larger: as n0 goes to 0 they would all be infinite, and sums of them not a number."""

_CHUNK = 16384  # symbols: what one pass works on stays in the cache
_FARTHEST = 1e6  # of a level from the origin, in half distances: products stay within single precision
_SMALLEST_N0 = 1e-30
_FARTHEST_OF_LAW = 1e3  # likewise, where squares are taken
_LARGEST_GAIN_OF_LAW = 1e4  # LLRs of points reach the bound below it


def demap(
    y: Any,
    n0: Any,
    bits_per_symbol: int,
    *,
    method: Literal["exact", "maxlog"] = "maxlog",
    law: Sequence[float] | None = None,
) -> Any:
    r"""Log-likelihood ratios of bits.

    ``exact`` is the sum above. ``maxlog`` keeps the nearest level of each kind; for this Gray code, with
    :math:`w_0` the dimension in half distances d and :math:`w_{j+1} = 2^{k-1-j} - |w_j|`, that is

    .. math:: L(c_j) = -\mathrm{sgn}(w_j)\, \frac{4 d^2}{N_0} (q + 1)(|w_j| - q), \quad
        q = \min\left(\lfloor |w_j| / 2 \rfloor, 2^{k-1-j} - 1\right)

    Args:
        y: complex ``[n]``: equalised symbols without bias.
        n0: Noise variance per complex symbol, at least 0: a number or real ``[n]``. An infinite one, or one as huge
            as erased symbols carry, gives LLRs of 0; 0 gives the bound.
        bits_per_symbol: 2, 4, 6, 8, 10 or 12.
        method: The sums, or their largest terms.
        law: Probability of each amplitude of a dimension, 1, 3, 5, ... half distances, of points of unit mean energy by
            it; ``None``: equally likely.

    Returns:
        float ``[n * bits_per_symbol]`` of the precision of ``y``, within +-`LLR_BOUND`.

    Raises:
        SignalError: no such order; a law of another number of amplitudes; ``y`` not complex, not 1-D or not finite;
            ``n0`` negative, NaN or of another length.

    Source: TS 38.211 section 5.1 (labels); Tosato & Bisaglia, IEEE ICC 2002 (max-log of Gray QAM).
    """
    xp: Any = _array_module(y)
    half = half_distance(bits_per_symbol, law)
    if y.ndim != 1 or not xp.is_complex(y):
        raise SignalError(f"demapper: expected complex [n], got {y.dtype} {list(y.shape)}")
    if not bool(xp.isfinite(y).all()):
        raise SignalError("demapper: expected finite symbols, got NaN or infinity")
    size = int(y.shape[0])
    n0 = _variance(n0, y)
    if n0.ndim and tuple(n0.shape) != (size,):
        raise SignalError(f"demapper: expected n0 as one number or [{size}], got shape {list(n0.shape)}")
    if not bool((n0 >= 0).all()):
        raise SignalError("demapper: expected n0 of at least 0, got a negative one or NaN")
    w = xp.clip(_dimensions(y), -_FARTHEST * half, _FARTHEST * half) / half  # [n, 2]
    gain = half**2 / xp.clip(n0, _SMALLEST_N0, None)
    gain = gain[:, None] if gain.ndim else gain
    work: Callable[[Any, Any, Any, int], Any]
    if law is not None:
        work = partial(_of_law, law=law, is_exact=method == "exact")
    else:
        work = _exact if method == "exact" else _maxlog
    if xp is not _Numpy:
        return work(xp, w, gain, bits_per_symbol).reshape(-1)
    out = np.empty((size, bits_per_symbol // 2, 2), y.real.dtype)
    for start in range(0, size, _CHUNK):
        part = slice(start, start + _CHUNK)
        out[part] = work(xp, w[part], gain[part] if gain.ndim else gain, bits_per_symbol)
    return out.reshape(-1)


def _maxlog(xp: Any, w: Any, gain: Any, bits_per_symbol: int) -> Any:
    k = bits_per_symbol // 2
    found = []
    for bit in range(k):
        size = xp.abs(w)
        q = xp.clip(xp.floor(size * 0.5), None, 2.0 ** (k - 1 - bit) - 1)
        found.append(xp.clip(xp.copysign((4 * gain) * (q + 1) * (size - q), -w), -LLR_BOUND, LLR_BOUND))
        w = 2.0 ** (k - 1 - bit) - size
    return xp.stack(found, 1)  # [n, k, 2]


def _exact(xp: Any, w: Any, gain: Any, bits_per_symbol: int) -> Any:
    k = bits_per_symbol // 2
    levels = pam_levels(bits_per_symbol)
    away = [xp.abs(w - float(level)) for level in levels]
    found = []
    for bit in range(k):
        logs, nearest = [], []
        for value in (0, 1):
            kept = [away[label] for label in range(levels.size) if label >> (k - 1 - bit) & 1 == value]
            near = kept[0]
            for other in kept[1:]:
                near = xp.minimum(near, other)
            # relative to the nearest level, so that no sum is ever 0
            logs.append(xp.log(sum(xp.exp((near - one) * (near + one) * gain) for one in kept)))
            nearest.append(near)
        far = (nearest[0] - nearest[1]) * (nearest[0] + nearest[1]) * gain
        found.append(xp.clip(far + logs[1] - logs[0], -LLR_BOUND, LLR_BOUND))
    return xp.stack(found, 1)


def _of_law(xp: Any, w: Any, gain: Any, bits_per_symbol: int, *, law: Sequence[float], is_exact: bool) -> Any:
    k = bits_per_symbol // 2
    w, gain = xp.clip(w, -_FARTHEST_OF_LAW, _FARTHEST_OF_LAW), xp.clip(gain, None, _LARGEST_GAIN_OF_LAW)
    metrics = [
        math.log(max(law[abs(level) // 2], sys.float_info.min)) - (w - float(level)) ** 2 * gain
        for level in pam_levels(bits_per_symbol).tolist()
    ]
    found = []
    for bit in range(k):
        logs = []
        for value in (0, 1):
            kept = [metric for label, metric in enumerate(metrics) if label >> (k - 1 - bit) & 1 == value]
            most = kept[0]
            for other in kept[1:]:
                most = xp.maximum(most, other)
            logs.append(most + xp.log(sum(xp.exp(one - most) for one in kept)) if is_exact else most)
        found.append(xp.clip(logs[1] - logs[0], -LLR_BOUND, LLR_BOUND))
    return xp.stack(found, 1)


class _Numpy:
    """What numpy has by other names than torch."""

    abs, clip, copysign, exp, floor = np.abs, np.clip, np.copysign, np.exp, np.floor
    isfinite, is_complex, log = np.isfinite, np.iscomplexobj, np.log
    maximum, minimum, stack = np.maximum, np.minimum, np.stack


def _array_module(y: Any) -> type[_Numpy] | ModuleType:
    if isinstance(y, np.ndarray):
        return _Numpy
    import torch

    return torch


def _dimensions(y: Any) -> Any:
    """Real and imaginary part on a last axis."""
    if isinstance(y, np.ndarray):
        return np.ascontiguousarray(y).view(y.real.dtype).reshape(-1, 2)
    import torch

    return torch.view_as_real(y.resolve_conj())


def _variance(n0: Any, y: Any) -> Any:
    """Return n0 as an array of the kind and precision of y's parts."""
    if isinstance(y, np.ndarray):
        with np.errstate(over="ignore"):  # beyond single precision is infinite: an erased symbol
            return np.asarray(n0, y.real.dtype)
    import torch

    return torch.as_tensor(n0, dtype=y.real.dtype, device=y.device)

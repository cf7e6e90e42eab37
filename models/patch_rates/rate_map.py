"""How many real values each patch sends: levels, their order on the air, and the choice of eta.

Only numpy: a transmitter without torch and the blocks read this too.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ...sim.bandwidth import robust_uses
from ...sim.side_information.rate_map import PLAIN_BITS, RateMap

__all__ = [
    "ETAS",
    "LEVELS",
    "PATCH",
    "checkerboard_order",
    "eta_for_frame",
    "eta_index",
    "eta_near_cbr",
    "levels_for",
    "pack",
    "unpack",
]

PATCH = 16
"""Side of a patch in pixels."""

LEVELS = tuple(range(16, 257, 16))
"""Real values that a patch may send; two share a complex symbol."""

ETAS = tuple(0.02 * 2 ** (step / 2) for step in range(16))
"""The values of eta of which the receiver is told the nearest (in the logarithm), 0.02 to 3.6."""

_GUESSES = 6
_SPARED = 5e-4  # share of a frame that is not worth another guess

Reals = NDArray[np.float32]


def checkerboard_order(count: int = LEVELS[-1]) -> NDArray[np.int64]:
    """Return the order in which the positions of a patch's vector fill: 0, count/2, 1, count/2 + 1, ...

    Position ``p`` is sent if ``order[p] < k``: up to half of the values, every second position; above it, all of the
    even ones and the first odd ones.

    Args:
        count: Values of a patch, even.

    Output:  int64 ``[count]``.
    Source:  Zhang et al., Rate-adaptive generative semantic communication using conditional diffusion models, IEEE
             Wireless Commun. Lett. 2025 (one-dimensional checkerboard pattern).
    """
    order = np.empty(count, np.int64)
    order[0::2] = np.arange(count // 2)
    order[1::2] = np.arange(count // 2, count)
    return order


def levels_for(entropy_bits: NDArray[np.floating], eta: float) -> NDArray[np.uint8]:
    r"""Choose each patch's level: the first that is at least eta times its entropy, the last if none is.

    .. math:: k_i = Q(\eta h_i)

    Args:
        entropy_bits: Estimated entropy of each patch in bits, any shape.
        eta: Real values per bit.
    """
    found = np.searchsorted(np.asarray(LEVELS, np.float64), eta * np.asarray(entropy_bits, np.float64))
    return np.minimum(found, len(LEVELS) - 1).astype(np.uint8)


def eta_index(eta: float) -> int:
    """Index of the nearest of `ETAS`."""
    return int(np.abs(np.log(np.asarray(ETAS)) - np.log(eta)).argmin())


def eta_near_cbr(entropy_bits: NDArray[np.floating], payload_uses: float) -> float:
    """Return the largest eta whose frame takes at most so many complex symbols; the smallest there is, if none does.

    Args:
        entropy_bits: Estimated entropy of each patch in bits.
        payload_uses: Complex symbols for the payload of the whole picture.
    """
    counts = np.asarray(LEVELS)
    low, high = 1e-4, 64.0
    for _ in range(40):  # the number of symbols rises with eta in steps
        middle = float(np.sqrt(low * high))
        uses = counts[levels_for(entropy_bits, middle)].sum() / 2
        low, high = (middle, high) if uses <= payload_uses else (low, middle)
    return low


def eta_for_frame(
    entropy_bits: NDArray[np.floating], frame_uses: float, rate_map: Literal["sent", "given"] = "sent"
) -> float:
    """Return the eta whose frame fills so many complex symbols best; the smallest there is, if none fits.

    What the rate map costs is known when it is coded, and depends on eta. So the payload is guessed, and corrected by
    what was left over or missing; further each time that something was missing again.

    Args:
        entropy_bits: Estimated entropy of each patch in bits ``[h, w]``.
        frame_uses: Complex symbols for payload and rate map.
        rate_map: Sent, or given to the receiver free of charge.
    """
    if rate_map == "given":
        return eta_near_cbr(entropy_bits, frame_uses)
    fits = frame_uses - robust_uses(1 + PLAIN_BITS * entropy_bits.size)  # no map costs more
    best, too_much, guess, reach = eta_near_cbr(entropy_bits, fits), frame_uses, frame_uses, 1
    for _ in range(_GUESSES):
        eta = eta_near_cbr(entropy_bits, guess)
        levels = levels_for(entropy_bits, eta)
        payload = float(np.asarray(LEVELS)[levels].sum()) / 2
        spare = frame_uses - robust_uses(RateMap.of(levels).bits()) - payload
        if spare >= 0:
            best, fits, reach = eta, guess, 1
        else:
            too_much = guess
        if 0 <= spare < _SPARED * frame_uses or too_much - fits < 2:
            break
        guess += reach * spare
        reach *= 2 if spare < 0 else 1
        if not fits < guess < too_much:
            guess = (fits + too_much) / 2
    return best


def pack(features: Reals, levels: NDArray[np.uint8]) -> Reals:
    """Flatten the values that are sent, patch by patch: ``[patches, 256]`` by rank to ``[n]``."""
    order = checkerboard_order(features.shape[1])
    sent = order[None] < np.asarray(LEVELS)[levels.ravel()][:, None]  # [patches, position]
    return np.ascontiguousarray(features[:, order][sent], dtype=np.float32)


def unpack(flat: Reals, levels: NDArray[np.uint8], count: int = LEVELS[-1]) -> Reals:
    """Undo `pack`; what was not sent is zero.

    Raises:
        SignalError: the number of values is not the one that the rate map says.
    """
    order = checkerboard_order(count)
    sent = order[None] < np.asarray(LEVELS)[levels.ravel()][:, None]
    expected = int(sent.sum())
    if flat.size != expected:
        raise SignalError(f"rate map: expected {expected} values for {levels.size} patches, got {flat.size}")
    placed = np.zeros(sent.shape, np.float32)
    placed[sent] = flat
    out = np.empty_like(placed)
    out[:, order] = placed
    return out

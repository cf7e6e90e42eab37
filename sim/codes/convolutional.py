r"""Convolutional codes of constraint length 7, for short words such as headers.

.. math:: c_i[t] = \bigoplus_{d=0}^{6} g_{i,d}\, b[t - d]

Bit 6 of a generator, its highest octal one, belongs to the present bit. With ``zeros`` a word begins in the state of
zeros and ends there, after six zeros more. With ``tail_biting`` it begins in the state in which it ends: no bits are
spent; words of 64 bits or more are then decoded nearly, not exactly, by maximum likelihood.

Source: TS 36.212 section 5.1.3.1 (tail-biting, rate 1/3: 133, 171, 165); IEEE 802.11 section 17.3.5.6 (rate 1/2).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..bits import check_bits

__all__ = ["RATE_1_2", "RATE_1_3", "Termination", "decode", "encode"]

RATE_1_2 = (0o133, 0o171)
RATE_1_3 = (0o133, 0o171, 0o165)

Termination = Literal["zeros", "tail_biting"]

_MEMORY = 6
_WRAP = 64  # steps before and behind a tail-biting word: some ten constraint lengths, after which paths have merged
_STEPS = 1024  # whose branch metrics are held at a time
_STEPS_AT_ONCE = 2**20  # of all words of a batch
_NEVER = -1e30
_LARGEST = 1e6  # of an LLR: infinite ones would make sums that are not a number


def encode(
    bits: NDArray[np.uint8], generators: Sequence[int] = RATE_1_2, *, termination: Termination = "zeros"
) -> NDArray[np.uint8]:
    """Encode words.

    Args:
        bits: uint8 ``[..., n]``.
        generators: One number of 7 bits for each coded bit.
        termination: ``zeros`` appends six zeros, ``tail_biting`` nothing.

    Returns:
        uint8 ``[..., (n + 6) r]``, or ``[..., n r]`` tail-biting: the r coded bits of a step side by side.

    Raises:
        SignalError: not bits.
    """
    check_bits("convolutional code", bits)
    if bits.ndim == 0:
        raise SignalError("convolutional code: expected bits [..., n], got []")
    size = bits.shape[-1]
    if termination == "zeros":
        steps = size + _MEMORY
        tail = np.zeros((*bits.shape[:-1], _MEMORY), np.uint8)
        past = np.concatenate([tail, bits, tail], axis=-1)
    else:
        steps = size
        past = bits[..., np.arange(-_MEMORY if size else 0, size) % max(size, 1)]
    coded = np.zeros((*bits.shape[:-1], steps, len(generators)), np.uint8)
    for index, generator in enumerate(generators):
        for delay in range(_MEMORY + 1):
            if generator >> (_MEMORY - delay) & 1:
                coded[..., index] ^= past[..., _MEMORY - delay : _MEMORY - delay + steps]
    return coded.reshape(*bits.shape[:-1], -1)


def decode(
    llrs: NDArray[Any], generators: Sequence[int] = RATE_1_2, *, termination: Termination = "zeros"
) -> NDArray[np.uint8]:
    """Find the likeliest words by the Viterbi algorithm.

    Args:
        llrs: real ``[..., N]``, ln P(1)/P(0) of the coded bits in the order of `encode`; for hard decisions +1 and -1.
        generators: As at the encoder.
        termination: As at the encoder.

    Returns:
        uint8 ``[..., N / r - 6]``, or ``[..., N / r]`` tail-biting. Of words as likely as each other the one whose
        path came from the lower state, where the newest bit is a state's highest.

    Raises:
        SignalError: NaN, or a number of LLRs that no word has.

    Source: Forney, The Viterbi algorithm, Proc. IEEE 61(3), 1973; the circular continuation of tail-biting words after
        Cox & Sundberg, IEEE Trans. Veh. Technol. 43(1), 1994.
    """
    rate = len(generators)
    least = _MEMORY * rate if termination == "zeros" else 0
    if llrs.ndim == 0 or llrs.shape[-1] % rate or llrs.shape[-1] < least:
        raise SignalError(
            f"convolutional code: expected a multiple of {rate} LLRs, at least {least}, got shape {list(llrs.shape)}"
        )
    if np.isnan(llrs).any():
        raise SignalError("convolutional code: expected LLRs without NaN, got one")
    steps = llrs.shape[-1] // rate
    zeros = np.zeros(1, np.intp)
    words = np.clip(llrs, -_LARGEST, _LARGEST).astype(np.float64).reshape(math.prod(llrs.shape[:-1]), steps, rate)
    if termination == "zeros":
        found = _in_batches(words, generators, zeros)[:, : steps - _MEMORY]
    elif steps < _WRAP:
        found = _tail_biting(words, generators)
    else:
        around = words[:, np.arange(-_WRAP, steps + _WRAP) % steps]
        found = _in_batches(around, generators, None)[:, _WRAP : _WRAP + steps]
    return found.reshape(*llrs.shape[:-1], found.shape[-1])


def _in_batches(
    words: NDArray[np.float64], generators: Sequence[int], ends: NDArray[np.intp] | None
) -> NDArray[np.uint8]:
    """Decode [words, steps, r] in bounded memory: 64 bytes a step are kept."""
    batch = max(1, _STEPS_AT_ONCE // max(words.shape[1], 1))
    found = np.empty(words.shape[:2], np.uint8)
    for start in range(0, len(words), batch):
        found[start : start + batch] = _viterbi(words[start : start + batch], generators, ends)[0]
    return found


def _tail_biting(words: NDArray[np.float64], generators: Sequence[int]) -> NDArray[np.uint8]:
    """Decode short words [words, steps, r]: the best of the paths that end in the state where they began."""
    ends = np.arange(64)
    found = np.empty(words.shape[:2], np.uint8)
    for index, word in enumerate(words):
        paths, metrics = _viterbi(np.broadcast_to(word, (64, *word.shape)), generators, ends)
        found[index] = paths[metrics.argmax()]
    return found


def _viterbi(
    words: NDArray[np.float64], generators: Sequence[int], ends: NDArray[np.intp] | None
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Decode [words, steps, r] from the states `ends` ([words] or [1]) to the same; from any to any where None.

    A register of 7 bits is a branch: its upper 6 are the new state, its lower 6 the old. Returns the words and how
    likely each is beside the others.
    """
    taps = np.arange(128)[:, None] >> np.arange(7) & 1
    outputs = np.array([taps @ (generator >> np.arange(7) & 1) % 2 for generator in generators])
    signs = outputs - 0.5  # [r, 128]; an LLR counts half for a 1 and half against a 0
    count, steps, _ = words.shape
    every = np.arange(count)
    metric = np.full((count, 64), 0.0 if ends is None else _NEVER)
    if ends is not None:
        metric[every, ends] = 0
    upper = np.empty((steps, count, 64), np.bool_)
    candidates = np.empty((count, 2, 64))  # of each register, by its newest bit and its old state
    lower, higher = (candidates.reshape(count, 128)[:, odd::2] for odd in (0, 1))
    for step in range(steps):
        if step % _STEPS == 0:
            branches = (words[:, step : step + _STEPS] @ signs).reshape(count, -1, 2, 64)
        np.add(metric[:, None], branches[:, step % _STEPS], out=candidates)
        np.greater(higher, lower, out=upper[step])
        np.maximum(lower, higher, out=metric)
    state = metric.argmax(axis=-1) if ends is None else np.broadcast_to(ends, count)
    return _traced_back(upper, state), metric[every, state]


def _traced_back(upper: NDArray[np.bool_], state: NDArray[np.intp]) -> NDArray[np.uint8]:
    """Follow the paths [steps, words, 64] back from their last states; return the words."""
    steps, count, _ = upper.shape
    if count == 1:  # as in a receiver: whole numbers are faster than arrays of one
        at, bits = int(state[0]), bytearray(steps)
        for step, row in zip(range(steps - 1, -1, -1), upper[::-1, 0].tolist(), strict=True):
            bits[step] = at >> 5
            at = (at << 1 | row[at]) & 63
        return np.frombuffer(bits, np.uint8)[None]
    every, found = np.arange(count), np.empty((count, steps), np.uint8)
    for step in range(steps - 1, -1, -1):
        found[:, step] = state >> 5
        state = (state << 1 | upper[step, every, state]) & 63
    return found

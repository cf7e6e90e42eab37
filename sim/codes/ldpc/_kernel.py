"""The decoder's inner loops, compiled. Imported when a decoder is first used, so that numba stays optional.

Every loop runs over a contiguous int16 row, a cyclic shift is two runs of it, and every operation is cut back to int16
at once: so they become vector instructions, and integers give the same results on every machine.
"""

from __future__ import annotations

import numpy as np

from ..compiled import compiled

# Log-likelihood ratios in steps of 1/64. With steps of 1/16 twice as many blocks failed far down the waterfall of codes
# of high rate, whose checks combine twenty bits; messages that may grow beyond 16 let more of them fail, too.
LARGEST = 1000  # of a magnitude: 30 messages and a channel value of 2000 still sum up within int16
LN2 = 44

i16 = np.int16


@compiled
def _magnitude(x):  # type: ignore[no-untyped-def]
    return min(max(x, i16(-x)), i16(LARGEST))


@compiled
def _correction(x):  # type: ignore[no-untyped-def]
    """ln(1 + exp(-x)) by two straight lines."""
    eighth = i16(x >> 3)
    return max(max(i16(LN2 - i16(i16(x >> 2) + eighth)), i16(22 - eighth)), i16(0))


@compiled
def _box_plus(a, b):  # type: ignore[no-untyped-def]
    """Magnitude of the sum, modulo 2, of two bits of magnitudes a and b."""
    apart = i16(a - b)
    nearer = i16(min(a, b) + _correction(i16(a + b)))
    return max(i16(nearer - _correction(max(apart, i16(-apart)))), i16(0))


@compiled
def _subtract(out, a, b):  # type: ignore[no-untyped-def]
    for i in range(out.size):
        out[i] = a[i] - b[i]


@compiled
def _copy(out, a):  # type: ignore[no-untyped-def]
    for i in range(out.size):
        out[i] = a[i]


@compiled
def _exclusive_or(out, a):  # type: ignore[no-untyped-def]
    for i in range(out.size):
        out[i] ^= a[i]


@compiled
def _absorb(least, rest, sign, value):  # type: ignore[no-untyped-def]
    """Take one more bit into a check: the least magnitude so far, and the combination of all others."""
    for i in range(value.size):
        sign[i] ^= value[i]
        magnitude = _magnitude(value[i])
        other = max(magnitude, least[i])
        least[i] = min(magnitude, least[i])
        rest[i] = _box_plus(rest[i], other)


@compiled
def _combine(whole, rest, least):  # type: ignore[no-untyped-def]
    for i in range(whole.size):
        whole[i] = _box_plus(rest[i], least[i])


@compiled
def _answer(message, value, least, rest, whole, sign):  # type: ignore[no-untyped-def]
    """Add a check's message to a bit; the least reliable bit hears of the others alone, the rest of all."""
    for i in range(value.size):
        x = value[i]
        not_least = i16(i16(least[i] - _magnitude(x)) >> 15)
        y = i16(rest[i] ^ i16(i16(rest[i] ^ whole[i]) & not_least))
        negative = i16(i16(sign[i] ^ x) >> 15)
        y = i16(i16(y ^ negative) - negative)
        message[i] = y
        value[i] = i16(x + y)


@compiled
def _layer(total, messages, columns, shifts, values, work):  # type: ignore[no-untyped-def]
    least, rest, sign, whole = work[0], work[1], work[2], work[3]
    least[:] = i16(LARGEST)
    rest[:] = i16(LARGEST)
    sign[:] = i16(0)
    lanes = least.size
    for entry in range(columns.size):
        head = lanes - shifts[entry]
        bits, message, value = total[columns[entry]], messages[entry], values[entry]
        _subtract(value[:head], bits[lanes - head :], message[:head])
        _subtract(value[head:], bits[: lanes - head], message[head:])
        _absorb(least, rest, sign, value)
    _combine(whole, rest, least)
    for entry in range(columns.size):
        head = lanes - shifts[entry]
        bits, value = total[columns[entry]], values[entry]
        _answer(messages[entry], value, least, rest, whole, sign)
        _copy(bits[lanes - head :], value[:head])
        _copy(bits[: lanes - head], value[head:])


@compiled
def _unsatisfied(total, starts, columns, shifts, parity, open_, failed):  # type: ignore[no-untyped-def]
    """Mark in `failed` the blocks with an unsatisfied check; stop as soon as every open one has been found."""
    blocks, lanes = failed.size, parity.size
    failed[:] = False
    for row in range(starts.size - 1):
        parity[:] = i16(0)
        for entry in range(starts[row], starts[row + 1]):
            head = lanes - shifts[entry]
            bits = total[columns[entry]]
            _exclusive_or(parity[:head], bits[lanes - head :])
            _exclusive_or(parity[head:], bits[: lanes - head])
        found = True
        for block in range(blocks):
            if open_[block] and not failed[block]:
                signs = i16(0)
                for i in range(block, lanes, blocks):
                    signs |= parity[i]
                failed[block] = signs < 0
                found &= failed[block]
        if found:
            return


@compiled
def _decide(total, block, blocks, bits):  # type: ignore[no-untyped-def]
    """Take decisions; say whether nothing spoke neither for 0 nor for 1. All zeros are a codeword, and no evidence."""
    z = total.shape[1] // blocks
    undecided = 0
    for i in range(bits.size):
        value = total[i // z, (i % z) * blocks + block]
        bits[i] = value < 0
        undecided += value == 0
    return undecided == 0


@compiled
def decode_group(total, starts, columns, shifts, iterations, bits, used, decided):  # type: ignore[no-untyped-def]
    """Decode blocks that lie side by side; each ends at its own first codeword, whatever the others do.

    Args:
        total: int16 ``[columns, Z blocks]``: ln P(0)/P(1), steps of 1/64; bit i of block b stands at ``i blocks + b``.
        starts: int32 ``[rows + 1]``: the first entry of each row.
        columns: int32 ``[entries]``.
        shifts: int32 ``[entries]``: cyclic shifts times blocks.
        iterations: The most there are.
        bits: uint8 ``[blocks, n]``: takes the decisions on the first n bits.
        used: int32 ``[blocks]``: takes the iterations until a codeword was found; 0 where none was.
        decided: bool ``[blocks]``: takes whether every one of those bits was decided.
    """
    blocks, lanes = used.size, total.shape[1]
    messages = np.zeros((columns.size, lanes), np.int16)
    values = np.empty((np.max(np.diff(starts)), lanes), np.int16)
    work = np.empty((4, lanes), np.int16)
    open_ = np.ones(blocks, np.bool_)
    failed = np.empty(blocks, np.bool_)
    used[:] = 0
    for iteration in range(iterations):
        for row in range(starts.size - 1):
            first, last = starts[row], starts[row + 1]
            _layer(total, messages[first:last], columns[first:last], shifts[first:last], values, work)
        _unsatisfied(total, starts, columns, shifts, work[0], open_, failed)
        for block in range(blocks):
            if open_[block] and not failed[block]:
                decided[block] = _decide(total, block, blocks, bits[block])
                if decided[block]:
                    open_[block] = False
                    used[block] = iteration + 1
        if not open_.any():
            return
    for block in range(blocks):
        if open_[block]:
            decided[block] = _decide(total, block, blocks, bits[block])

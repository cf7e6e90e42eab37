r"""Frames of shaped QAM: a transport block of 5G NR whose information bits are placed so that amplitudes are shaped.

A code block's information bits are, in this order,

- 2 Z that are never sent, of the payload;
- the labels of the amplitudes of its symbols, made of the payload by a distribution matcher;
- the rest of the payload, and check sums.

Rate matching sends the labels first, since it begins behind the 2 Z, then the rest and the parity bits: these are
the signs. The bits of a symbol that the standard's interleaver puts first, which are the signs of its QAM, therefore
change places with the last two.

Source: Boecherer, Steiner & Schulte, IEEE Trans. Commun. 63(12), 2015; TS 38.212 section 5.4.2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ..bits import check_bits
from ..codes.distribution_matcher import input_bits, match, unmatch
from ..codes.ldpc.rate_match import PUNCTURED_COLUMNS
from ..codes.ldpc.segment import code_block_crc_bits
from ..codes.scrambling import gold_sequence
from ..constellations.qam import pam_levels
from .mcs import Scheme, payload_bits_for
from .shaped_qam import ShapedQam
from .transport_block import (
    DecodedTransportBlock,
    TransportBlockPlan,
    decode_transport_block,
    encode_transport_block,
    plan_transport_block,
)

__all__ = ["ShapedBlockPlan", "decode_shaped_block", "encode_shaped_block", "plan_shaped_block"]


@dataclass(frozen=True)
class ShapedBlockPlan:
    """How a payload becomes coded bits of a shaped constellation; both ends work it out from scheme and uses.

    Attributes:
        coded: The transport block that carries it.
        scheme: The constellation.
        counts: Of each code block: how often its symbols have each amplitude, from 1 up.
        payload_bits: Bits A of the payload, whole bytes.
    """

    coded: TransportBlockPlan
    scheme: ShapedQam
    counts: tuple[tuple[int, ...], ...]
    payload_bits: int

    @property
    def blocks(self) -> int:
        """Number of code blocks C."""
        return self.coded.blocks

    @property
    def block_bits(self) -> int:
        """Bits K' of each, check sums included."""
        return self.coded.block_bits

    @property
    def coded_bits(self) -> int:
        """Bits G that are sent."""
        return self.coded.coded_bits

    def labels(self, block: int) -> slice:
        """Where the labels of a code block stand in the transport block's payload."""
        bits = self.scheme.bits_per_symbol
        data_bits = self.coded.block_bits - code_block_crc_bits(self.coded.blocks)
        first = block * data_bits + PUNCTURED_COLUMNS * self.coded.z
        return slice(first, first + self.coded.sent_bits[block] // bits * (bits - 2))

    @property
    def free(self) -> NDArray[np.intp]:
        """Where the bits stand that are not shaped."""
        is_label = np.zeros(self.coded.payload_bits, np.bool_)
        for block in range(self.blocks):
            is_label[self.labels(block)] = True
        return np.flatnonzero(~is_label)

    @property
    def carried_bits(self) -> int:
        """Bits that fit, of which the payload is whole bytes."""
        return self.free.size + sum(input_bits(counts) for counts in self.counts)


@lru_cache(maxsize=256)
def plan_shaped_block(scheme: ShapedQam, uses: int) -> ShapedBlockPlan | None:
    """Plan the frame of a shaped scheme.

    Args:
        scheme: Constellation and bits a use.
        uses: Complex symbols of the frame.

    Returns:
        The plan; ``None`` where the labels of all amplitudes do not fit into the code blocks, or no byte beside them.
    """
    bits = scheme.bits_per_symbol
    carried_bits = payload_bits_for(Scheme(bits, scheme.code_rate_x1024), uses)
    if not carried_bits:
        return None
    coded = plan_transport_block(carried_bits, uses * bits, bits, code_rate=scheme.code_rate)
    counts = tuple(_composition(scheme.law, 2 * sent_bits // bits) for sent_bits in coded.sent_bits)
    plan = ShapedBlockPlan(coded, scheme, counts, 0)
    slices = [plan.labels(block) for block in range(coded.blocks)]
    if slices[-1].stop > carried_bits or any(a.stop > b.start for a, b in pairwise(slices)):
        return None
    payload_bits = plan.carried_bits // 8 * 8
    return replace(plan, payload_bits=payload_bits) if payload_bits else None


def encode_shaped_block(plan: ShapedBlockPlan, payload: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn a payload into coded bits.

    Args:
        plan: Of `plan_shaped_block`.
        payload: uint8 of 0 and 1, ``[A]``.

    Returns:
        uint8 ``[G]``, for `modulate` with the law of the scheme.

    Raises:
        SignalError: not bits, or not A of them.
        MissingExtra: Sionna, which holds the base graphs, is not installed.
    """
    check_bits("shaped block", payload)
    if payload.shape != (plan.payload_bits,):
        raise SignalError(f"shaped block: expected {plan.payload_bits} payload bits, got {list(payload.shape)}")
    data = np.zeros(plan.carried_bits, np.uint8)
    data[: payload.size] = payload ^ gold_sequence(payload.size)
    carried = np.zeros(plan.coded.payload_bits, np.uint8)
    free = plan.free
    carried[free], first = data[: free.size], free.size
    for block, counts in enumerate(plan.counts):
        behind = first + input_bits(counts)
        carried[plan.labels(block)] = _labels(match(data[first:behind], counts), plan.scheme.bits_per_symbol)
        first = behind
    coded = encode_transport_block(plan.coded, carried).reshape(-1, plan.scheme.bits_per_symbol)
    return np.ascontiguousarray(np.roll(coded, 2, axis=1)).reshape(-1)


def decode_shaped_block(
    plan: ShapedBlockPlan, llrs: NDArray[np.float32], *, iterations: int = 50, threads: int = 1
) -> DecodedTransportBlock:
    """Decode received values.

    Args:
        plan: Of `plan_shaped_block`.
        llrs: float32 ``[..., G]``, ln P(1)/P(0), that know the law of the amplitudes; zeros are erased.
        iterations: The most that the decoder takes.
        threads: Of the processor; the result does not depend on it.

    Returns:
        What came out; a code block whose amplitudes are not such as are sent has failed, whatever its check sum says
        (a constant signal is the word of zeros, which no scrambling prevents here), and the bits behind them are zeros.

    Raises:
        SignalError: not G values, or one is not a number.
        MissingExtra: numba, or Sionna, which holds the base graphs, is not installed.
    """
    bits_per_symbol = plan.scheme.bits_per_symbol
    if llrs.shape[-1:] != (plan.coded_bits,):
        raise SignalError(f"shaped block: expected {plan.coded_bits} LLRs, got {list(llrs.shape)}")
    in_rows = llrs.reshape(*llrs.shape[:-1], -1, bits_per_symbol)
    ordered = np.ascontiguousarray(np.roll(in_rows, -2, axis=-1)).reshape(llrs.shape)
    found = decode_transport_block(plan.coded, ordered, iterations=iterations, threads=threads)
    carried = found.payload.reshape(-1, plan.coded.payload_bits)
    block_ok = found.block_ok.reshape(-1, plan.blocks).copy()
    payload = np.stack([_payload(plan, frame, is_ok) for frame, is_ok in zip(carried, block_ok, strict=True)])
    shape = llrs.shape[:-1]
    return found._replace(
        payload=payload.reshape(*shape, -1),
        crc_ok=found.crc_ok & block_ok.all(axis=1).reshape(shape),
        block_ok=block_ok.reshape(*shape, plan.blocks),
    )


def _payload(plan: ShapedBlockPlan, carried: NDArray[np.uint8], block_ok: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the payload of a frame, and note which code blocks have other amplitudes than are sent."""
    parts = [carried[plan.free]]
    for block, counts in enumerate(plan.counts):
        bits = unmatch(_amplitudes(carried[plan.labels(block)], plan.scheme.bits_per_symbol), counts)
        block_ok[block] &= bits is not None
        parts.append(np.zeros(input_bits(counts), np.uint8) if bits is None else bits)
    return np.concatenate(parts)[: plan.payload_bits] ^ gold_sequence(plan.payload_bits)


def _composition(law: tuple[float, ...], length: int) -> tuple[int, ...]:
    """Counts that sum up to the length and are nearest to the law: largest remainders."""
    counts = [int(p * length) for p in law]
    by_remainder = sorted(range(len(law)), key=lambda a: (counts[a] - law[a] * length, a))
    for amplitude in by_remainder[: length - sum(counts)]:
        counts[amplitude] += 1
    return tuple(counts)


def _labels(amplitudes: NDArray[np.uint8], bits_per_symbol: int) -> NDArray[np.uint8]:
    """Labels without signs, as rate matching takes them: first bits of all real parts, of all imaginary ones, ..."""
    k = bits_per_symbol // 2
    levels = pam_levels(bits_per_symbol)[: 2 ** (k - 1)]  # the positive ones
    label = np.argsort(levels).astype(np.uint8)[amplitudes]
    bits: NDArray[np.uint8] = label[None] >> np.arange(k - 2, -1, -1, dtype=np.uint8)[:, None] & np.uint8(1)
    return bits.reshape(-1)


def _amplitudes(labels: NDArray[np.uint8], bits_per_symbol: int) -> NDArray[np.uint8]:
    """Undo `_labels`."""
    k = bits_per_symbol // 2
    label = (1 << np.arange(k - 2, -1, -1)) @ labels.reshape(k - 1, -1)
    return np.asarray((pam_levels(bits_per_symbol)[label] - 1) // 2, np.uint8)

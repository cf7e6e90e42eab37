"""The Gold sequence against bits of Sionna's, against the standard's recursion one bit at a time, and its limits."""

import numpy as np
import pytest
from semcom.errors import SignalError
from semcom.sim.codes.scrambling import PDSCH_C_INIT, gold_sequence


def by_the_standard(size: int, c_init: int) -> list[int]:
    x1 = [1] + [0] * 30
    x2 = [c_init >> bit & 1 for bit in range(31)]
    for n in range(size + 1600 - 31):
        x1.append((x1[n + 3] + x1[n]) % 2)
        x2.append((x2[n + 3] + x2[n + 2] + x2[n + 1] + x2[n]) % 2)
    return [(x1[n + 1600] + x2[n + 1600]) % 2 for n in range(size)]


@pytest.mark.parametrize("c_init", [0, 1, PDSCH_C_INIT, 2**31 - 1])
@pytest.mark.parametrize("size", [0, 1, 31, 5000])
def test_every_bit_is_the_standards(size: int, c_init: int) -> None:
    assert gold_sequence(size, c_init).tolist() == by_the_standard(size, c_init)


@pytest.mark.parametrize(
    ("c_init", "first", "last"),
    [(PDSCH_C_INIT, "138d0d7bd52e4942", "0c31b225058b97e9"), (123_456_789, "e9a478e9ba05819a", "7c110a08a64644b3")],
)
def test_sionna_has_the_same_sequence(c_init: int, first: str, last: str) -> None:
    """Ends of 20,000 bits of Sionna 2.2.0, sionna.phy.nr.utils.generate_prng_seq; its import takes seconds."""
    packed = np.packbits(gold_sequence(20_000, c_init)).tobytes()
    assert (packed[:8].hex(), packed[-8:].hex()) == (first, last)


def test_half_of_the_bits_are_ones() -> None:
    """Within five standard deviations, for bits and for pairs of neighbours."""
    bits = gold_sequence(10**6).astype(int)
    assert abs(bits.sum() - 500_000) < 5 * 500
    assert abs((bits[1:] ^ bits[:-1]).sum() - 500_000) < 5 * 500


def test_bad_input() -> None:
    for c_init in (-1, 2**31):
        with pytest.raises(SignalError, match=rf"scrambling: expected a start of 0 to 2 \*\* 31 - 1, got {c_init}"):
            gold_sequence(10, c_init)
    with pytest.raises(ValueError, match="read-only"):
        gold_sequence(10)[0] = 1

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln
from semcom.errors import SignalError
from semcom.sim.codes.distribution_matcher import input_bits, match, unmatch

COMPOSITIONS = st.lists(st.integers(0, 40), min_size=1, max_size=6).filter(lambda counts: sum(counts) > 0)


@pytest.mark.parametrize("counts", [(2, 2), (3, 0, 2), (1, 1, 1, 1), (5, 2, 1), (0, 4), (1,), (4, 4), (7, 1)])
def test_words_are_points_among_all_sequences_in_their_lexicographic_order(counts: tuple[int, ...]) -> None:
    """Beside all of them, as itertools lists them; 4 and 8 sequences are a power of two."""
    every = sorted(set(permutations([value for value, count in enumerate(counts) for _ in range(count)])))
    bits = input_bits(counts)
    assert bits == int(np.log2(len(every)))
    made = set()
    for point in range(2**bits):
        word = np.array([point >> place & 1 for place in range(bits - 1, -1, -1)], np.uint8)
        sequence = tuple(match(word, counts))
        assert sequence == every[point * len(every) >> bits]
        np.testing.assert_array_equal(unmatch(np.array(sequence, np.uint8), counts), word)
        made.add(sequence)
    for sequence in set(every) - made:
        assert unmatch(np.array(sequence, np.uint8), counts) is None


@pytest.mark.parametrize("counts", [(60_000, 1), (1, 60_000), (30_000, 2), (20_000, 20_000, 20_000), (65_000, 30, 1)])
def test_long_and_lopsided_sequences_come_back(counts: tuple[int, ...]) -> None:
    rng, bits = np.random.default_rng(6), input_bits(counts)
    words = [rng.integers(0, 2, bits, dtype=np.uint8) for _ in range(60)]
    words += [np.zeros(bits, np.uint8), np.ones(bits, np.uint8), np.r_[np.ones(bits - 1), 0].astype(np.uint8)]
    for word in words:
        np.testing.assert_array_equal(unmatch(match(word, counts), counts), word)


@settings(max_examples=60, deadline=None)
@given(COMPOSITIONS, st.integers(0, 2**32 - 1))
def test_every_word_comes_back_and_has_the_composition(counts: list[int], seed: int) -> None:
    word = np.random.default_rng(seed).integers(0, 2, input_bits(counts), dtype=np.uint8)
    values = match(word, counts)
    assert np.bincount(values, minlength=len(counts)).tolist() == counts
    np.testing.assert_array_equal(unmatch(values, counts), word)


def test_a_long_sequence_carries_nearly_its_entropy() -> None:
    """log2 of the multinomial by scipy's gammaln; the entropy is an upper bound, and 18 bits more at this length."""
    counts = (3000, 1800, 640, 200)
    exact = (gammaln(sum(counts) + 1) - sum(gammaln(count + 1) for count in counts)) / np.log(2)
    assert input_bits(counts) == int(exact)
    share = np.array(counts) / sum(counts)
    assert 0 < -sum(counts) * (share @ np.log2(share)) - exact < 20
    word = np.random.default_rng(1).integers(0, 2, input_bits(counts), dtype=np.uint8)
    np.testing.assert_array_equal(unmatch(match(word, counts), counts), word)


def test_what_is_no_word_and_no_sequence() -> None:
    with pytest.raises(SignalError, match=r"distribution matcher: expected 2 bits, got \[3\]"):
        match(np.zeros(3, np.uint8), (2, 2))
    with pytest.raises(SignalError, match="distribution matcher: expected bits"):
        match(np.full(2, 7, np.uint8), (2, 2))
    with pytest.raises(SignalError, match=r"distribution matcher: expected 4 values, got \[5\]"):
        unmatch(np.zeros(5, np.uint8), (2, 2))
    with pytest.raises(SignalError, match=r"expected counts of 0 and more, got \[3, -1\]"):
        input_bits((3, -1))
    with pytest.raises(SignalError, match="expected at most 65536 values, got 65537"):
        input_bits((65_000, 537))
    assert unmatch(np.array([0, 0, 0, 1], np.uint8), (2, 2)) is None
    assert unmatch(np.array([0, 0, 1, 9], np.uint8), (2, 2)) is None

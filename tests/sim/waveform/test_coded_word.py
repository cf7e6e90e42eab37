"""Words that must arrive."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm
from semcom.sim.codes.convolutional import encode
from semcom.sim.waveform.coded_word import RATE_1_4, decode_word, encode_word, word_symbols


@given(st.lists(st.integers(0, 1), max_size=60))
def test_a_word_comes_back(bits: list[int]) -> None:
    word = np.array(bits, np.uint8)
    symbols = encode_word(word)
    assert symbols.size == word_symbols(word.size) == 2 * word.size + 12
    np.testing.assert_allclose(np.abs(symbols), 1, rtol=1e-6)
    np.testing.assert_array_equal(decode_word(symbols, 0.1), word)


def test_the_free_distance_is_that_of_the_table() -> None:
    """20, by trying every word of up to 10 bits that begins with a one (Proakis & Salehi, table 8.3-3)."""
    words = (np.arange(512)[:, None] >> np.arange(8, -1, -1) & 1).astype(np.uint8)
    words = np.concatenate([np.ones((512, 1), np.uint8), words], axis=1)
    assert encode(words, RATE_1_4).sum(axis=1).min() == 20


@pytest.mark.parametrize("esn0_db", [0.0, 3.0])
def test_words_are_lost_no_oftener_than_the_union_bound(esn0_db: float) -> None:
    """Sum over all words of up to 12 bits, from each of the places where an error can begin."""
    bits, words = 88, 400
    patterns = (np.arange(1 << 11)[:, None] >> np.arange(10, -1, -1) & 1).astype(np.uint8)
    patterns = np.concatenate([np.ones((1 << 11, 1), np.uint8), patterns], axis=1)
    patterns = np.unique(patterns, axis=0)
    weights = encode(patterns, RATE_1_4).sum(axis=1)
    bound = bits * float(norm.sf(np.sqrt(weights * 10 ** (esn0_db / 10))).sum())  # QPSK: Es/2 to a coded bit
    rng = np.random.default_rng(1)
    lost = 0
    for _ in range(words):
        word = rng.integers(0, 2, bits, dtype=np.uint8)
        n0 = 10 ** (-esn0_db / 10)
        sent = encode_word(word)
        received = sent + np.sqrt(n0 / 2) * (rng.standard_normal((sent.size, 2)) @ [1, 1j])
        lost += not np.array_equal(decode_word(received.astype(np.complex64), n0), word)
    assert lost <= binom.isf(1e-6, words, min(2 * bound, 1))

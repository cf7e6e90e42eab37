from fractions import Fraction

import numpy as np
import pytest
from semcom.blocks.channels.awgn_samples import AwgnSamples
from semcom.blocks.channels.copy import Copy
from semcom.blocks.envelope import Stream
from semcom.sim.noise import CounterNoise

X = CounterNoise(1).complex_normal(0, 3000)


def run(lengths: list[int]) -> np.ndarray:
    block, offset, out = AwgnSamples(name="channel", seed=7), 0, []
    for length in lengths:
        out.append(block.work(X[offset : offset + length], Stream(offset, 1e6)))
        offset += length
    return np.concatenate(out)


@pytest.mark.parametrize("lengths", [[1, 31, 64, 2904], [1] * 400, [1000, 0, 1000, 1000]])
def test_chunks_do_not_change_it(lengths: list[int]) -> None:
    y = run(lengths)
    np.testing.assert_array_equal(y, run([3000])[: y.size])
    assert y.dtype == np.complex64


@pytest.mark.parametrize("snr_db", [-5, 0, 10, 25])
def test_noise_power(snr_db: float) -> None:
    n = 200_000
    y = AwgnSamples(AwgnSamples.Params(snr_db=snr_db)).work(np.zeros(n, np.complex64), Stream())
    assert np.mean(np.abs(y) ** 2) * 10 ** (snr_db / 10) == pytest.approx(1, abs=5 / np.sqrt(n))


def test_copy_is_the_same_array() -> None:
    assert Copy().work(X) is X


@pytest.mark.parametrize("samples_per_symbol", [1, 2, 8, "64/52"])
def test_es_n0_is_the_snr_of_a_symbols_samples_together(samples_per_symbol: float | str) -> None:
    n = 200_000
    params = AwgnSamples.Params(esn0_db=7, samples_per_symbol=samples_per_symbol)
    y = AwgnSamples(params).work(np.zeros(n, np.complex64), Stream())
    expected = float(Fraction(samples_per_symbol)) * 10**-0.7
    assert np.mean(np.abs(y) ** 2) == pytest.approx(expected, rel=5 / np.sqrt(n))


def test_two_levels_are_refused() -> None:
    with pytest.raises(ValueError, match="expected snr_db or esn0_db, got both, 3 and 7"):
        AwgnSamples.Params(snr_db=3, esn0_db=7)


def test_less_than_a_sample_a_symbol_is_refused() -> None:
    with pytest.raises(ValueError, match="expected at least 1 sample a symbol, got 52/64"):
        AwgnSamples.Params(esn0_db=7, samples_per_symbol="52/64")

"""`sources/tone` and `sources/zeros`."""

import numpy as np
import pytest
from semcom.blocks.sources.tone import Tone
from semcom.blocks.sources.zeros import Zeros


@pytest.mark.parametrize("chunk", [1, 7, 64, 4096])
def test_the_tone_does_not_depend_on_its_chunks(chunk: int) -> None:
    params = {"frequency_hz": -1234.5, "sample_rate_hz": 8000.0, "amplitude": 0.5, "samples": 500}
    whole = np.concatenate(list(Tone(Tone.Params(**params)).work()))
    chunks = list(Tone(Tone.Params(**params, chunk=chunk)).work())
    np.testing.assert_array_equal(np.concatenate(chunks), whole)
    expected = 0.5 * np.exp(2j * np.pi * -1234.5 / 8000 * np.arange(500))
    np.testing.assert_allclose(whole, expected, atol=1e-6)
    assert whole.dtype == np.complex64


def test_zeros() -> None:
    chunks = list(Zeros(Zeros.Params(chunk=100, samples=250)).work())
    assert [chunk.size for chunk in chunks] == [100, 100, 50]
    assert not np.concatenate(chunks).any()
    assert not list(Zeros(Zeros.Params(samples=0)).work())
    endless = Zeros(Zeros.Params(chunk=3)).work()
    assert sum(next(endless).size for _ in range(10)) == 30

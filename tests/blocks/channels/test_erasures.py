from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from semcom.blocks.channels.erasures import Erasures
from semcom.blocks.envelope import Identity, Out, State

N = 50_000
X = np.exp(2j * np.pi * np.random.default_rng(0).random(N)).astype(np.complex64)


def run(x: np.ndarray = X, state: State = State(), **params: Any) -> Out[Any]:  # noqa: B008 - frozen
    return Erasures(Erasures.Params(**params), name="channel", seed=7).work(x, state, Identity(0))


@pytest.mark.parametrize(("rate", "burst"), [(0.05, 5), (0.3, 20)])
def test_erased_symbols_are_zero_and_known(rate: float, burst: float) -> None:
    out = run(erasure_rate=rate, burst_symbols=burst, esn0_db=10)
    erased = out.state.n0 > 1
    assert not out.value[erased].any()
    np.testing.assert_array_equal(out.state.n0[erased], np.float32(1e9))
    np.testing.assert_allclose(out.state.n0[~erased], 0.1)
    memory = 1 - 1 / burst - rate / (1 - rate) / burst
    assert abs(erased.mean() - rate) < 5 * np.sqrt(rate * (1 - rate) * (1 + memory) / (1 - memory) / N)
    assert out.trace["erased"] == pytest.approx(erased.mean())
    noise = np.abs(out.value - X)[~erased] ** 2
    assert abs(noise.mean() - 0.1) < 5 * 0.1 / noise.size**0.5


def test_what_the_receiver_knew_stays_for_the_rest() -> None:
    before = np.linspace(0.1, 0.2, N, dtype=np.float32)
    out = run(state=State(n0=before), erasure_rate=0.2)
    left = out.state.n0 < 1e9
    np.testing.assert_array_equal(out.state.n0[left], before[left])
    np.testing.assert_array_equal(out.value[left], X[left])
    assert out.state.esn0_db is None
    assert run(X[:3], erasure_rate=0).state.n0.tolist() == pytest.approx([1e-6] * 3)


def test_unknown_erasures_are_silent() -> None:
    out = run(erasure_rate=0.5, known="no")
    assert out.state is None
    assert np.count_nonzero(out.value == 0) > 0
    assert isinstance(run(known="no", esn0_db=3).state.n0, float)


def test_empty_and_whole() -> None:
    assert run(X[:0]).value.shape == (0,)
    assert not run(erasure_rate=1).value.any()
    with pytest.raises(ValidationError, match="burst_symbols: expected at least 9"):
        Erasures.Params(erasure_rate=0.9, burst_symbols=2)

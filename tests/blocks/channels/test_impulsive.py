from typing import Any

import numpy as np
import pytest
from semcom.blocks.channels.impulsive import Impulsive
from semcom.blocks.envelope import Identity, Out

N = 100_000
X = np.exp(2j * np.pi * np.random.default_rng(0).random(N)).astype(np.complex64)


def run(x: np.ndarray = X, **params: Any) -> Out[Any]:
    return Impulsive(Impulsive.Params(**params), name="channel", seed=7).work(x, Identity(0))


@pytest.mark.parametrize("model", ["bernoulli_gaussian", "middleton_a"])
@pytest.mark.parametrize("esn0_db", [0, 12])
def test_the_level_counts_all_of_the_noise(model: str, esn0_db: float) -> None:
    out = run(model=model, esn0_db=esn0_db, impulse_db=10, impulse_rate=0.1, overlap=0.5)
    energy = np.abs(out.value.astype(complex) - X) ** 2
    assert abs(energy.mean() - 10 ** (-esn0_db / 10)) < 5 * energy.std() / N**0.5
    assert out.trace["noise_energy"] == pytest.approx(energy.mean(), rel=1e-3)
    assert out.trace["signal_energy"] == pytest.approx(1, rel=1e-4)
    assert out.state.n0 == pytest.approx(10 ** (-esn0_db / 10))
    assert out.value.dtype == np.complex64


@pytest.mark.parametrize("model", ["bernoulli_gaussian", "middleton_a"])
def test_a_receiver_that_knows_the_impulses_has_white_noise(model: str) -> None:
    out = run(model=model, known="per_symbol")
    whitened = np.abs(out.value - X) ** 2 / out.state.n0
    assert abs(whitened.mean() - 1) < 5 / N**0.5
    assert abs(np.mean(whitened**2) - 2) < 5 * np.sqrt(20 / N)  # of an exponential
    assert out.state.n0.dtype == np.float32


def test_empty_and_extreme() -> None:
    assert run(X[:0], model="middleton_a").value.shape == (0,)
    assert run(X[:0], known="per_symbol").state.n0.shape == (0,)
    assert np.isfinite(run(impulse_db=80, impulse_rate=1e-4, esn0_db=-30).value).all()
    assert np.isfinite(run(X[:99], model="middleton_a", overlap=1e-4, gaussian_db=-80).value).all()

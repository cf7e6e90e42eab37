import numpy as np
import pytest
import torch
from scipy import stats
from semcom.sim.channels.impulsive import bernoulli_gaussian_n0, middleton_a_n0
from semcom.sim.noise import CounterNoise

N = 400_000


def within(samples: np.ndarray, expected: float) -> bool:
    return bool(abs(samples.mean() - expected) < 5 * samples.std() / samples.size**0.5)


@pytest.mark.parametrize("n0", [0.05, 2.0])
@pytest.mark.parametrize(("rate", "ratio"), [(0.1, 10.0), (0.02, 100.0), (0.0, 5.0), (1.0, 5.0)])
def test_variance_and_kurtosis_of_bernoulli_gaussian_noise(n0: float, rate: float, ratio: float) -> None:
    variance = bernoulli_gaussian_n0(np.random.default_rng(1).random(N), n0, impulse_rate=rate, impulse_ratio=ratio)
    energy = variance * np.abs(CounterNoise(2).complex_normal(0, N)) ** 2
    assert within(energy, n0)
    kurtosis = 2 * ((1 - rate) + rate * (1 + ratio) ** 2) / (1 + rate * ratio) ** 2
    assert within(energy**2, kurtosis * n0**2)
    # the closed form of the docstring, expanded
    assert kurtosis == pytest.approx(2 * (1 + (2 + ratio) * rate * ratio) / (1 + rate * ratio) ** 2)
    loud = variance > variance.min() * (1 + ratio / 2) if 0 < rate < 1 else np.full(N, rate == 1)
    low, high = stats.binom.interval(1 - 1e-6, N, rate) if 0 < rate < 1 else (rate * N, rate * N)
    assert low <= np.count_nonzero(loud) <= high


@pytest.mark.parametrize("n0", [0.05, 2.0])
@pytest.mark.parametrize(("overlap", "gaussian"), [(0.1, 0.1), (1.0, 0.01), (50.0, 1.0)])
def test_variance_and_kurtosis_of_middletons_class_a(n0: float, overlap: float, gaussian: float) -> None:
    counts = np.random.default_rng(1).poisson(overlap, N)
    variance = middleton_a_n0(counts, n0, overlap=overlap, gaussian_ratio=gaussian)
    energy = variance * np.abs(CounterNoise(2).complex_normal(0, N)) ** 2
    assert within(energy, n0)
    assert within(energy**2, 2 * (1 + 1 / (overlap * (1 + gaussian) ** 2)) * n0**2)


def test_torch_agrees() -> None:
    u, m = np.random.default_rng(1).random(50), np.random.default_rng(1).poisson(0.5, 50).astype(float)
    np.testing.assert_allclose(
        bernoulli_gaussian_n0(torch.from_numpy(u), 0.1, impulse_rate=0.3, impulse_ratio=10.0).numpy(),
        bernoulli_gaussian_n0(u, 0.1, impulse_rate=0.3, impulse_ratio=10.0),
    )
    n0 = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    found = middleton_a_n0(torch.from_numpy(m), n0, overlap=0.5, gaussian_ratio=0.1)
    np.testing.assert_allclose(found.detach().numpy(), middleton_a_n0(m, 0.1, overlap=0.5, gaussian_ratio=0.1))
    found.sum().backward()
    assert n0.grad > 0

import numpy as np
import pytest
import torch
from scipy import stats
from semcom.sim.channels.shadowing import shadowing_gain

N = 200_000
X = np.random.default_rng(4).standard_normal(N)


@pytest.mark.parametrize("sigma_db", [0.5, 4.0, 8.0])
@pytest.mark.parametrize("reference", ["mean", "median"])
def test_the_energy_is_scipys_log_normal(sigma_db: float, reference: str) -> None:
    s = sigma_db * np.log(10) / 10
    law = stats.lognorm(s, scale=np.exp(-(s**2) / 2) if reference == "mean" else 1)
    energy = shadowing_gain(X, sigma_db, reference) ** 2
    assert stats.kstest(energy, law.cdf).pvalue > 1e-3
    assert (law.mean() if reference == "mean" else law.median()) == pytest.approx(1)


@pytest.mark.parametrize("sigma_db", [1.0, 4.0, 6.0])
def test_moments(sigma_db: float) -> None:
    s = sigma_db * np.log(10) / 10
    energy = shadowing_gain(X, sigma_db) ** 2
    assert abs(energy.mean() - 1) < 5 * np.sqrt((np.exp(s**2) - 1) / N)
    median_energy = shadowing_gain(X, sigma_db, "median") ** 2
    spread = np.sqrt((np.exp(s**2) - 1) / N)
    assert abs(median_energy.mean() / np.exp(s**2 / 2) - 1) < 5 * spread
    assert np.std(10 * np.log10(energy)) == pytest.approx(sigma_db, rel=5 / np.sqrt(2 * N))


def test_without_spread_nothing_happens_and_torch_agrees() -> None:
    np.testing.assert_array_equal(shadowing_gain(X[:5], 0.0), 1)
    sigma = torch.tensor(6.0, dtype=torch.float64, requires_grad=True)
    gain = shadowing_gain(torch.from_numpy(X[:50]), sigma)
    np.testing.assert_allclose(gain.detach().numpy(), shadowing_gain(X[:50], 6.0))
    gain.sum().backward()
    assert torch.isfinite(sigma.grad)

import numpy as np
import pytest
import torch
from scipy import stats
from semcom.errors import SignalError
from semcom.sim.channels.frequency_offset import estimate_frequency, frequency_offset
from semcom.sim.noise import CounterNoise


@pytest.mark.parametrize("cfo", [0.0, 1e-4, 0.013, -0.31])
def test_the_ramp_is_exact_far_into_a_stream(cfo: float) -> None:
    start, n = 10**9, 64
    y = frequency_offset(np.ones(n, np.complex64), cfo, 0.3, start=start)
    turns = [(cfo * (start + k)) % 1.0 for k in range(n)]  # Python's own floats
    np.testing.assert_allclose(y, np.exp(2j * np.pi * np.array(turns) + 0.3j), atol=2e-6)
    assert y.dtype == np.complex64


def test_two_halves_make_the_whole_and_the_reverse_undoes_it() -> None:
    x = CounterNoise(1).complex_normal(0, 100)
    whole = frequency_offset(x, 0.01, 0.5)
    halves = [frequency_offset(x[:37], 0.01, 0.5), frequency_offset(x[37:], 0.01, 0.5, start=37)]
    np.testing.assert_array_equal(np.concatenate(halves), whole)
    np.testing.assert_allclose(frequency_offset(whole, -0.01, -0.5), x, atol=1e-5)


def test_torch_agrees_and_has_the_gradient_of_the_offset() -> None:
    x = CounterNoise(1).complex_normal(0, 50)
    cfo = torch.tensor(0.01, dtype=torch.float64, requires_grad=True)
    given = torch.from_numpy(x).requires_grad_()
    y = frequency_offset(given, cfo)
    np.testing.assert_allclose(y.detach().numpy(), frequency_offset(x, 0.01), atol=1e-6)
    y.real.sum().backward()
    slope = np.sum((2j * np.pi * np.arange(50) * frequency_offset(x, 0.01)).real)  # d/dv of exp(j 2 pi v n)
    assert cfo.grad.item() == pytest.approx(slope, rel=1e-4)
    np.testing.assert_allclose(np.abs(given.grad.numpy()), 1, rtol=1e-5)


@pytest.mark.parametrize(("cfo", "spacing"), [(0.1234, 1), (-0.4, 1), (0.0061, 65), (0.0, 5)])
def test_without_noise_the_estimate_is_exact(cfo: float, spacing: int) -> None:
    pilots = np.exp(2j * np.pi * cfo * spacing * np.arange(33) + 1j)
    found = estimate_frequency(pilots, spacing)
    assert found.cfo == pytest.approx(cfo, abs=1e-9)
    assert found.phase == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(("esn0_db", "pilots"), [(5, 32), (15, 16)])
def test_the_estimate_meets_its_cramer_rao_bound(esn0_db: float, pilots: int) -> None:
    runs, n0, cfo, spacing = 400, 10 ** (-esn0_db / 10), 0.003, 10
    noise = CounterNoise(3).complex_normal(0, runs * pilots).reshape(runs, pilots)
    sent = np.exp(2j * np.pi * cfo * spacing * np.arange(pilots))
    errors = np.array([estimate_frequency(sent + n0**0.5 * row, spacing).cfo - cfo for row in noise])
    bound = 6 * n0 / (pilots * (pilots**2 - 1) * spacing**2) / (2 * np.pi) ** 2
    low, high = stats.chi2.interval(1 - 1e-6, runs)
    assert low < np.sum(errors**2) / bound < 1.1 * high  # above the threshold the estimator is efficient, nearly


def test_pilots_of_zero_and_too_few_pilots() -> None:
    assert np.isfinite(estimate_frequency(np.zeros(8, np.complex64))).all()
    with pytest.raises(SignalError, match="expected at least 2 pilots"):
        estimate_frequency(np.ones(1, np.complex64))
    with pytest.raises(SignalError, match="a spacing of at least 1"):
        estimate_frequency(np.ones(4, np.complex64), 0)

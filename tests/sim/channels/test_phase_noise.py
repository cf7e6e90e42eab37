import numpy as np
import pytest
import torch
from scipy import signal, stats
from semcom.errors import SignalError
from semcom.sim.channels.autoregression import ar1
from semcom.sim.channels.phase_noise import common_phase, rotate, stationary_phase, wiener_phase

RUNS = 4000


def normals(*shape: int) -> np.ndarray:
    return np.random.default_rng(2).standard_normal(shape)


@pytest.mark.parametrize("linewidth", [1e-5, 1e-3])
@pytest.mark.parametrize("n", [1, 10, 199])
def test_the_variance_of_a_random_walk_grows_with_time(linewidth: float, n: int) -> None:
    phase = wiener_phase(normals(RUNS, 200), linewidth)
    assert not phase[:, 0].any()
    low, high = stats.chi2.interval(1 - 1e-6, RUNS)
    assert low < np.sum(phase[:, n] ** 2) / (2 * np.pi * linewidth * n) < high


def test_a_random_walk_makes_a_lorentzian_line() -> None:
    """The autocorrelation of exp(j phi) is exp(-pi linewidth |k|): the transform of a Lorentzian of that width."""
    linewidth, lag = 0.004, 50
    carrier = np.exp(1j * wiener_phase(normals(RUNS, lag + 1), linewidth))
    found = (carrier[:, lag] * carrier[:, 0].conj()).real
    expected = np.exp(-np.pi * linewidth * lag)
    assert abs(found.mean() - expected) < 5 * found.std() / RUNS**0.5


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.97])
def test_ar1_is_the_recursion_and_is_stationary(correlation: float) -> None:
    w = normals(3, 301)
    drive = np.sqrt(1 - correlation**2) * w
    drive[:, 0] = w[:, 0]
    expected = signal.lfilter([1], [1, -correlation], drive, axis=-1)
    np.testing.assert_allclose(ar1(w, correlation), expected, atol=1e-10)
    np.testing.assert_allclose(ar1(torch.from_numpy(w), correlation).numpy(), expected, atol=1e-10)
    x = ar1(normals(RUNS, 20), correlation)
    low, high = stats.chi2.interval(1 - 1e-6, RUNS)
    for n in (0, 1, 19):
        assert low < np.sum(x[:, n] ** 2) < high
    products = x[:, 4] * x[:, 7]
    assert abs(products.mean() - correlation**3) < 5 * products.std() / RUNS**0.5


def test_ar1_at_the_ends_and_out_of_range() -> None:
    w = normals(1, 5)
    np.testing.assert_array_equal(ar1(w, 1), np.repeat(w[:, :1], 5, axis=1))
    assert ar1(w[:, :0], 0.5).shape == (1, 0)
    with pytest.raises(SignalError, match=r"expected a correlation from 0 to 1, got 1\.5"):
        ar1(w, 1.5)


def test_stationary_phase_has_its_rms() -> None:
    phase = stationary_phase(normals(RUNS, 3), 0.1, 0.9)
    low, high = stats.chi2.interval(1 - 1e-6, RUNS)
    assert low < np.sum(phase[:, 2] ** 2) / 0.01 < high


def test_rotation_keeps_energy_and_torch_has_its_gradient() -> None:
    x, phase = (normals(2, 40) @ np.eye(40)).astype(np.complex64), normals(2, 40)
    y = rotate(x, phase)
    assert y.dtype == np.complex64
    np.testing.assert_allclose(np.abs(y), np.abs(x), rtol=1e-5)
    given = torch.from_numpy(x).requires_grad_()
    turned = rotate(given, torch.from_numpy(phase))
    np.testing.assert_allclose(turned.detach().numpy(), y, rtol=1e-5)
    turned.real.sum().backward()
    np.testing.assert_allclose(given.grad.numpy(), np.exp(-1j * phase), rtol=1e-5)


def test_common_phase_of_blocks() -> None:
    phase = np.array([0.1, 0.3, -3.0, -3.2, 1.0])
    np.testing.assert_allclose(common_phase(phase, 2), [0.2, 0.2, -3.1, -3.1, 1.0])
    np.testing.assert_allclose(common_phase(phase[:2], None), [0.2, 0.2])
    np.testing.assert_allclose(common_phase(phase, 1), phase - 2 * np.pi * np.round(phase / (2 * np.pi)))
    assert common_phase(phase[:0], 7).size == 0
    with pytest.raises(SignalError, match="block_symbols of at least 1, got 0"):
        common_phase(phase, 0)

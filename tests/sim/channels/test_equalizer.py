import numpy as np
import pytest
import torch
from semcom.sim.channels.equalizer import lmmse, mmse, zf
from semcom.sim.noise import CounterNoise

N, N0 = 200_000, 0.3


@pytest.fixture(scope="module")
def link() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x, h, w = (CounterNoise(key).complex_normal(0, N) for key in (1, 2, 3))
    return x, h, h * x + np.sqrt(np.float32(N0)) * w


@pytest.mark.parametrize("equalise", [zf, mmse])
def test_effective_noise_is_as_stated_and_the_symbols_are_unbiased(equalise, link) -> None:
    x, h, y = link
    x_hat, n0 = equalise(y, h, N0)
    whitened = (x_hat - x) / np.sqrt(n0)  # CN(0, 1) whatever the gain
    assert abs(np.mean(np.abs(whitened) ** 2) - 1) < 5 / np.sqrt(N)
    gain = np.mean(x_hat * x.conj() / n0) / np.mean(np.abs(x) ** 2 / n0)
    assert abs(gain - 1) < 5 * np.sqrt(N0 / N) * 2
    assert x_hat.dtype == np.complex64
    assert n0.dtype == np.float32


def test_lmmse_is_the_nearest_linear_estimate(link) -> None:
    x, h, y = link
    x_hat, error = lmmse(y, h, N0)
    measured = np.mean(np.abs(x_hat - x) ** 2)
    assert measured == pytest.approx(np.mean(error), rel=0.02)
    for factor in (0.97, 1.03):
        assert np.mean(np.abs(factor * x_hat - x) ** 2) > measured


def test_shrinking_by_the_effective_noise_turns_mmse_into_lmmse(link) -> None:
    _, h, y = link
    x_hat, n0 = mmse(y, h, N0)
    np.testing.assert_allclose(x_hat / (1 + n0), lmmse(y, h, N0)[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(x_hat, zf(y, h, N0)[0], rtol=1e-4)
    np.testing.assert_allclose(n0, zf(y, h, N0)[1], rtol=1e-4)


@pytest.mark.parametrize("equalise", [zf, mmse, lmmse])
def test_torch_and_numpy_agree_and_gradients_are_finite(equalise, link) -> None:
    _, h, y = (a[:500] for a in link)
    h_torch = torch.from_numpy(h).requires_grad_()
    x_hat, n0 = equalise(torch.from_numpy(y), h_torch, N0)
    np.testing.assert_allclose(x_hat.detach().numpy(), equalise(y, h, N0)[0], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(n0.detach().numpy(), equalise(y, h, N0)[1], rtol=1e-4)
    x_hat.abs().sum().backward()
    assert torch.isfinite(torch.view_as_real(h_torch.grad)).all()


@pytest.mark.parametrize("equalise", [zf, mmse, lmmse])
def test_a_gain_of_zero_stays_finite(equalise) -> None:
    x_hat, n0 = equalise(np.ones(1, np.complex64), np.zeros(1, np.complex64), 0.1)
    assert x_hat[0] == 0
    assert np.isfinite(n0[0])

import numpy as np
import pytest
import torch
from scipy.special import erfc
from semcom.sim.channels.clipping import clip_envelope, clip_rails
from semcom.sim.noise import CounterNoise

N = 400_000


@pytest.fixture(scope="module")
def gaussian() -> np.ndarray:
    return CounterNoise(1).complex_normal(0, N)


@pytest.mark.parametrize("clip_db", [-3.0, 0.0, 3.0, 6.0])
def test_energy_and_gain_of_a_clipped_gaussian(gaussian: np.ndarray, clip_db: float) -> None:
    level = 10 ** (clip_db / 20)
    y = clip_envelope(gaussian, level)
    assert np.abs(y).max() <= level * (1 + 1e-6)
    np.testing.assert_allclose(np.angle(y), np.angle(gaussian), atol=1e-4)
    energy = np.abs(y) ** 2
    assert abs(energy.mean() - (1 - np.exp(-(level**2)))) < 5 * energy.std() / N**0.5
    gain = (y * gaussian.conj()).real  # Bussgang
    expected = 1 - np.exp(-(level**2)) + np.sqrt(np.pi) / 2 * level * erfc(level)
    assert abs(gain.mean() - expected) < 5 * gain.std() / N**0.5


@pytest.mark.parametrize("full_scale_db", [0.0, 6.0, 9.0])
def test_distortion_of_a_gaussian_clipped_by_rails(gaussian: np.ndarray, full_scale_db: float) -> None:
    k = 10 ** (full_scale_db / 20)  # full scale over the rms of one part
    error = np.abs(clip_rails(gaussian, k * 0.5**0.5) - gaussian) ** 2
    tail = 0.5 * erfc(k / 2**0.5)
    expected = 2 * ((1 + k * k) * tail - k * np.exp(-k * k / 2) / np.sqrt(2 * np.pi))  # of E|x|^2 = 1
    assert abs(error.mean() - expected) < 5 * error.std() / N**0.5


def test_torch_agrees_and_gradients_are_those_of_the_limiter(gaussian: np.ndarray) -> None:
    x = np.concatenate((gaussian[:50], [0, 1e-20, 1e25])).astype(np.complex64)
    for clip in (clip_envelope, clip_rails):
        given = torch.from_numpy(x).requires_grad_()
        y = clip(given, 0.7)
        np.testing.assert_allclose(y.detach().numpy(), clip(x, 0.7), rtol=1e-5)
        y.real.sum().backward()
        assert torch.isfinite(torch.view_as_real(given.grad)).all()
    inside = np.abs(x.real) < 0.7
    np.testing.assert_allclose(given.grad.numpy().real, inside)
    assert clip_envelope(x, 0.7).dtype == clip_rails(x, 0.7).dtype == np.complex64
    assert clip_envelope(x[:0], 1.0).size == 0

"""Spreading: orthonormal, the same for numpy and torch, and white where it must be."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import hadamard
from semcom.sim.constellations.spreading import despread, spread


@pytest.mark.parametrize("count", [0, 1, 2, 6, 96, 512, 3 * 2048, 49152])
def test_it_can_be_undone_and_keeps_energy(count: int) -> None:
    x = np.random.default_rng(1).standard_normal(count)
    u = spread(x)
    assert u.shape == x.shape
    np.testing.assert_allclose(despread(u), x, atol=1e-12)
    assert u @ u == pytest.approx(x @ x)


def test_without_signs_it_is_scipys_hadamard_matrix() -> None:
    matrix = 16 * spread(np.eye(256)).T  # 256 values have the near stage alone
    without = matrix * matrix[:1] * matrix[:, :1] * matrix[0, 0]  # first row and column of the Hadamard matrix are 1
    np.testing.assert_allclose(without, hadamard(256), atol=1e-9)
    assert (matrix < 0).any(0).all()


def test_numpy_and_torch_agree_on_batches() -> None:
    x = np.random.default_rng(2).standard_normal((3, 1024)).astype(np.float32)
    u = spread(x)
    assert u.dtype == np.float32
    np.testing.assert_allclose(spread(torch.from_numpy(x)).numpy(), u, atol=1e-5)
    np.testing.assert_allclose(despread(torch.from_numpy(u)).numpy(), x, atol=1e-5)
    np.testing.assert_allclose(u[1], spread(x[1]), atol=1e-6)


def test_gradients_flow() -> None:
    x = torch.randn(2, 512, requires_grad=True)
    weight = torch.randn(2, 512)
    (spread(x) * weight).sum().backward()
    torch.testing.assert_close(x.grad, despread(weight), rtol=1e-4, atol=1e-5)


def structured(count: int = 65536, every: int = 128) -> np.ndarray:
    """A few strong values at regular places of one sign, as the mean brightness of patches, and weak ones."""
    rng = np.random.default_rng(4)
    x = 0.5 * rng.standard_normal(count)
    x[::every] = 8 + rng.standard_normal(count // every)
    return x


def test_a_few_strong_values_become_gaussian() -> None:
    u = spread(structured())
    u /= u.std()
    assert abs((u**4).mean() - 3) < 5 * np.sqrt(24 / u.size) * 2
    assert abs(u).max() < 6


def test_rounding_to_signs_is_white_noise_on_strong_and_weak_values_alike() -> None:
    x = structured()
    u = spread(x)
    rounded = despread(np.sign(u) * u.std() * np.sqrt(2 / np.pi))
    strong = np.arange(x.size) % 128 == 0
    gain = 2 / np.pi
    errors = [np.mean((rounded[which] - gain * x[which]) ** 2) / x.var() for which in (strong, ~strong)]
    expected = (gain - gain**2) * np.mean(x**2) / x.var()  # Bussgang: what is left beside the scaled value
    half = 6 * np.sqrt(2 / strong.sum()) * expected
    assert errors[0] == pytest.approx(expected, abs=half)
    assert errors[1] == pytest.approx(expected, rel=0.05)


def test_a_photograph_sized_frame_is_quick() -> None:
    values = np.zeros(393216)
    values[5] = 1
    u = spread(values)
    np.testing.assert_allclose(np.abs(u).max(), 1 / 256, rtol=1e-9)  # one value over 65536 places

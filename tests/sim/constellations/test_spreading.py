"""Spreading: orthonormal, the same for numpy and torch, and white where it must be."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest
import torch
from scipy.linalg import hadamard
from semcom.sim.constellations.spreading import despread, spread

SIGNS = list(product((1, -1), repeat=4))
COUNTS = (65536, 323 * 128)  # of a picture of 256 x 256 at 1/6, and of one with an odd number of patches


@pytest.mark.parametrize("count", [0, 1, 2, 7, 96, 512, 323 * 128, 49152])
def test_it_can_be_undone_and_keeps_energy(count: int) -> None:
    x = np.random.default_rng(1).standard_normal(count)
    u = spread(x)
    assert u.shape == x.shape
    np.testing.assert_allclose(despread(u), x, atol=1e-12)
    assert u @ u == pytest.approx(x @ x)


def test_each_stage_is_scipys_hadamard_matrix_with_rows_exchanged() -> None:
    matrix = spread(np.eye(4)).T
    steps = [hadamard(4) @ np.diag(signs)[:, list(order)] / 2 for order in permutations(range(4)) for signs in SIGNS]
    assert any(np.allclose(second @ first, matrix) for first in steps for second in steps)


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


def structured(count: int, every: int = 128) -> np.ndarray:
    """A few strong values at regular places of one sign, as the mean brightness of patches, and weak ones."""
    rng = np.random.default_rng(4)
    x = 0.5 * rng.standard_normal(count)
    x[::every] = 8 + rng.standard_normal(count // every)
    return x


@pytest.mark.parametrize("count", COUNTS)
def test_a_few_strong_values_become_gaussian(count: int) -> None:
    u = spread(structured(count))
    u /= u.std()
    assert abs((u**4).mean() - 3) < 5 * np.sqrt(24 / u.size) * 2
    assert abs(u).max() < 6


@pytest.mark.parametrize("count", COUNTS)
def test_rounding_to_signs_is_white_noise_on_strong_and_weak_values_alike(count: int) -> None:
    x = structured(count)
    u = spread(x)
    rounded = despread(np.sign(u) * u.std() * np.sqrt(2 / np.pi))
    strong = np.arange(x.size) % 128 == 0
    gain = 2 / np.pi
    errors = [np.mean((rounded[which] - gain * x[which]) ** 2) / x.var() for which in (strong, ~strong)]
    expected = (gain - gain**2) * np.mean(x**2) / x.var()  # Bussgang: what is left beside the scaled value
    half = 6 * np.sqrt(2 / strong.sum()) * expected
    assert errors[0] == pytest.approx(expected, abs=half)
    assert errors[1] == pytest.approx(expected, rel=0.05)


def test_one_value_reaches_tens_of_thousands_and_none_is_left_large() -> None:
    values = np.zeros(393216)
    values[5] = 1
    u = spread(values)
    assert np.count_nonzero(u) > 30_000
    assert np.abs(u).max() < 0.05

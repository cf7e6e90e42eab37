"""Nearest levels and the frame's scale."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from semcom.sim.constellations.assignment import frame_scale, nearest_level
from semcom.sim.constellations.gaussian import gaussian_grid

ORDERS = (2, 4, 6, 8, 10, 12)


@pytest.mark.parametrize("bits", ORDERS)
def test_rounding_is_the_nearest_level(bits: int) -> None:
    grid = gaussian_grid(bits)
    u = np.random.default_rng(0).uniform(-6, 6, 2000)
    np.testing.assert_array_equal(nearest_level(u, grid), np.abs(u[:, None] - grid.levels).argmin(1))
    np.testing.assert_array_equal(nearest_level(torch.from_numpy(u), grid).numpy(), nearest_level(u, grid))


def energy(x: np.ndarray, scale: np.ndarray, bits: int) -> np.ndarray:
    grid = gaussian_grid(bits)
    return ((grid.gain * grid.levels[nearest_level(x / scale, grid).astype(int)]) ** 2).mean(-1)


@pytest.mark.parametrize("bits", ORDERS)
def test_frames_have_unit_energy_whatever_their_distribution(bits: int) -> None:
    rng = np.random.default_rng(1)
    x = np.stack([3 * rng.standard_normal(8192), rng.uniform(-1, 1, 8192), rng.laplace(0, 1e-3, 8192)])
    scale = frame_scale(x, gaussian_grid(bits))
    np.testing.assert_allclose(energy(x, scale, bits), 1, atol=1e-3)
    np.testing.assert_allclose(frame_scale(torch.from_numpy(x), gaussian_grid(bits)).numpy(), scale, rtol=1e-9)


@pytest.mark.parametrize("bits", ORDERS)
def test_gaussian_features_meet_their_standard_deviation(bits: int) -> None:
    x = 2.5 * np.random.default_rng(2).standard_normal(200_000)
    assert frame_scale(x, gaussian_grid(bits))[0] == pytest.approx(2.5, rel=0.01)


@pytest.mark.parametrize("value", [0.0, 1e-30, 1e30])
def test_extreme_frames_have_a_finite_scale(value: float) -> None:
    for bits in (2, 8):
        x = np.array([value, -value, value / 2, 0.0], np.float32)
        scale = frame_scale(x, gaussian_grid(bits))
        assert np.isfinite(scale).all()
        assert (scale > 0) == (value > 0)
        np.testing.assert_array_equal(frame_scale(torch.from_numpy(x), gaussian_grid(bits)).numpy() > 0, scale > 0)

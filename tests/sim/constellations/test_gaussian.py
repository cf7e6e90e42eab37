"""Gaussian features on a grid, beside Max's table, numerical integrals and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, optimize, stats
from semcom.errors import SignalError
from semcom.sim.constellations.gaussian import (
    GaussianGrid,
    effective_esn0_db,
    effective_n0,
    gaussian_grid,
    linear_estimate,
    posterior_mean,
)
from semcom.sim.constellations.qam import points

ORDERS = (2, 4, 6, 8, 10, 12)
MAX_1960 = {2: 0.3634, 4: 0.1188, 6: 0.03744, 8: 0.01154, 10: 0.00349}  # table II: mean squared error, equal spacing


def quantiser_error(levels: np.ndarray) -> float:
    """Of unit Gaussian values that go to the nearest level, by quadrature."""
    edges = np.concatenate([[-9.0], (levels[1:] + levels[:-1]) / 2, [9.0]])
    parts = zip(levels, edges[:-1], edges[1:], strict=True)
    return sum(
        integrate.quad(lambda u, at=level: (u - at) ** 2 * stats.norm.pdf(u), low, high)[0]
        for level, low, high in parts
    )


@pytest.mark.parametrize("bits", MAX_1960)
def test_error_without_noise_is_that_of_maxs_table(bits: int) -> None:
    assert quantiser_error(gaussian_grid(bits).levels) == pytest.approx(MAX_1960[bits], rel=2e-3)


@pytest.mark.parametrize("bits", [2, 4, 6])
def test_the_step_is_the_best(bits: int) -> None:
    grid = gaussian_grid(bits)
    shape = grid.levels / grid.step
    best = optimize.minimize_scalar(lambda step: quantiser_error(shape * step), bracket=(0.5, 1.0), tol=1e-4)
    assert grid.step == pytest.approx(best.x, rel=1e-3)


@pytest.mark.parametrize("bits", ORDERS)
def test_probabilities_and_moments_are_those_of_the_normal_distribution(bits: int) -> None:
    grid = gaussian_grid(bits)
    edges = np.concatenate([[-np.inf], (grid.levels[1:] + grid.levels[:-1]) / 2, [np.inf]])
    np.testing.assert_allclose(grid.probability, np.diff(stats.norm.cdf(edges)), atol=1e-12)
    for cell in {0, grid.levels.size // 2}:
        truncated = stats.truncnorm(edges[cell], edges[cell + 1])
        assert grid.centroid[cell] == pytest.approx(truncated.mean(), rel=1e-6)
        assert grid.second_moment[cell] == pytest.approx(truncated.moment(2), rel=1e-6)
    assert grid.probability @ grid.second_moment == pytest.approx(1)
    assert grid.probability @ (grid.gain * grid.levels) ** 2 == pytest.approx(1)


@pytest.mark.parametrize("bits", ORDERS)
def test_what_is_sent_is_the_standards_qam_times_a_constant(bits: int) -> None:
    grid = gaussian_grid(bits)
    sent = np.unique(np.round(points(bits).real, 9)) * grid.qam_gain
    np.testing.assert_allclose(grid.gain * grid.levels / np.sqrt(2), sent, atol=1e-8)


def simulated(grid: GaussianGrid, n0: float, count: int = 200_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    u = rng.standard_normal(count)
    cell = np.abs(u[:, None] - grid.levels).argmin(1)
    return u, grid.gain * grid.levels[cell] + np.sqrt(n0) * rng.standard_normal(count)


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("n0", [1.0, 0.1, 0.001])
def test_the_posterior_mean_has_the_error_that_it_states_and_no_estimate_by_a_factor_is_better(
    bits: int, n0: float
) -> None:
    grid = gaussian_grid(bits)
    u, z = simulated(grid, n0)
    estimate, variance = posterior_mean(grid, z, n0)
    squared = (estimate - u) ** 2
    half = 5 * squared.std() / np.sqrt(u.size)
    assert abs(squared.mean() - variance.mean()) < half
    effective = effective_n0(bits, n0)
    assert abs(squared.mean() - effective / (1 + effective)) < half
    linear, error = linear_estimate(grid, z, n0)
    assert abs(((linear - u) ** 2).mean() - error[0]) < 2 * half
    assert squared.mean() < ((linear - u) ** 2).mean() + half
    best = np.linalg.lstsq(z[:, None], u, rcond=None)[0][0]  # the least squares factor of this very sample
    np.testing.assert_allclose(linear, best * z, rtol=0.02)


@pytest.mark.parametrize("bits", ORDERS)
def test_effective_esn0_has_its_limits(bits: int) -> None:
    grid = gaussian_grid(bits)
    limit_db = 10 * np.log10((1 - grid.distortion) / grid.distortion)
    assert effective_esn0_db(bits, 60) == pytest.approx(limit_db, abs=0.05)
    levels = [effective_esn0_db(bits, esn0_db) for esn0_db in range(-10, 31, 2)]
    assert (np.diff(levels) > -1e-9).all()
    assert all(found < asked for found, asked in zip(levels, range(-10, 31, 2), strict=True))


def test_many_points_are_as_good_as_none() -> None:
    assert effective_esn0_db(12, 10) == pytest.approx(10, abs=0.06)
    assert effective_esn0_db(2, 10) < effective_esn0_db(4, 10) < effective_esn0_db(6, 10) < effective_esn0_db(8, 10)


def test_no_noise_gives_the_centroid_and_huge_values_the_outer_one() -> None:
    grid = gaussian_grid(6)
    estimate, variance = posterior_mean(grid, grid.gain * grid.levels, 0.0)
    np.testing.assert_allclose(estimate, grid.centroid)
    assert (variance >= 0).all()
    estimate, _ = posterior_mean(grid, np.array([1e30, -1e30]), 0.1)
    np.testing.assert_allclose(estimate, grid.centroid[[-1, 0]])
    estimate, variance = posterior_mean(grid, np.array([0.3, 3.0]), 1e30)  # nothing is known
    np.testing.assert_allclose(estimate, 0, atol=1e-9)
    np.testing.assert_allclose(variance, 1)


def test_other_orders_are_refused() -> None:
    with pytest.raises(SignalError, match=r"expected bits_per_symbol of \(2, 4, 6, 8, 10, 12\), got 3"):
        gaussian_grid(3)

"""`sim.channels.pilots` and `sim.channels.wiener`: estimates and the errors that they claim."""

import numpy as np
import pytest
from semcom.errors import SignalError
from semcom.sim.channels.ofdm_grid import lay_out
from semcom.sim.channels.pilots import Correlation, ls_estimate, pilot_symbols
from semcom.sim.channels.tdl_profiles import tdl_taps
from semcom.sim.channels.wiener import lmmse_estimate

CHANNELS = pytest.mark.parametrize(
    ("profile", "doppler"), [("A", 0.0), ("C", 0.01), ("D", 0.03), ("E", 0.2)], ids=lambda value: str(value)
)
LEVELS = pytest.mark.parametrize("n0", [2.0, 0.1, 1e-5])


def correlation(profile, doppler):
    taps = tdl_taps(profile, 300e-9)
    return Correlation(taps.energies, taps.delays_s * 60e3, doppler, taps.los_energy)


def covariance(statistics, grid):
    """Covariance of all elements, written down from the definition."""
    rows, columns = (axis.ravel() for axis in np.indices((grid.rows, grid.subcarriers)))
    from scipy.special import j0

    over_time = j0(2 * np.pi * statistics.doppler * (rows[:, None] - rows))
    shift = np.exp(-2j * np.pi * np.multiply.outer(columns[:, None] - columns, statistics.delays))
    line = np.exp(2j * np.pi * 0.7 * statistics.doppler * rows)
    return over_time * (shift @ statistics.energies) + statistics.los_energy * np.outer(line, line.conj())


def pilots_of(grid):
    return (grid.pilot_rows[:, None] * grid.subcarriers + grid.pilot_columns).ravel()


def shaped(values, grid):
    return values.reshape(*values.shape[:-1], grid.pilot_rows.size, grid.pilot_columns.size)


@CHANNELS
@LEVELS
def test_lmmse_is_the_solution_of_the_normal_equations(profile, doppler, n0):
    statistics, grid = correlation(profile, doppler), lay_out(80, 14, pilot_spacing=(3, 4))
    whole, at = covariance(statistics, grid), pilots_of(grid)
    weights = whole[:, at] @ np.linalg.inv(whole[np.ix_(at, at)] + n0 * np.eye(at.size))
    error = np.real(np.diag(whole) - np.einsum("ij,ij->i", weights, whole[:, at].conj()))
    rng = np.random.default_rng(0)
    z = rng.standard_normal(at.size) + 1j * rng.standard_normal(at.size)
    found = lmmse_estimate(shaped(z, grid), grid, statistics, n0)
    np.testing.assert_allclose(found.h.ravel(), weights @ z, atol=1e-8)
    np.testing.assert_allclose(found.variance.ravel(), error, atol=1e-9)


@CHANNELS
@LEVELS
def test_ls_claims_the_error_of_its_weights(profile, doppler, n0):
    statistics, grid = correlation(profile, doppler), lay_out(80, 14, pilot_spacing=(3, 4))
    whole, at = covariance(statistics, grid), pilots_of(grid)
    unit = shaped(np.eye(at.size, dtype=complex), grid)
    weights = ls_estimate(unit, grid, statistics, n0).h.reshape(at.size, -1).T
    noisy = whole[np.ix_(at, at)] + n0 * np.eye(at.size)
    error = np.diag(whole) - 2 * np.einsum("ij,ij->i", weights, whole[:, at].conj())
    error = (error + np.einsum("ij,jk,ik->i", weights, noisy, weights.conj())).real
    found = ls_estimate(unit[0], grid, statistics, n0).variance
    np.testing.assert_allclose(found.ravel(), error, atol=1e-12)
    np.testing.assert_allclose(found.ravel()[at], n0)  # at a pilot: the noise alone


def test_ls_is_bilinear_interpolation():
    from scipy.interpolate import RegularGridInterpolator

    grid = lay_out(80, 14, pilot_spacing=(3, 4))
    rng = np.random.default_rng(1)
    z = shaped(rng.standard_normal(grid.pilots) + 1j * rng.standard_normal(grid.pilots), grid)
    known = RegularGridInterpolator((grid.pilot_rows, grid.pilot_columns), z)
    expected = known(np.moveaxis(np.indices((grid.rows, grid.subcarriers)), 0, -1))
    np.testing.assert_allclose(ls_estimate(z, grid, correlation("C", 0.01), 0.1).h, expected, atol=1e-12)


@CHANNELS
@LEVELS
@pytest.mark.parametrize("spacing", [(2, 1), (3, 4), (9, 11)])
def test_lmmse_is_never_worse_than_ls_nor_than_knowing_nothing(profile, doppler, n0, spacing):
    statistics, grid = correlation(profile, doppler), lay_out(400, 24, pilot_spacing=spacing)
    z = np.zeros((grid.pilot_rows.size, grid.pilot_columns.size), complex)
    wiener, ls = (estimate(z, grid, statistics, n0).variance for estimate in (lmmse_estimate, ls_estimate))
    assert np.all(wiener <= ls + 1e-9)
    assert np.all(wiener <= 1 + 1e-9)


@pytest.mark.parametrize("pilots", [23, 24, 25, 41, 100])
def test_windows_of_long_frames_cost_less_than_a_tenth_of_the_error(pilots):
    """One gain per symbol, a pilot every fifth: against the solution over the whole frame."""
    statistics = Correlation(np.ones(1), np.zeros(1), 0.02)
    grid = lay_out(4 * (pilots - 1), 1, pilot_spacing=(5, 1))
    assert grid.pilots == pilots
    whole, at = covariance(statistics, grid), pilots_of(grid)
    weights = whole[:, at] @ np.linalg.inv(whole[np.ix_(at, at)] + 0.1 * np.eye(at.size))
    error = np.real(np.diag(whole) - np.einsum("ij,ij->i", weights, whole[:, at].conj()))
    found = lmmse_estimate(np.zeros((pilots, 1), complex), grid, statistics, 0.1).variance.ravel()
    assert np.all(found >= error - 1e-9)
    np.testing.assert_allclose(found, error, rtol=0.1)


@pytest.mark.parametrize("estimate", [ls_estimate, lmmse_estimate])
def test_torch_gives_the_same_and_the_gradient(estimate):
    torch = pytest.importorskip("torch")
    statistics, grid = correlation("D", 0.01), lay_out(60, 12, pilot_spacing=(3, 4))
    rng = np.random.default_rng(2)
    z = shaped(rng.standard_normal((2, grid.pilots)) + 1j * rng.standard_normal((2, grid.pilots)), grid)
    tensor = torch.tensor(z, requires_grad=True)
    found = estimate(tensor, grid, statistics, 0.1).h
    np.testing.assert_allclose(found.detach().numpy(), estimate(z, grid, statistics, 0.1).h, atol=1e-10)
    found.abs().square().sum().backward()
    assert torch.isfinite(tensor.grad).all()
    assert tensor.grad.abs().min() > 0


def test_pilots_are_qpsk_of_unit_energy_and_a_known_sequence():
    found = pilot_symbols(4000)
    np.testing.assert_allclose(np.abs(found), 1, rtol=1e-6)
    np.testing.assert_array_equal(pilot_symbols(10), found[:10])
    counts = np.unique(np.round(np.angle(found) / (np.pi / 4)), return_counts=True)[1]
    assert counts.size == 4
    assert np.all(np.abs(counts - 1000) < 5.5 * np.sqrt(4000 * 0.25 * 0.75))
    assert pilot_symbols(0).size == 0


@pytest.mark.parametrize("estimate", [ls_estimate, lmmse_estimate])
def test_pilots_that_do_not_fit_the_grid_are_refused(estimate):
    grid = lay_out(10, 4, pilot_spacing=(2, 3))
    wanted = (grid.pilot_rows.size, grid.pilot_columns.size)
    for shape in [(wanted[0], 3), (wanted[0] + 1, wanted[1]), (2, *wanted[::-1]), wanted[:1]]:
        with pytest.raises(SignalError, match=r"pilots: expected received pilots \[\.\.\., \d, 2\] of the grid, got"):
            estimate(np.ones(shape, complex), grid, correlation("C", 0.01), 0.1)
    bare = lay_out(10, 4)
    with pytest.raises(SignalError, match="expected received pilots"):
        estimate(np.ones((0, 0), complex), bare, correlation("C", 0.01), 0.1)


def test_a_wiener_filter_needs_noise():
    grid = lay_out(10, 4, pilot_spacing=(2, 3))
    for n0 in (0.0, -1.0, float("nan")):
        with pytest.raises(SignalError, match="expected n0 above 0, got"):
            lmmse_estimate(np.ones((grid.pilot_rows.size, 2), complex), grid, correlation("C", 0.01), n0)

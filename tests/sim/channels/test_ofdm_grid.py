import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import j0
from semcom.errors import SignalError
from semcom.sim.channels.ofdm_grid import intercarrier_energy, lay_out, pilot_positions

GRIDS = [(n, None) for n in (1, 2, 7, 24)]
GRIDS += [(n, spacing) for n in (7, 24) for spacing in ((1, 3), (2, 1), (4, 5), (7, 7), (50, 2))]
GRIDS += [(1, (2, 1)), (1, (7, 1)), (2, (3, 2))]


@pytest.mark.parametrize("symbols", [1, 23, 24, 25, 1001])
@pytest.mark.parametrize(("subcarriers", "spacing"), GRIDS)
def test_every_symbol_has_an_element_of_its_own_and_no_row_is_wasted(symbols, subcarriers, spacing):
    grid = lay_out(symbols, subcarriers, pilot_spacing=spacing)
    pilots = (grid.pilot_rows[:, None] * subcarriers + grid.pilot_columns).ravel()
    assert grid.payload.size == symbols
    assert np.all(np.diff(grid.payload) > 0)
    taken = np.concatenate([grid.payload, pilots])
    assert np.unique(taken).size == taken.size == symbols + grid.pilots
    assert taken.max() < grid.rows * subcarriers
    assert grid.filled == pytest.approx(taken.size / (grid.rows * subcarriers))
    if spacing is None:
        assert grid.rows == -(-symbols // subcarriers)
        assert grid.pilots == 0
    else:
        np.testing.assert_array_equal(grid.pilot_rows, pilot_positions(grid.rows, spacing[0]))
        one_less = grid.rows - 1
        room = one_less * subcarriers - pilot_positions(one_less, spacing[0]).size * grid.pilot_columns.size
        assert room < symbols


def test_pilots_stand_at_both_ends():
    grid = lay_out(90, 10, pilot_spacing=(4, 4))
    assert grid.pilot_columns.tolist() == [0, 4, 8, 9]
    assert grid.pilot_rows[0] == 0
    assert grid.pilot_rows[-1] == grid.rows - 1


@pytest.mark.parametrize("spacing", [None, (4, 4)])
def test_an_empty_frame_is_an_empty_grid(spacing):
    grid = lay_out(0, 12, pilot_spacing=spacing)
    assert (grid.rows, grid.pilots, grid.payload.size, grid.filled) == (0, 0, 0, 1.0)


def test_a_long_frame_is_laid_out_at_once():
    assert lay_out(10**9, 600, pilot_spacing=(7, 6)).rows > 10**9 // 600


def test_grids_that_cannot_be():
    with pytest.raises(SignalError, match="expected at least 1 subcarrier, got 0"):
        lay_out(5, 0)
    with pytest.raises(SignalError, match="every 1 to 12 subcarriers, got 4 and 13"):
        lay_out(5, 12, pilot_spacing=(4, 13))
    with pytest.raises(SignalError, match="expected pilots every 1 row or more"):
        lay_out(5, 12, pilot_spacing=(0, 1))
    with pytest.raises(SignalError, match="pilots every 1 row and 1 of 12 subcarriers leave no room"):
        lay_out(5, 12, pilot_spacing=(1, 1))


@pytest.mark.parametrize("share", [0.002, 0.02, 0.1])
def test_interference_bounds_what_clarkes_spectrum_gives(share):
    """All energy less that of the mean gain over a symbol: 1 - 2 int_0^1 (1 - x) J0(2 pi f_D T x) dx."""
    exact = 1 - 2 * quad(lambda x: (1 - x) * j0(2 * np.pi * share * x), 0, 1)[0]
    bound = intercarrier_energy(15e3 * share, 15e3)
    assert exact <= bound * (1 + 1e-9)
    assert bound == pytest.approx(exact, rel=0.05)

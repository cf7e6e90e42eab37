import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.fft import idctn
from semcom.errors import SignalError
from semcom.sim.metrics.high_frequency import high_frequency_error_db


def wave(row: int, column: int, amplitude: float, low: float = 0.0) -> NDArray[np.uint8]:
    """A grey 64 x 96 picture with one DCT component of this amplitude in pixel values, and one slow one."""
    coefficients = np.zeros((64, 96))
    coefficients[row, column] = amplitude * np.sqrt(64 * 96) / 2  # both factors are sqrt(2 / n) cos
    coefficients[3, 2] = low * np.sqrt(64 * 96) / 2
    luma = 128 + idctn(coefficients, norm="ortho")
    return np.repeat(np.rint(luma)[:, :, None], 3, 2).astype(np.uint8)


@pytest.mark.parametrize(("row", "column"), [(40, 7), (5, 60), (30, 45)])
@pytest.mark.parametrize(("before", "after"), [(40, 20), (40, 80), (60, 15)])
def test_the_energy_of_a_fast_wave(row: int, column: int, before: float, after: float) -> None:
    expected = 20 * np.log10(after / before)
    assert high_frequency_error_db(wave(row, column, before), wave(row, column, after)) == pytest.approx(
        expected, abs=0.05
    )


@pytest.mark.parametrize(("row", "column", "counts"), [(31, 1, False), (33, 1, True), (1, 47, False), (1, 49, True)])
def test_it_begins_at_a_quarter_of_the_sampling_frequency(row: int, column: int, counts: bool) -> None:
    """Component k of n stands for k / 2n cycles a pixel: 32 of 64 and 48 of 96 are a quarter."""
    error = high_frequency_error_db(wave(row, column, 60), wave(row, column, 30))
    assert error == pytest.approx(-6.02 if counts else 0, abs=0.1 if counts else 0.5)


def test_a_slow_change_does_not_count_and_detail_in_another_place_does_not_show() -> None:
    assert high_frequency_error_db(wave(40, 7, 40), wave(40, 7, 40, low=30)) == pytest.approx(0, abs=0.05)
    assert high_frequency_error_db(wave(40, 7, 40), wave(39, 60, 40)) == pytest.approx(0, abs=0.05)
    assert high_frequency_error_db(wave(40, 7, 40), wave(40, 7, 40)) == 0


@pytest.mark.parametrize("deviation", [8, 24])
def test_white_noise_has_the_energy_of_its_share(deviation: float) -> None:
    """A coefficient of white noise has its variance: the sum is chi-squared with as many degrees as coefficients."""
    rng = np.random.default_rng(0)
    noise = 128 + deviation * rng.standard_normal((2, 256, 256))
    sent, received = (np.repeat(np.rint(z)[:, :, None], 3, 2).clip(0, 255).astype(np.uint8) for z in noise)
    flat = np.full_like(sent, 128)
    coefficients = 256 * 256 * (1 - np.pi / 4 * 0.25)  # outside of the quarter circle of half the side
    assert abs(high_frequency_error_db(sent, received)) < 6 * 10 / np.log(10) * np.sqrt(2 * 2 / coefficients)
    rounding = (0.299**2 + 0.587**2 + 0.114**2) / 12
    expected = 10 * np.log10((deviation**2 + 1 / 12) / rounding)
    assert high_frequency_error_db(flat, sent) == pytest.approx(expected, abs=0.1)
    assert high_frequency_error_db(sent, flat) == pytest.approx(-expected, abs=0.1)


def test_flat_pictures_are_equal() -> None:
    assert high_frequency_error_db(np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8)) == 0


def test_wrong_pictures_are_said() -> None:
    with pytest.raises(SignalError, match=r"high_frequency_error_db: expected at least 8 pixels .* got 7 x 20"):
        high_frequency_error_db(np.zeros((7, 20, 3), np.uint8), np.zeros((7, 20, 3), np.uint8))

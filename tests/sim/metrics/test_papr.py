import numpy as np
import pytest
from semcom.sim.metrics.papr import papr_db


def qam(order: int) -> np.ndarray:
    side = int(order**0.5)
    levels = np.arange(side) * 2 - side + 1
    return (levels[:, None] + 1j * levels).ravel()


@pytest.mark.parametrize("order", [4, 16, 64, 256])
def test_papr_of_square_qam(order: int) -> None:
    side = order**0.5
    expected = 10 * np.log10(3 * (side - 1) / (side + 1))  # 0, 2.55, 3.68, 4.23 dB
    assert papr_db(qam(order)) == pytest.approx(expected, abs=1e-12)
    assert papr_db(7 * qam(order)) == pytest.approx(expected, abs=1e-12)


def test_constant_modulus_a_pulse_and_a_sine() -> None:
    assert papr_db(np.exp(1j * np.arange(9))) == pytest.approx(0, abs=1e-12)
    assert papr_db(np.eye(1, 100, dtype=np.complex64)[0]) == pytest.approx(20)
    assert papr_db(np.cos(2 * np.pi * np.arange(64) / 64) + 0j) == pytest.approx(10 * np.log10(2))


def test_the_peak_of_a_gaussian_frame() -> None:
    """P(peak < c) = (1 - exp(-c))^n: the median of many frames is where that is one half."""
    rng = np.random.default_rng(0)
    n, frames = 1000, 2001
    ratios = [papr_db(rng.standard_normal((n, 2)) @ [1, 1j]) for _ in range(frames)]
    level = -np.log(1 - 0.5 ** (1 / n))
    below = np.mean(np.array(ratios) < 10 * np.log10(level))
    assert abs(below - 0.5) < 5 * 0.5 / frames**0.5


def test_frames_without_a_ratio() -> None:
    assert papr_db(np.zeros(0, np.complex64)) is None
    assert papr_db(np.zeros(4, np.complex64)) is None
    assert papr_db(np.array([1, np.nan], np.complex64)) is None

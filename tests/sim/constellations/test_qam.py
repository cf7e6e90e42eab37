import commpy.modulation
import numpy as np
import pytest
from semcom.errors import SignalError
from semcom.sim.constellations.qam import BITS_PER_SYMBOL, decide, half_distance, modulate, pam_levels, points

ORDERS = pytest.mark.parametrize("bits_per_symbol", BITS_PER_SYMBOL)


def standard(b: np.ndarray) -> np.ndarray:
    """The formulas of TS 38.211 sections 5.1.3 to 5.1.7 as they stand there; b: [m, n]."""
    s = 1 - 2 * b.astype(int)
    match len(b):
        case 2:
            return (s[0] + 1j * s[1]) / np.sqrt(2)
        case 4:
            return (s[0] * (2 - s[2]) + 1j * s[1] * (2 - s[3])) / np.sqrt(10)
        case 6:
            return (s[0] * (4 - s[2] * (2 - s[4])) + 1j * s[1] * (4 - s[3] * (2 - s[5]))) / np.sqrt(42)
        case 8:
            real = s[0] * (8 - s[2] * (4 - s[4] * (2 - s[6])))
            return (real + 1j * s[1] * (8 - s[3] * (4 - s[5] * (2 - s[7])))) / np.sqrt(170)
        case _:
            real = s[0] * (16 - s[2] * (8 - s[4] * (4 - s[6] * (2 - s[8]))))
            return (real + 1j * s[1] * (16 - s[3] * (8 - s[5] * (4 - s[7] * (2 - s[9]))))) / np.sqrt(682)


def all_bits(bits_per_symbol: int) -> np.ndarray:
    labels = np.arange(2**bits_per_symbol)
    return (labels[:, None] >> np.arange(bits_per_symbol - 1, -1, -1) & 1).astype(np.uint8)


@pytest.mark.parametrize("bits_per_symbol", [2, 4, 6, 8, 10])
def test_points_are_those_of_the_standard(bits_per_symbol: int) -> None:
    bits = all_bits(bits_per_symbol)
    np.testing.assert_allclose(points(bits_per_symbol), standard(bits.T), atol=1e-12)
    np.testing.assert_allclose(modulate(bits.reshape(-1), bits_per_symbol), standard(bits.T), atol=1e-6)


@pytest.mark.parametrize("bits_per_symbol", [2, 4, 6, 8, 10])
def test_points_are_those_of_sionna(bits_per_symbol: int) -> None:
    from sionna.phy.mapping import Constellation

    theirs = Constellation("qam", bits_per_symbol).points.numpy()
    np.testing.assert_allclose(points(bits_per_symbol), theirs, atol=1e-6)


@ORDERS
def test_energy_is_one_and_neighbours_differ_in_one_bit(bits_per_symbol: int) -> None:
    alphabet = points(bits_per_symbol)
    assert np.mean(np.abs(alphabet) ** 2) == pytest.approx(1)
    order = np.argsort(pam_levels(bits_per_symbol))
    assert all(int(step).bit_count() == 1 for step in order[1:] ^ order[:-1])
    np.testing.assert_array_equal(np.diff(np.sort(pam_levels(bits_per_symbol))), 2)
    assert half_distance(bits_per_symbol) == pytest.approx(np.min(np.abs(alphabet[1:] - alphabet[0])) / 2)


@pytest.mark.parametrize("bits_per_symbol", [2, 4, 6, 8, 10])
def test_scikit_commpy_has_the_same_points_by_other_labels(bits_per_symbol: int) -> None:
    """Its QAMModem has the same set of points; the labels are its own, and not those of TS 38.211."""
    modem = commpy.modulation.QAMModem(2**bits_per_symbol)
    theirs = modem.constellation / np.sqrt(modem.Es)
    ours = points(bits_per_symbol)
    near = np.argmin(np.abs(theirs[:, None] - ours), axis=1)
    np.testing.assert_allclose(theirs, ours[near], atol=1e-9)
    assert np.unique(near).size == ours.size
    assert np.any(near != np.arange(ours.size))


@ORDERS
def test_decisions_are_for_the_nearest_point(bits_per_symbol: int) -> None:
    rng = np.random.default_rng(3)
    y = (rng.normal(0, 0.9, (2000, 2)) @ [1, 1j]).astype(np.complex64)
    nearest = np.array([np.argmin(np.abs(one - points(bits_per_symbol))) for one in y])
    np.testing.assert_array_equal(decide(y, bits_per_symbol), all_bits(bits_per_symbol)[nearest].reshape(-1))
    bits = rng.integers(0, 2, 100 * bits_per_symbol, dtype=np.uint8)
    np.testing.assert_array_equal(decide(modulate(bits, bits_per_symbol), bits_per_symbol), bits)
    assert decide(y[:0], bits_per_symbol).shape == modulate(bits[:0], bits_per_symbol).shape == (0,)
    np.testing.assert_array_equal(decide(np.array([3e38 - 3e38j], np.complex64), 2), [0, 1])


def test_errors_say_what_was_expected() -> None:
    bits = np.zeros(6, np.uint8)
    with pytest.raises(SignalError, match=r"expected bits_per_symbol of \(2, 4, 6, 8, 10, 12\), got 3"):
        modulate(bits, 3)
    with pytest.raises(SignalError, match=r"expected a multiple of 4 bits, got shape \[6\]"):
        modulate(bits, 4)
    with pytest.raises(SignalError, match="qam: expected bits of 0 and 1, got 7"):
        modulate(bits + np.uint8(7), 2)
    with pytest.raises(SignalError, match="expected finite symbols"):
        decide(np.array([1, np.nan], np.complex64), 2)
    with pytest.raises(ValueError, match="read-only"):
        points(4)[0] = 0


def test_points_of_a_law_have_unit_energy_by_it() -> None:
    law = (0.6, 0.25, 0.1, 0.05)
    drawn = np.random.default_rng(2).choice(4, (200_000, 2), p=law)
    energy = (half_distance(6, law) * (2 * drawn + 1)) ** 2
    assert energy.sum(1).mean() == pytest.approx(1, abs=5 * energy.sum(1).std() / np.sqrt(len(drawn)))
    assert half_distance(6, (0.25,) * 4) == pytest.approx(half_distance(6), rel=1e-12)
    bits = np.random.default_rng(3).integers(0, 2, 6000, dtype=np.uint8)
    symbols = modulate(bits, 6, law)
    np.testing.assert_allclose(symbols, modulate(bits, 6) * (half_distance(6, law) / half_distance(6)), rtol=1e-6)
    np.testing.assert_array_equal(decide(symbols, 6, law), bits)
    with pytest.raises(SignalError, match="qam: expected a law of 4 amplitudes, got 3"):
        modulate(bits, 6, (0.5, 0.3, 0.2))

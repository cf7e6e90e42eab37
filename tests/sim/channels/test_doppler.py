import numpy as np
import pytest
from scipy import stats
from scipy.special import j0
from semcom.errors import SignalError
from semcom.sim.channels.doppler import SINUSOIDS, clarke, clarke_correlation, doppler_from_speed_hz

DRAWS = 20_000


def gains(times, doppler, *, draws=DRAWS, seed=0):
    angles, phases = np.random.default_rng(seed).random((2, draws, SINUSOIDS))
    return clarke(np.asarray(times, float), angles, phases, doppler=doppler)


@pytest.mark.parametrize("doppler", [30.0, 0.02])
def test_the_correlation_over_time_is_bessels(doppler):
    lags = np.array([0, 0.1, 0.3, 0.383, 0.7, 1.5]) / doppler
    h = gains(np.append(100.0 / doppler, 100.0 / doppler + lags), doppler)
    found = np.mean(h[:, 1:] * h[:, :1].conj(), axis=0)
    expected = j0(2 * np.pi * doppler * lags)
    bound = 5.5 / np.sqrt(DRAWS)  # the variance of h h* is 1 at most
    assert np.all(np.abs(found - expected) < bound)
    np.testing.assert_allclose(clarke_correlation(lags, doppler=doppler), expected)


def test_amplitudes_are_rayleighs_and_phases_uniform():
    h = gains([0.0, 3.1], 1.0, draws=5000)
    for at in h.T:
        assert stats.kstest(np.abs(at), stats.rayleigh(scale=np.sqrt(0.5)).cdf).pvalue > 1e-3
        assert stats.kstest(np.angle(at), stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-3
    assert np.mean(np.abs(h[:, 0]) ** 4) == pytest.approx(2 - 1 / SINUSOIDS, abs=5.5 * np.sqrt(20 / 5000))


@pytest.mark.parametrize("share", [0.25, 0.5, 0.9])
def test_the_doppler_spectrum_is_clarkes(share):
    """Energy below a share s of the greatest shift is (2 / pi) asin(s): the integral of 1 / (pi sqrt(f_D^2 - f^2))."""
    n, doppler = 1024, 0.2
    h = gains(np.arange(n), doppler, draws=200)
    power = np.mean(np.abs(np.fft.fft(h * np.hanning(n), axis=-1)) ** 2, axis=0)
    below = power[np.abs(np.fft.fftfreq(n)) < share * doppler].sum() / power.sum()
    waves = 200 * SINUSOIDS
    low, high = stats.binom.interval(1 - 1e-6, waves, 2 / np.pi * np.arcsin(share))
    assert low / waves - 0.005 < below < high / waves + 0.005  # the window smears 2 bins of 205
    assert power[np.abs(np.fft.fftfreq(n)) > 1.05 * doppler].sum() / power.sum() < 1e-6


def test_times_are_absolute():
    whole = gains(np.arange(50), 0.01, draws=2)
    np.testing.assert_allclose(gains(np.arange(20, 50), 0.01, draws=2), whole[:, 20:], rtol=1e-12)


def test_without_doppler_the_gain_stays():
    h = gains([0.0, 5.0, 1e6], 0.0, draws=3)
    np.testing.assert_array_equal(h[:, 1:], h[:, :1].repeat(2, 1))


def test_torch_gives_the_same():
    torch = pytest.importorskip("torch")
    angles, phases = np.random.default_rng(1).random((2, 4, 3, SINUSOIDS))
    times = np.arange(7.0)
    found = clarke(torch.tensor(times), torch.tensor(angles), torch.tensor(phases), doppler=0.3)
    np.testing.assert_allclose(found.numpy(), clarke(times, angles, phases, doppler=0.3), atol=1e-12)


def test_draws_that_do_not_match_are_an_error():
    with pytest.raises(SignalError, match=r"expected as many angles as phases, got shapes \[3\] and \[4\]"):
        clarke(np.arange(2.0), np.zeros(3), np.zeros(4), doppler=1.0)
    with pytest.raises(SignalError, match=r"got shapes \[0\] and \[0\]"):
        clarke(np.arange(2.0), np.zeros(0), np.zeros(0), doppler=1.0)


def test_doppler_of_a_speed():
    assert doppler_from_speed_hz(299_792_458 / 1e6, 2e9) == pytest.approx(2000)

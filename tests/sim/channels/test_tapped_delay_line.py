import numpy as np
import pytest
from scipy.signal import lfilter
from semcom.errors import SignalError
from semcom.sim.channels.tapped_delay_line import LEAD, delay_weights, tapped_delay_line
from semcom.sim.channels.tdl import frequency_response, tap_gains
from semcom.sim.channels.tdl_profiles import tdl_taps

RNG = np.random.default_rng(0)


def noise(*shape):
    return RNG.standard_normal(shape) + 1j * RNG.standard_normal(shape)


def test_a_filter_that_stands_still_is_convolution():
    x, c = noise(200), noise(9)
    padded = np.concatenate([np.zeros(8), x])
    np.testing.assert_allclose(tapped_delay_line(padded, c[:, None]), lfilter(c, [1], x), atol=1e-12)


def test_a_filter_that_changes_is_the_sum_by_hand():
    x, c = noise(3 + 20), noise(4, 20)
    expected = [sum(c[m, n] * x[3 + n - m] for m in range(4)) for n in range(20)]
    np.testing.assert_allclose(tapped_delay_line(x, c), expected, atol=1e-12)


def test_whole_delays_are_exact():
    weights = delay_weights(np.array([0.0, 3.0]))
    assert weights.shape == (2, LEAD + 3 + LEAD + 1)
    np.testing.assert_allclose(weights, np.eye(weights.shape[1])[[LEAD, LEAD + 3]], atol=1e-15)


@pytest.mark.parametrize(("band", "error_db"), [(0.7, -60), (0.8, -44)])
def test_delays_in_between_have_the_phase_of_the_delay(band, error_db):
    delays = np.linspace(0, 5, 41)
    weights = delay_weights(delays)
    f = np.linspace(-band / 2, band / 2, 101)
    found = weights @ np.exp(-2j * np.pi * np.outer(np.arange(weights.shape[1]) - LEAD, f))
    error = np.abs(found - np.exp(-2j * np.pi * np.outer(delays, f))).max()
    assert 20 * np.log10(error) < error_db


def test_torch_gives_the_same_and_the_gradient():
    torch = pytest.importorskip("torch")
    x, c = noise(2, 12), noise(3, 10)
    tensor = torch.tensor(x, requires_grad=True)
    y = tapped_delay_line(tensor, torch.tensor(c))
    np.testing.assert_allclose(y.detach().numpy(), tapped_delay_line(x, c), atol=1e-12)
    assert torch.autograd.gradcheck(lambda t: tapped_delay_line(t, torch.tensor(c)), (tensor,))


def test_wrong_sizes():
    with pytest.raises(SignalError, match=r"expected coefficients \[M, n\] and M - 1 \+ n samples, got \[4, 5\] and 7"):
        tapped_delay_line(np.zeros(7, complex), np.zeros((4, 5), complex))
    for wrong in (-1.0, 5000.0, np.nan):
        with pytest.raises(SignalError, match="expected delays of 0 to 4096 samples"):
            delay_weights(np.array([0.0, wrong]))


@pytest.mark.parametrize("profile", ["A", "D"])
def test_ofdm_over_the_samples_meets_the_frequency_response(profile):
    """A symbol with its prefix through the line, then numpy's FFT: what `frequency_response` says of each carrier."""
    size, prefix, used, rate_hz = 256, 64, 150, 3.84e6
    taps = tdl_taps(profile, 300e-9)
    rng = np.random.default_rng(4)
    gains = tap_gains(taps, np.zeros(1), *rng.random((2, taps.energies.size, 32)), rng.random(1), doppler_hz=0.0)
    carriers = np.arange(used) - used // 2
    spectrum = np.zeros(size, complex)
    spectrum[carriers] = np.exp(2j * np.pi * rng.random(used))
    symbol = np.fft.ifft(spectrum)
    weights = delay_weights(taps.delays_s * rate_hz)
    sent = np.concatenate([symbol[-prefix:], symbol, symbol[:LEAD]])  # the next samples do not matter: a symbol again
    line = np.concatenate([np.zeros(weights.shape[1] - 1), sent])
    received = tapped_delay_line(line, weights.T @ gains)[LEAD + prefix :][:size]
    found = (np.fft.fft(received) / np.where(spectrum == 0, 1, spectrum))[carriers]
    expected = frequency_response(gains, taps.delays_s, carriers * rate_hz / size)[0]
    assert 10 * np.log10(np.mean(np.abs(found - expected) ** 2)) < -60

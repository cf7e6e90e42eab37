from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.optimize
from semcom.errors import SignalError
from semcom.sim.metrics.occupied_band import occupied_band
from semcom.sim.waveform.pulse import root_raised_cosine


def raised_cosine_band(rolloff: float, share: float) -> float:
    """Of a raised-cosine spectrum: u from its edge holds (u - rolloff / pi sin(pi u / rolloff)) / 2 of the power."""
    rest = (1 - share) / 2
    u = scipy.optimize.brentq(
        lambda u: (u - rolloff / math.pi * math.sin(math.pi * u / rolloff)) / 2 - rest, 0, rolloff
    )
    return 1 + rolloff - 2 * u


@pytest.mark.parametrize(("per_symbol", "rolloff"), [(4, 0.25), (2, 0.5), (8, 0.1)])
def test_of_a_shaped_signal_it_is_that_of_the_raised_cosine(per_symbol, rolloff):
    rng = np.random.default_rng(1)
    upsampled = np.zeros(200_000, complex)
    upsampled[::per_symbol] = rng.choice([1, -1, 1j, -1j], upsampled[::per_symbol].size)
    x = np.convolve(upsampled, root_raised_cosine(per_symbol, rolloff, 32), "valid")
    assert occupied_band(x) * per_symbol == pytest.approx(raised_cosine_band(rolloff, 0.99), rel=0.02)


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_of_white_noise_it_is_the_share(share):
    rng = np.random.default_rng(2)
    noise = rng.standard_normal(1_000_000) + 1j * rng.standard_normal(1_000_000)
    assert occupied_band(noise, share) == pytest.approx(share, abs=0.01)


def test_where_it_lies_does_not_matter():
    n = np.arange(100_000)
    lines = np.exp(0.2j * np.pi * n) + np.exp(0.6j * np.pi * n)  # 0.1 and 0.3 of the sample rate
    assert occupied_band(lines, 0.9) == pytest.approx(0.2, abs=2 / 1024)


def test_without_power_there_is_none():
    with pytest.raises(SignalError, match="expected samples with some power, got 8 without"):
        occupied_band(np.zeros(8, np.complex64))

import math

import numpy as np
import pytest
import torch
from semcom.sim.channels.iq_imbalance import image_rejection_db, iq_coefficients, iq_imbalance
from semcom.sim.noise import CounterNoise

CASES = pytest.mark.parametrize(("amplitude_db", "phase_deg"), [(1.0, 5.0), (-0.5, 2.0), (3.0, -20.0), (0.0, 1.0)])


@CASES
def test_the_image_of_a_tone_stands_where_it_should(amplitude_db: float, phase_deg: float) -> None:
    n, k = 256, 19
    spectrum = np.fft.fft(
        iq_imbalance(np.exp(2j * np.pi * k * np.arange(n) / n), amplitude_db=amplitude_db, phase_deg=phase_deg)
    )
    measured = 20 * np.log10(abs(spectrum[k]) / abs(spectrum[-k]))
    g, phi = 10 ** (amplitude_db / 20), math.radians(phase_deg)
    expected = 10 * math.log10((1 + g * g + 2 * g * math.cos(phi)) / (1 + g * g - 2 * g * math.cos(phi)))
    assert measured == pytest.approx(expected, abs=1e-6)
    assert image_rejection_db(amplitude_db, phase_deg) == pytest.approx(expected, abs=1e-9)
    spectrum[[k, -k]] = 0
    assert np.abs(spectrum).max() < 1e-9


@CASES
def test_branches_differ_by_what_is_said(amplitude_db: float, phase_deg: float) -> None:
    i, q = iq_imbalance(np.array([1.0, 1j]), amplitude_db=amplitude_db, phase_deg=phase_deg)
    assert 20 * np.log10(abs(i) / abs(q)) == pytest.approx(amplitude_db)
    assert np.degrees(np.angle(q / i)) == pytest.approx(90 + phase_deg)


@CASES
def test_proper_symbols_keep_their_energy(amplitude_db: float, phase_deg: float) -> None:
    mu, nu = iq_coefficients(amplitude_db, phase_deg)
    assert abs(mu) ** 2 + abs(nu) ** 2 == pytest.approx(1)
    x = CounterNoise(1).complex_normal(0, 200_000)
    y = iq_imbalance(x, amplitude_db=amplitude_db, phase_deg=phase_deg)
    assert y.dtype == np.complex64
    assert np.mean(np.abs(y) ** 2) == pytest.approx(1, abs=5 * np.sqrt(2 / x.size))


def test_balance_changes_nothing_and_torch_agrees() -> None:
    x = CounterNoise(1).complex_normal(0, 30)
    np.testing.assert_allclose(iq_imbalance(x, amplitude_db=0, phase_deg=0), x, rtol=1e-6)
    assert image_rejection_db(0, 0) == math.inf
    given = torch.from_numpy(x).requires_grad_()
    y = iq_imbalance(given, amplitude_db=1, phase_deg=5)
    np.testing.assert_allclose(y.detach().numpy(), iq_imbalance(x, amplitude_db=1, phase_deg=5), rtol=1e-5)
    y.abs().square().sum().backward()
    assert torch.isfinite(torch.view_as_real(given.grad)).all()

"""Every channel function of torch tensors against finite differences, in double precision."""

import pkgutil

import numpy as np
import pytest
import torch
from semcom.sim import channels
from semcom.sim.channels.awgn import awgn
from semcom.sim.channels.clipping import clip_envelope, clip_rails
from semcom.sim.channels.converter import quantise
from semcom.sim.channels.doppler import clarke
from semcom.sim.channels.equalizer import lmmse, mmse, zf
from semcom.sim.channels.erasures import erase
from semcom.sim.channels.fading import flat_fading
from semcom.sim.channels.frequency_offset import frequency_offset
from semcom.sim.channels.impulsive import bernoulli_gaussian_n0, middleton_a_n0
from semcom.sim.channels.iq_imbalance import iq_imbalance
from semcom.sim.channels.ofdm_grid import lay_out
from semcom.sim.channels.phase_noise import rotate, stationary_phase, wiener_phase
from semcom.sim.channels.pilots import Correlation, ls_estimate
from semcom.sim.channels.rayleigh import rayleigh
from semcom.sim.channels.rician import rician, rician_gain
from semcom.sim.channels.shadowing import shadowing_gain
from semcom.sim.channels.tapped_delay_line import tapped_delay_line
from semcom.sim.channels.tdl import frequency_response, tap_gains
from semcom.sim.channels.tdl_profiles import tdl_taps
from semcom.sim.channels.wiener import lmmse_estimate

RNG = np.random.default_rng(0)


def normal(*shape):
    return torch.tensor(RNG.standard_normal(shape), requires_grad=True)


def complex_normal(*shape):
    return torch.tensor(RNG.standard_normal(shape) + 1j * RNG.standard_normal(shape), requires_grad=True)


def uniform(*shape):
    return torch.tensor(RNG.random(shape), requires_grad=True)


def positive(*shape):
    return torch.tensor(0.1 + RNG.random(shape), requires_grad=True)


X, H, W = complex_normal(2, 3), complex_normal(2, 3), complex_normal(2, 3)
GRID = lay_out(10, 4, pilot_spacing=(2, 3))
FLAT = Correlation(np.array([0.7, 0.1]), np.array([0.0, 0.02]), 0.05, los_energy=0.2)
TIMES = torch.arange(3, dtype=torch.float64)

CASES = {
    "awgn": (awgn, X, W, positive(3)),
    "clipping.clip_envelope": (lambda x: clip_envelope(x, 0.9), X),
    "clipping.clip_rails": (lambda x: clip_rails(x, 0.9), X),
    "doppler.clarke": (lambda u, phi: clarke(TIMES, u, phi, doppler=0.2), uniform(2, 4), uniform(2, 4)),
    "equalizer.zf": (zf, X, H, positive(3)),
    "equalizer.mmse": (mmse, X, H, positive(3)),
    "equalizer.lmmse": (lmmse, X, H, positive(3)),
    "erasures": (lambda x: erase(x, np.array([True, False, False])), X),
    "fading": (flat_fading, X, H, W, positive(3)),
    "frequency_offset": (lambda x, cfo, phase: frequency_offset(x, cfo, phase, start=5), X, normal(), normal()),
    "impulsive.bernoulli": (
        lambda n0: bernoulli_gaussian_n0(TIMES / 3, n0, impulse_rate=0.1, impulse_ratio=100.0),
        positive(),
    ),
    "impulsive.middleton": (
        lambda n0: middleton_a_n0(TIMES, n0, overlap=0.1, gaussian_ratio=0.1),
        positive(),
    ),
    "iq_imbalance": (lambda x: iq_imbalance(x, amplitude_db=1.0, phase_deg=5.0), X),
    "phase_noise.rotate": (rotate, X, normal(2, 3)),
    "phase_noise.wiener": (wiener_phase, normal(2, 3), positive()),
    "phase_noise.stationary, autoregression": (lambda w, rms: stationary_phase(w, rms, 0.9), normal(2, 5), positive()),
    "pilots": (lambda z: ls_estimate(z, GRID, FLAT, 0.1).h, complex_normal(2, GRID.pilot_rows.size, 2)),
    "rayleigh": (
        lambda x, g, w, n0: rayleigh(x, g, w, n0=n0, coherence_symbols=2),
        *(X, complex_normal(2, 2), W, positive()),
    ),
    "rician": (
        lambda x, g, los, w, n0, k: rician(x, g, los, w, n0=n0, k_db=k, coherence_symbols=None),
        *(X, complex_normal(2, 1), complex_normal(2, 1), W, positive(), normal()),
    ),
    "rician.gain": (rician_gain, complex_normal(2, 3), complex_normal(2, 1), normal()),
    "shadowing": (shadowing_gain, normal(2, 3), positive()),
    "tapped_delay_line": (tapped_delay_line, complex_normal(2, 5), complex_normal(2, 3, 3)),
    "tdl, tdl_profiles": (
        lambda u, phi, los: frequency_response(
            tap_gains(tdl_taps("E", 1e-7), TIMES, u, phi, los, doppler_hz=0.1),
            tdl_taps("E", 1e-7).delays_s,
            np.array([-15e3, 30e3]),
        ),
        *(uniform(14, 2), uniform(14, 2), uniform(1)),
    ),
    "wiener": (lambda z: lmmse_estimate(z, GRID, FLAT, 0.1).h, complex_normal(2, GRID.pilot_rows.size, 2)),
}  # fmt: skip

WITHOUT = {
    "clock_offset": "a stream of samples, which no network is trained through",
    "converter": "its gradient is not that of its value: test_converter",
    "ofdm_grid": "where symbols stand, not what they are",
    "recorded": "gains read from a file: fading multiplies by them",
}


@pytest.mark.parametrize("case", CASES)
def test_gradients_are_those_of_finite_differences(case):
    function, *given = CASES[case]
    assert torch.autograd.gradcheck(function, tuple(given))


def test_every_channel_model_has_its_case():
    named = {name.partition(".")[0] for case in CASES for name in case.split(", ")}
    assert {module.name for module in pkgutil.iter_modules(channels.__path__)} == named | set(WITHOUT)


def test_an_erased_symbol_takes_no_part_whatever_it_was():
    x = torch.tensor([complex(float("inf"), 0), 2j], requires_grad=True)
    y = erase(x, np.array([True, False]))
    np.testing.assert_array_equal(y.detach().numpy(), [0, 2j])
    np.testing.assert_array_equal(erase(x.detach().numpy(), np.array([True, False])), [0, 2j])
    y.abs().sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0, 1j])


def test_zero_gains_and_zero_symbols_have_finite_gradients():
    h = torch.zeros(2, dtype=torch.complex64, requires_grad=True)
    symbols, n0 = lmmse(torch.ones(2, dtype=torch.complex64), h, 0.1)
    (symbols.real.sum() + n0.sum()).backward()
    assert torch.isfinite(torch.view_as_real(h.grad)).all()
    for function in (lambda x: clip_envelope(x, 0.5), lambda x: quantise(x, 4, 1.0)):
        x = torch.zeros(2, dtype=torch.complex64, requires_grad=True)
        function(x).real.sum().backward()
        assert torch.isfinite(torch.view_as_real(x.grad)).all()

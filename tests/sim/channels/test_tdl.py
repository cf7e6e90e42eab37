"""`sim.channels.tdl` and `sim.channels.tdl_profiles`."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from semcom.errors import SignalError
from semcom.sim.channels.doppler import SINUSOIDS
from semcom.sim.channels.tdl import frequency_response, tap_gains
from semcom.sim.channels.tdl_profiles import TDL_PROFILES, tdl_taps

PROFILES = pytest.mark.parametrize("profile", "ABCDE")
K_DB = {"D": 13.3, "E": 22.0}


def draw(taps, draws=(), seed=0):
    rng = np.random.default_rng(seed)
    shape = (*draws, taps.energies.size, SINUSOIDS)
    return rng.random(shape), rng.random(shape), rng.random((*draws, 1))


@PROFILES
def test_tables_are_the_standards_as_another_implementation_has_them(profile):
    sionna = importlib.util.find_spec("sionna")
    if sionna is None:
        pytest.skip("sionna is not installed")
    (folder,) = sionna.submodule_search_locations
    table = json.loads((Path(folder) / f"phy/channel/tr38901/models/v16_1/TDL-{profile}.json").read_text())
    first = 1 if table["los"] else 0
    assert TDL_PROFILES[profile].delays == tuple(table["delays"][first:])
    assert TDL_PROFILES[profile].powers_db == tuple(table["powers"][first:])
    assert TDL_PROFILES[profile].los_db == (table["powers"][0] if first else None)


@PROFILES
@pytest.mark.parametrize("spread_s", [30e-9, 300e-9])
def test_the_delay_spread_is_the_one_asked_for_and_the_energy_one(profile, spread_s):
    taps = tdl_taps(profile, spread_s)
    assert taps.energies.sum() + taps.los_energy == pytest.approx(1)
    mean = (taps.energies * taps.delays_s).sum()
    rms = np.sqrt((taps.energies * taps.delays_s**2).sum() - mean**2)
    assert rms == pytest.approx(spread_s, rel=0.01)  # the tables are rounded


@pytest.mark.parametrize("profile", K_DB)
def test_k_factor_of_the_first_tap(profile):
    taps = tdl_taps(profile, 1e-7)
    assert 10 * np.log10(taps.los_energy / taps.energies[0]) == pytest.approx(K_DB[profile], abs=0.01)


@PROFILES
@pytest.mark.parametrize("time_s", [0.0, 12.345])
def test_mean_tap_energies_are_the_profiles(profile, time_s):
    taps = tdl_taps(profile, 1e-7)
    draws = 4000
    gains = tap_gains(taps, np.array([time_s]), *draw(taps, (draws,)), doppler_hz=70.0)[..., 0]
    energies = np.abs(gains) ** 2
    expected = taps.energies.copy()
    expected[0] += taps.los_energy
    bound = 5.5 * energies.std(axis=0) / np.sqrt(draws)
    assert np.all(np.abs(energies.mean(axis=0) - expected) < bound)
    correlation = np.abs(np.mean(gains[:, :, None] * gains[:, None, :].conj(), axis=0))
    scale = np.sqrt(np.outer(expected, expected))
    assert np.all((correlation / scale)[~np.eye(expected.size, dtype=bool)] < 5.5 / np.sqrt(draws))


@pytest.mark.parametrize("profile", K_DB)
def test_the_line_of_sight_has_its_own_doppler(profile):
    taps = tdl_taps(profile, 0.0)
    times, doppler = np.arange(4096) / 4096, 500.0
    gains = tap_gains(taps, times, *draw(taps, seed=3), doppler_hz=doppler)[0]
    spectrum = np.abs(np.fft.fft(gains)) ** 2 / 4096**2
    assert np.argmax(spectrum) == 0.7 * doppler  # a bin is 1 Hz
    assert spectrum.max() == pytest.approx(taps.los_energy, rel=0.2)


@PROFILES
def test_the_response_is_the_dft_of_the_taps(profile):
    taps = tdl_taps(profile, 1e-7)
    whole = taps._replace(delays_s=np.arange(taps.delays_s.size) / 64e3)
    gains = tap_gains(whole, np.arange(5) * 1e-3, *draw(whole), doppler_hz=30.0)
    found = frequency_response(gains, whole.delays_s, np.arange(64) * 1e3)
    np.testing.assert_allclose(found, np.fft.fft(gains, 64, axis=0).T, atol=1e-12)


def test_the_response_has_unit_mean_energy_over_draws():
    taps = tdl_taps("C", 300e-9)
    gains = tap_gains(taps, np.zeros(1), *draw(taps, (3000,)), doppler_hz=0.0)
    energy = np.abs(frequency_response(gains, taps.delays_s, np.array([-1e6, 0.0, 4.5e6]))) ** 2
    assert np.all(np.abs(energy.mean(axis=0) - 1) < 5.5 * energy.std(axis=0) / np.sqrt(3000))


@PROFILES
def test_torch_gives_the_same_and_a_gradient(profile):
    torch = pytest.importorskip("torch")
    taps = tdl_taps(profile, 3e-7)
    drawn, times, carriers = draw(taps, (2,)), np.arange(3) * 1e-3, np.arange(6) * 15e3
    known = frequency_response(tap_gains(taps, times, *drawn, doppler_hz=50.0), taps.delays_s, carriers)
    tensors = [torch.tensor(array, requires_grad=True) for array in drawn]
    gains = tap_gains(taps, torch.tensor(times), *tensors, doppler_hz=50.0)
    response = frequency_response(gains, taps.delays_s, carriers)
    np.testing.assert_allclose(response.detach().numpy(), known, atol=1e-12)
    x = torch.ones_like(response, requires_grad=True)
    (response * x).abs().square().sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.abs(known) ** 2, rtol=1e-10)
    assert tensors[0].grad.abs().sum() > 0


def test_what_is_no_profile():
    with pytest.raises(SignalError, match="expected a profile of A, B, C, D, E, got 'F'"):
        tdl_taps("F", 1e-7)
    for wrong in (-1e-9, float("nan"), float("inf")):
        with pytest.raises(SignalError, match="expected a delay spread of at least 0 s"):
            tdl_taps("A", wrong)

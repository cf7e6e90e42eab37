"""`channels/tdl_samples`."""

from typing import Any

import numpy as np
import pytest
from scipy.signal import lfilter
from semcom.blocks.block import RunContext
from semcom.blocks.channels.tdl_samples import TdlSamples
from semcom.blocks.envelope import Stream
from semcom.errors import SignalError

RNG = np.random.default_rng(0)


def block(**params: Any) -> TdlSamples:
    return TdlSamples(TdlSamples.Params(**params), name="channel", seed=7)


def run(x: np.ndarray, rate_hz: float = 1e6, first: int = 0, seed: int = 7, **params: Any) -> np.ndarray:
    made = TdlSamples(TdlSamples.Params(**params), name="channel", seed=seed)
    parts = [made.work(x.astype(np.complex64), Stream(first, rate_hz)).value]
    return np.concatenate(parts + [out.value for out in made.finish(RunContext()) or ()])


def impulse(length: int, at: int) -> np.ndarray:
    return (np.arange(length) == at).astype(np.complex64)


def test_taps_at_whole_samples_are_where_the_table_has_them() -> None:
    """At 1000 samples a delay spread the delays of TDL-D, multiples of a thousandth, all are whole."""
    table = [0, 35, 612, 1363, 1405, 1804, 2596, 1775, 4042]  # up to 4096 samples
    params = {"profile": "D", "delay_spread_ns": 250.0, "doppler_hz": 0.0}
    response = np.abs(run(impulse(3200, 0), 1e9, **params))
    assert set(np.flatnonzero(response > 1e-4)) >= {0, *(round(delay / 4) for delay in table if delay % 4 == 0)}


def test_a_channel_that_stands_still_is_convolution_with_its_response() -> None:
    params = {"profile": "B", "delay_spread_ns": 400.0, "doppler_hz": 0.0}
    response = run(impulse(64, 20), 4e6, **params)  # what comes before its time is there too
    x = RNG.standard_normal(500) + 1j * RNG.standard_normal(500)
    padded = np.concatenate([x, np.zeros(20)])
    expected = lfilter(response, [1], padded)[20:]
    np.testing.assert_allclose(run(x, 4e6, **params), expected, atol=1e-4)


@pytest.mark.parametrize("rate_hz", [1e6, 15.36e6])
def test_the_response_has_unit_mean_energy_within_the_band(rate_hz: float) -> None:
    """Whatever the delays between samples."""
    f = np.array([0.0, 0.3])
    wave = np.exp(-2j * np.pi * np.outer(f, np.arange(80)))
    x = impulse(80, 12)
    energy = np.array([np.abs(wave @ run(x, rate_hz, seed=seed, doppler_hz=0.0)) ** 2 for seed in range(250)])
    assert np.all(np.abs(energy.mean(axis=0) - 1) < 5.5 * energy.std(axis=0) / np.sqrt(250))


def test_the_gains_change_as_the_doppler_says() -> None:
    """Flat fading: the correlation over a lag of 0.3 cycles is J0(0.6 pi) = 0.2906, one of 0.1 is 0.9037."""
    x = np.ones(100)
    gains = np.array([run(x, 20e3, seed=seed, delay_spread_ns=0.0, doppler_hz=100.0)[20:] for seed in range(250)])
    for lag, expected in ((20, 0.9037), (60, 0.2906)):
        assert abs(np.mean(gains[:, lag] * gains[:, 0].conj()) - expected) < 5.5 / np.sqrt(250)


def test_straight_lines_between_knots_are_near_the_gains() -> None:
    """At 100 Hz and 1 MHz knots are 78 samples apart; at 12.8 kHz every sample is one: the same gains, seen there."""
    lines = run(np.ones(9000), 12.8e3 * 78, delay_spread_ns=0.0, doppler_hz=100.0)[100:]
    exact = run(np.ones(200), 12.8e3, delay_spread_ns=0.0, doppler_hz=100.0)
    np.testing.assert_allclose(lines[56::78][:100], exact[2:102], atol=2e-3)
    between = lines[56 + 39 :: 78][:100]
    middle = (exact[2:102] + exact[3:103]) / 2
    np.testing.assert_allclose(between, middle, atol=2e-3)


def test_noise_has_the_energy_that_the_snr_says() -> None:
    x = np.zeros(20_000)
    for snr_db in (0.0, 17.0):
        measured = np.mean(np.abs(run(x, snr_db=snr_db)) ** 2)
        assert measured == pytest.approx(10 ** (-snr_db / 10), rel=5.5 / np.sqrt(20_000))
    assert not run(x).any()


def test_output_keeps_time_with_the_input_and_nothing_is_lost() -> None:
    made = block(doppler_hz=0.0)
    x = RNG.standard_normal(50).astype(np.complex64)
    out = made.work(x, Stream(0, 1e6))
    (rest,) = made.finish(RunContext())
    assert out.value.size == 42
    assert rest.value.size == 8
    assert out.sample_rate_hz == rest.sample_rate_hz == 1e6
    assert block().finish(RunContext()) is None


def test_samples_that_are_missing_leave_the_line_empty() -> None:
    params = {"profile": "A", "doppler_hz": 100.0}
    x = (RNG.standard_normal(300) + 1j * RNG.standard_normal(300)).astype(np.complex64)
    made = block(**params)
    first = made.work(x[:100], Stream(0, 1e6)).value
    second = made.work(x[200:], Stream(200, 1e6)).value
    (rest,) = made.finish(RunContext())
    found = np.concatenate([first, second, rest.value])
    expected = np.concatenate([run(x[:100], **params), run(x[200:], first=200, **params)])
    np.testing.assert_array_equal(found, expected)


def test_streams_that_cannot_be() -> None:
    with pytest.raises(SignalError, match="a doppler_hz of at most a 128th of the sample rate 1000 Hz, got 30 Hz"):
        block().work(np.zeros(3, np.complex64), Stream(0, 1e3))
    with pytest.raises(SignalError, match="expected delays of 0 to 4096 samples"):
        block(delay_spread_ns=1e6).work(np.zeros(3, np.complex64), Stream(0, 1e6))
    made = block()
    made.work(np.zeros(3, np.complex64), Stream(0, 1e6))
    with pytest.raises(SignalError, match=r"expected 1e\+06 Hz as before, got 2e\+06 Hz"):
        made.work(np.zeros(3, np.complex64), Stream(3, 2e6))

"""What a receiver tells of a burst, held against what was done to it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.signal import resample_poly
from scipy.stats import chi2
from semcom.errors import SignalError
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.waveform.body import body_symbols
from semcom.sim.waveform.demodulate import Demodulator
from semcom.sim.waveform.frame import frame_symbols
from semcom.sim.waveform.preamble import threshold
from semcom.sim.waveform.receive import Burst, BurstReceiver
from semcom.sim.waveform.reception import Reception, power_spectrum, thinned
from semcom.sim.waveform.single_carrier import SingleCarrier

WAVEFORM = SingleCarrier()
RATE_HZ = 1e7
LATE = 700


def gaussian(size: int, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((size, 2)) @ [1, 1j] / np.sqrt(2)).astype(np.complex64)


def body(size: int) -> np.ndarray:
    data = frame_symbols(3, [("ImageShape", ImageShape(8, 8).pack())], gaussian(size, 0))
    return body_symbols(data, WAVEFORM.pilot_spacing)


def burst(size: int = 3000) -> np.ndarray:
    gap = np.zeros(LATE, np.complex64)
    return np.concatenate([gap, WAVEFORM.modulate(body(size)), gap])


def seen(x: np.ndarray, *, esn0_db: float = 60.0) -> Reception:
    noise = 2 * 10 ** (-esn0_db / 20) * gaussian(x.size, 1)
    receiver = BurstReceiver(Demodulator(WAVEFORM))
    (found,) = receiver.push((x + noise).astype(np.complex64)) + receiver.flush()
    assert isinstance(found, Burst)
    return found.reception.at(RATE_HZ, failures=2, lost=1)


def test_numbers_and_times_are_those_of_the_burst() -> None:
    got = seen(burst(3000))
    symbols = WAVEFORM.head + body(3000).size
    assert (got.seq, got.failures, got.lost, got.sample_rate_hz) == (3, 2, 1, RATE_HZ)
    assert got.start_s == pytest.approx((LATE + WAVEFORM.half_span * 4) / RATE_HZ, abs=1 / RATE_HZ)
    assert got.duration_s == pytest.approx(symbols * 4 / RATE_HZ)
    assert got.band_hz == pytest.approx(2.5e6)


@pytest.mark.parametrize("esn0_db", [5.0, 20.0])
def test_without_multipath_the_error_of_the_pilots_is_the_noise(esn0_db: float) -> None:
    """EVM = 10^(-Es/N0 / 20); some 260 pilots and the preamble tell it: five deviations are 16 %."""
    got = seen(burst(8000), esn0_db=esn0_db)
    assert got.evm == pytest.approx(10 ** (-esn0_db / 20), rel=0.16)
    assert got.esn0_db == pytest.approx(esn0_db, abs=0.8)


def test_the_carrier_offset_is_told_in_hz() -> None:
    x = burst()
    got = seen(x * np.exp(2j * np.pi * 23_456 / RATE_HZ * np.arange(x.size)))
    assert got.cfo_hz == pytest.approx(23_456, abs=5)
    assert np.abs(got.phase).max() < 0.05  # nothing of it is left to the pilots


def test_the_clock_moves_the_delay_along_the_burst() -> None:
    """A sender whose clock is 30 ppm fast is early by 30e-6 of the time that has passed."""
    x = burst(20_000)
    slow = CubicSpline(np.arange(8 * x.size), resample_poly(x, 8, 1))(8 * np.arange(0, x.size - 8, 1 + 30e-6))
    got = seen(slow)
    assert got.clock_ppm == pytest.approx(30, abs=1)
    assert got.delay[-1] - got.delay[0] == pytest.approx(-30e-6 * got.duration_s, rel=0.08)


def test_two_paths_give_their_frequency_response() -> None:
    """A path of gain 0.5j that comes 1.5 symbols late."""
    x = burst()
    x[6:] += 0.5j * x[:-6].copy()
    got = seen(x)
    frequencies = np.linspace(-0.5, 0.5, got.response.size) * got.band_hz
    inside = np.abs(frequencies) < 0.45 * 2.5e6  # beyond it there is hardly a signal that tells
    expected = np.abs(1 + 0.5j * np.exp(-2j * np.pi * frequencies * 6 / RATE_HZ))
    np.testing.assert_allclose(np.abs(got.response)[inside], expected[inside], atol=0.03)


def test_before_the_equaliser_symbols_are_what_was_sent_through_the_channel() -> None:
    got, sent = seen(burst()), body(3000)
    start = sent.size // 2 - got.before.size // 2
    like = np.vdot(sent[start : start + got.before.size], got.before) / np.sqrt(
        np.vdot(sent[start : start + got.before.size], sent[start : start + got.before.size]).real * got.before.size
    )
    assert abs(like) > 0.999
    assert np.mean(np.abs(got.before) ** 2) == pytest.approx(1)
    assert np.isin(np.round(got.after, 1), np.round(gaussian(3000, 0), 1)).all()


def test_the_detector_shows_what_it_decided_by() -> None:
    """The threshold: that of p = sqrt(rate / W) for a sequence of 256, W = 45 places."""
    got = seen(burst(), esn0_db=10)
    assert got.threshold == pytest.approx(threshold(float(np.sqrt(1e-9 / 45)), 256))
    assert got.detection[got.detection.size // 2] == pytest.approx(got.statistic)
    assert np.nanmax(got.detection) == pytest.approx(got.statistic)
    assert got.statistic > got.threshold > np.nanmedian(got.detection)
    assert got.detection_step_s == pytest.approx(2 / RATE_HZ)  # half a symbol


def test_the_spectrum_of_a_burst_fills_its_band() -> None:
    """Unit mean power over the symbol rate: 4 in the flat part, a root-raised cosine squared is 1/2 at its edge."""
    got = seen(burst(8000))
    frequencies = np.arange(-128, 128) / 256 * RATE_HZ
    flat, edge, out = (np.abs(np.abs(frequencies) - middle) < width for middle, width in (
        (0.0, 0.8e6), (1.25e6, 0.06e6), (3e6, 1e6)
    ))  # fmt: skip
    assert got.spectrum[flat].mean() == pytest.approx(4, rel=0.1)
    assert got.spectrum[edge].mean() == pytest.approx(2, rel=0.5)
    assert got.spectrum[out].max() < 0.01


def test_white_noise_has_its_variance_in_every_bin_and_a_tone_one_line() -> None:
    noise = np.sqrt(3) * gaussian(256 * 400, 5)
    low, high = (3 * chi2.ppf(p, 800) / 800 for p in (1e-7, 1 - 1e-7))
    assert ((low < power_spectrum(noise)) & (power_spectrum(noise) < high)).all()
    line = power_spectrum((0.5 * np.exp(2j * np.pi * -40 / 256 * np.arange(1024))).astype(np.complex64))
    assert np.argmax(line) == 128 - 40
    assert line.max() == pytest.approx(0.25 * 256 * 2 / 3)  # of a Hann window (sum w)^2 / sum w^2 = 2 N / 3


@pytest.mark.parametrize("size", [1, 60_000])
def test_a_record_is_bounded_whatever_the_burst(size: int) -> None:
    got = seen(burst(size))
    packed = got.pack()
    assert packed.nbytes == got.nbytes <= 27 * 1024
    again = Reception.unpack(packed)
    for name, value in got._asdict().items():
        np.testing.assert_array_equal(getattr(again, name), value, err_msg=name)
        assert isinstance(getattr(again, name), type(value))


def test_thinned_values_hold_both_ends() -> None:
    assert thinned(np.arange(5), 8).tolist() == [0, 1, 2, 3, 4]
    assert thinned(np.arange(101), 5).tolist() == [0, 25, 50, 75, 100]


def test_what_is_no_record_is_refused() -> None:
    got = seen(burst(1))
    with pytest.raises(SignalError, match=r"reception: before: expected at most 512 values, got 600"):
        got._replace(before=np.zeros(600, np.complex64)).pack()
    packed = got.pack()
    cases = {
        r"reception: expected \d+ values, got \d+": [packed[:-1], packed[:3], np.append(packed, 0.0)],
        r"reception: spectrum: expected 0 to 256 values, got nan": [_with(packed, 14, np.nan)],
        r"reception: seq: expected a count, got -1": [_with(packed, 0, -1)],
    }
    for message, wrong in cases.items():
        for values in wrong:
            with pytest.raises(SignalError, match=message):
                Reception.unpack(values)


def _with(packed: np.ndarray, at: int, value: float) -> np.ndarray:
    changed = packed.copy()
    changed[at] = value
    return changed

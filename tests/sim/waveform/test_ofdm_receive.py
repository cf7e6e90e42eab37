"""Bursts of OFDM symbols on a stream: found, read, counted, whatever is done to the stream."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline
from scipy.signal import resample_poly
from scipy.stats import chi2
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.waveform.frame import frame_symbols
from semcom.sim.waveform.ofdm import Ofdm
from semcom.sim.waveform.ofdm_demodulate import OfdmDemodulator
from semcom.sim.waveform.peaks import Peaks
from semcom.sim.waveform.receive import Burst, BurstReceiver, Failure

WAVEFORM = Ofdm()
WAVEFORMS = [WAVEFORM, Ofdm(256, 32, 200, 6, 6), Ofdm(1024, 72, 600, 10, 16)]
SHAPE = ImageShape(128, 192)


def gaussian(size: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((size, 2)) @ [1, 1j] / np.sqrt(2)).astype(np.complex64)


def burst(seq: int, size: int, w: Ofdm = WAVEFORM, peaks: Peaks | None = None) -> np.ndarray:
    data = frame_symbols(seq, [("ImageShape", SHAPE.pack())], gaussian(size, seq))
    return w.modulate(w.body_symbols(data), peaks or Peaks())


def stream(sizes: Sequence[int], w: Ofdm = WAVEFORM, peaks: Peaks | None = None, silence: int = 700) -> np.ndarray:
    gap = np.zeros(silence, np.complex64)
    return np.concatenate(
        [gap, *[part for seq, size in enumerate(sizes) for part in (burst(seq, size, w, peaks), gap)]]
    )


def impaired(x: np.ndarray, *, esn0_db: float, cfo: float = 0.0, w: Ofdm = WAVEFORM, seed: int = 9) -> np.ndarray:
    """Turn a carrier by ``cfo`` cycles a sample; noise of N0 a carrier is N0 N / K a sample."""
    turned = x * np.exp(2j * np.pi * (cfo * np.arange(x.size) + 0.3))
    n0 = 10 ** (-esn0_db / 10) * w.n_fft / w.used_carriers
    return (turned + np.sqrt(n0) * gaussian(x.size, seed)).astype(np.complex64)


def slowed(x: np.ndarray, ppm: float) -> np.ndarray:
    dense = resample_poly(x, 8, 1)
    return CubicSpline(np.arange(dense.size), dense)(8 * np.arange(0, x.size - 8, 1 + ppm * 1e-6))


def received(x: np.ndarray, cuts: Sequence[int] = (), w: Ofdm = WAVEFORM, **options: float) -> list[Burst | Failure]:
    receiver = BurstReceiver(OfdmDemodulator(w), **options)
    found = [one for part in np.split(x, cuts) for one in receiver.push(part)]
    return found + receiver.flush()


def bursts(found: list[Burst | Failure]) -> list[Burst]:
    assert all(isinstance(one, Burst) for one in found), found
    return [one for one in found if isinstance(one, Burst)]


@pytest.mark.parametrize("w", WAVEFORMS, ids=lambda w: str(w.n_fft))
@pytest.mark.parametrize("esn0_db", [5.0, 20.0])
def test_the_noise_behind_the_receiver_is_that_of_the_channel(esn0_db: float, w: Ofdm) -> None:
    """The error of n symbols over N0 is chi-squared with 2 n degrees of freedom, times what estimates cost: 0.4 dB."""
    x = impaired(stream([9000], w), esn0_db=esn0_db, cfo=-0.017, w=w)
    (one,) = bursts(received(x, w=w))
    n0 = 10 ** (-esn0_db / 10)
    error = float(np.mean(np.abs(one.symbols - gaussian(9000, 0)) ** 2))
    low, high = (chi2.ppf(p, 18_000) / 18_000 * n0 for p in (1e-6, 1 - 1e-6))
    assert low < error < 10**0.04 * high
    assert float(one.n0.mean()) == pytest.approx(error, rel=0.25)  # of some 500 pilots: five times 5 %
    assert one.known.esn0_db == pytest.approx(esn0_db, abs=0.8)
    assert one.known.cfo / w.preamble.samples_per_symbol == pytest.approx(-0.017, abs=1e-4)
    assert (one.start.seq, one.fields) == (0, (SHAPE,))


def test_without_noise_next_to_nothing_is_left() -> None:
    """What the receiver itself adds, through three paths that a prefix holds: 45 dB below the symbols."""
    x = np.convolve(stream([3000]), [1, 0, 0.3j, 0, 0, 0, 0, -0.1])
    turned = x * np.exp(2j * np.pi * 0.011 * np.arange(x.size))
    (one,) = bursts(received(turned.astype(np.complex64)))
    assert float(np.mean(np.abs(one.symbols - gaussian(3000, 0)) ** 2)) < 3e-5


@pytest.mark.parametrize("ppm", [-40.0, 20.0])
def test_a_clock_offset_is_followed_to_the_end(ppm: float) -> None:
    """At 40 ppm the last of 420 OFDM symbols is 1.3 samples away; its error is that of the first ones."""
    (one,) = bursts(received(impaired(slowed(stream([20_000]), ppm), esn0_db=20, cfo=0.01)))
    wrong = np.abs(one.symbols - gaussian(20_000, 0)) ** 2
    assert one.known.clock_ppm == pytest.approx(ppm, abs=2)
    assert float(wrong.mean()) < 10**0.05 * 0.01
    order = np.argsort(np.random.Philox(key=0x53454D).random_raw(20_000), kind="stable")
    assert float(wrong[order[-2000:]].mean()) == pytest.approx(float(wrong[order[:2000]].mean()), rel=0.2)


@pytest.mark.parametrize("w", WAVEFORMS, ids=lambda w: str(w.n_fft))
def test_the_noise_of_each_symbol_is_that_of_its_carrier(w: Ofdm) -> None:
    """Two paths of nearly the same energy: a carrier with gain H has noise N0 / |H|^2, and is not biased."""
    x = np.convolve(stream([24_000], w), np.array([1, 0, 0, 0.7j]) / np.sqrt(1.49))
    (one,) = bursts(received(impaired(x, esn0_db=15, cfo=0.004, w=w), w=w))
    sent = gaussian(24_000, 0)
    wrong = np.abs(one.symbols - sent) ** 2
    assert float(np.quantile(one.n0, 0.95) / np.quantile(one.n0, 0.05)) > 8  # |H|^2 from 0.06 to 1.94
    for part in np.array_split(np.argsort(one.n0), 4):
        assert float(wrong[part].mean()) == pytest.approx(float(one.n0[part].mean()), rel=0.15)
        bias = np.vdot(sent[part], one.symbols[part]).real / np.vdot(sent[part], sent[part]).real
        assert bias == pytest.approx(1, abs=0.02 + 5 * float(np.sqrt(wrong[part].mean() / part.size)))
    np.testing.assert_allclose(one.n0 * np.abs(one.gains) ** 2, 10**-1.5, rtol=0.3)


def test_a_channel_that_changes_along_the_burst_is_followed() -> None:
    """The second path turns once: an estimate from the start alone would be wrong by its energy."""
    x = stream([24_000])
    turn = 0.5 * np.exp(2j * np.pi * np.arange(x.size) / x.size)
    moving = x + np.concatenate([np.zeros(3), (turn * x)[:-3]])
    (one,) = bursts(received(impaired(moving, esn0_db=25)))
    wrong = np.abs(one.symbols - gaussian(24_000, 0)) ** 2
    assert float(wrong.mean()) < 0.02
    assert float(one.n0.mean()) == pytest.approx(float(wrong.mean()), rel=0.5)


def test_start_word_and_header_arrive_although_a_quarter_of_the_band_is_faded() -> None:
    taps = np.array([1, 0.9, 0.5]) / np.sqrt(2.06)
    gains = np.abs(np.fft.fft(taps, 64)[WAVEFORM.carriers]) ** 2
    assert np.count_nonzero(gains < 0.2) == 14
    x = impaired(np.convolve(stream([60, 60, 60, 60]), taps), esn0_db=5, cfo=0.01)
    assert [one.start.seq for one in bursts(received(x))] == [0, 1, 2, 3]


@pytest.mark.parametrize(("kind", "gained_db"), [("clip", 3), ("clip_and_filter", 1), ("compress", 6)])
def test_a_receiver_that_knows_reckons_the_distortion_back(kind: str, gained_db: float) -> None:
    """At 30 dB, and 4 dB of headroom: of a tanh the noise is left, in place of -19 dB; what was clipped is gone."""
    peaks = Peaks(kind, 4.0)
    x = impaired(np.convolve(stream([9000], peaks=peaks), [1, 0, 0.2j]), esn0_db=30)
    (plain,) = bursts(received(x))
    receiver = BurstReceiver(OfdmDemodulator(WAVEFORM, peaks))
    (one,) = bursts([*receiver.push(x), *receiver.flush()])
    before, behind = (float(np.mean(np.abs(each.symbols - gaussian(9000, 0)) ** 2)) for each in (plain, one))
    assert behind < before * 10 ** (-gained_db / 10)
    assert float(one.n0.mean()) == pytest.approx(behind, rel=0.25)
    bias = np.vdot(gaussian(9000, 0), one.symbols).real / 9000
    assert bias == pytest.approx(1, abs=0.03)
    assert kind != "compress" or behind < 10**-2.7


@pytest.mark.parametrize("kind", ["clip", "clip_and_filter", "compress"])
def test_a_receiver_need_not_know_what_was_done_about_peaks(kind: str) -> None:
    """At 25 dB and 6 dB of headroom the distortion is below the noise, or of its size, and is told as noise."""
    x = impaired(stream([9000], peaks=Peaks(kind, 6.0)), esn0_db=25)
    (one,) = bursts(received(x))
    error = float(np.mean(np.abs(one.symbols - gaussian(9000, 0)) ** 2))
    assert 10**-2.5 < error < 10**-1.5
    assert float(one.n0.mean()) == pytest.approx(error, rel=0.25)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, 9_000), max_size=40))
def test_cuts_anywhere_change_nothing(cuts: list[int]) -> None:
    x = impaired(stream([900, 0, 300]), esn0_db=8, cfo=0.013)
    whole, other = bursts(received(x)), bursts(received(x, sorted(cuts)))
    assert [one.start.seq for one in whole] == [one.start.seq for one in other] == [0, 1, 2]
    for one, two in zip(whole, other, strict=True):
        assert one.offset == two.offset
        for name in ("symbols", "n0", "gains"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_one_sample_at_a_time() -> None:
    x = impaired(stream([50]), esn0_db=12)
    (whole,), (other,) = bursts(received(x)), bursts(received(x, range(1, x.size)))
    np.testing.assert_array_equal(whole.symbols, other.symbols)


def failed(x: np.ndarray, kind: str, seq: int | None, **options: float) -> list[Burst | Failure]:
    """Check the first failure; return what was found beside failures."""
    found = received(x, **options)
    first = next(one for one in found if isinstance(one, Failure))
    assert (first.kind, first.seq) == (kind, seq)
    return [one for one in found if isinstance(one, Burst)]


def test_a_truncated_burst_is_told_and_the_next_one_read() -> None:
    first, second = burst(0, 3000), burst(1, 500)
    x = np.concatenate([np.zeros(500), first[: first.size // 2], np.zeros(300), second, np.zeros(4000)])
    (one,) = failed(impaired(x, esn0_db=15), "truncated", 0)
    assert one.start.seq == 1


@pytest.mark.parametrize("size", [1000, 3000, 8000])
def test_noise_in_place_of_the_last_quarter_is_no_end_of_a_burst(size: int) -> None:
    """Nor where the channel is fitted to that noise."""
    x = burst(0, size)
    x[int(0.75 * x.size) :] = 0
    assert failed(impaired(np.pad(x, (700, 4000)), esn0_db=15), "truncated", 0) == []


def test_a_stream_that_ends_inside_a_burst() -> None:
    x = stream([3000])
    assert failed(impaired(x[: x.size // 2], esn0_db=15), "truncated", 0) == []


def test_a_burst_of_the_other_waveform_is_no_burst() -> None:
    """It has a preamble, and behind it there is no start word of ours."""
    other = Ofdm(64, 12, 52)
    assert failed(impaired(stream([900], other), esn0_db=15, w=other), "header", None) == []


def test_a_payload_beyond_belief_is_refused() -> None:
    assert failed(impaired(stream([3000]), esn0_db=15), "header", 0, longest=2999) == []


@pytest.mark.parametrize("step_db", [6.0, -6.0])
def test_a_gain_that_jumps_inside_a_burst_is_noticed_and_followed(step_db: float) -> None:
    x = impaired(stream([8000]), esn0_db=20)
    x[x.size // 2 :] *= 10 ** (step_db / 20)
    (one,) = bursts(received(x.astype(np.complex64)))
    assert one.known.gain_step_db == pytest.approx(step_db, abs=0.3)
    assert float(np.median(np.abs(one.symbols - gaussian(8000, 0)) ** 2)) < 0.015


def test_a_steady_gain_has_no_step() -> None:
    (one,) = bursts(received(impaired(stream([8000]), esn0_db=5)))
    assert one.known.gain_step_db == 0


def test_a_fade_that_goes_by_is_no_step() -> None:
    """From full amplitude to a tenth and back, four times along the burst: the channel is followed through."""
    x = stream([20_000])
    fading = 0.55 + 0.45 * np.cos(2 * np.pi * 4 * np.arange(x.size) / x.size)
    (one,) = bursts(received(impaired((x * fading).astype(np.complex64), esn0_db=25)))
    assert one.known.gain_step_db == 0
    wrong = np.abs(one.symbols - gaussian(20_000, 0)) ** 2
    assert float(np.mean(wrong * np.abs(one.gains) ** 2)) < 3 * 10**-2.5


def test_what_the_receiver_saw_is_told() -> None:
    """Response of two paths, band of 52 of 64 carriers, phase and delay along the body, carriers as they came."""
    taps = np.array([1, 0, 0.5])
    (one,) = bursts(received(impaired(np.convolve(stream([9000]), taps), esn0_db=30, cfo=0.003)))
    seen = one.reception
    assert seen.band_hz == pytest.approx(52 / 64)
    assert seen.cfo_hz == pytest.approx(0.003, abs=1e-6)
    expected = np.abs(np.fft.fft(taps, 64)[WAVEFORM.carriers])
    np.testing.assert_allclose(np.abs(seen.response), expected, atol=0.1)
    assert float(np.mean(np.abs(seen.before) ** 2)) == pytest.approx(1, rel=1e-3)
    assert seen.before.size == seen.after.size == 384
    assert np.abs(seen.delay).max() < 0.05
    assert seen.phase.size == 128
    assert seen.evm == pytest.approx(np.sqrt(1e-3 * np.mean(1 / expected**2)), rel=0.1)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_whatever_becomes_of_a_stream_something_finite_comes_out_or_nothing(seed: int) -> None:
    """Pieces that are zero, scaled by up to 1e14, no numbers, backwards, conjugated, cut out or repeated."""
    rng = np.random.default_rng(seed)
    x = impaired(stream([300, 400]), esn0_db=15, cfo=0.01)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(0, max(x.size - 3000, 1)))
        part = slice(at, at + int(rng.integers(1, 3000)))
        damages = [
            np.zeros_like(x[part]),
            np.where(np.isfinite(x[part]), x[part], 0) * np.float32(10.0 ** rng.integers(-30, 14)),
            np.full_like(x[part], rng.choice([np.nan, np.inf, 1e11])),
            x[part][::-1],
            x[part].conj(),
            x[:0],
            np.tile(x[part], 2),
        ]
        x = np.concatenate([x[:at], damages[rng.integers(len(damages))], x[part.stop :]])
    for one in received(x):
        if isinstance(one, Burst):
            for values in (one.symbols, one.n0, one.gains, np.hstack(one.known[3:])):
                assert np.isfinite(values).all()


@pytest.mark.parametrize("level", [1e-6, 1e6])
def test_the_level_of_a_radio_does_not_matter(level: float) -> None:
    x = impaired(stream([800]), esn0_db=15, cfo=0.01)
    (one,), (other,) = bursts(received(x)), bursts(received((level * x).astype(np.complex64)))
    np.testing.assert_allclose(other.symbols, one.symbols, atol=1e-3)
    np.testing.assert_allclose(other.n0, one.n0, rtol=1e-3)

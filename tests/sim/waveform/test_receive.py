"""Bursts on a stream: found, read, counted, whatever is done to the stream."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import CubicSpline
from scipy.signal import resample_poly
from scipy.stats import chi2
from semcom.errors import SignalError
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.waveform.body import body_symbols
from semcom.sim.waveform.demodulate import Demodulator
from semcom.sim.waveform.frame import frame_symbols
from semcom.sim.waveform.receive import Burst, BurstReceiver, Failure
from semcom.sim.waveform.single_carrier import SingleCarrier

WAVEFORM = SingleCarrier()
SHAPE = ImageShape(128, 192)


def gaussian(size: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((size, 2)) @ [1, 1j] / np.sqrt(2)).astype(np.complex64)


def burst(seq: int, size: int, waveform: SingleCarrier = WAVEFORM) -> np.ndarray:
    data = frame_symbols(seq, [("ImageShape", SHAPE.pack())], gaussian(size, seq))
    return waveform.modulate(body_symbols(data, waveform.pilot_spacing))


def stream(sizes: Sequence[int], waveform: SingleCarrier = WAVEFORM, silence: int = 700) -> np.ndarray:
    gap = np.zeros(silence, np.complex64)
    return np.concatenate(
        [gap, *[part for seq, size in enumerate(sizes) for part in (burst(seq, size, waveform), gap)]]
    )


def impaired(x: np.ndarray, *, esn0_db: float, cfo: float = 0.0, rate: int = 4, seed: int = 9) -> np.ndarray:
    turned = x * np.exp(2j * np.pi * (cfo / rate * np.arange(x.size) + 0.3))
    return (turned + np.sqrt(rate) * 10 ** (-esn0_db / 20) * gaussian(x.size, seed)).astype(np.complex64)


def received(x: np.ndarray, cuts: Sequence[int] = (), **options: object) -> list[Burst | Failure]:
    demodulator = Demodulator(options.pop("waveform", WAVEFORM), options.pop("equalizer", "mmse"))
    receiver = BurstReceiver(demodulator, **options)
    found = [one for part in np.split(x, cuts) for one in receiver.push(part)]
    return found + receiver.flush()


def bursts(found: list[Burst | Failure]) -> list[Burst]:
    assert all(isinstance(one, Burst) for one in found), found
    return [one for one in found if isinstance(one, Burst)]


@pytest.mark.parametrize("esn0_db", [5.0, 20.0])
@pytest.mark.parametrize("rate", [2, 4])
def test_the_noise_behind_the_receiver_is_that_of_the_channel(esn0_db: float, rate: int) -> None:
    """The error of n symbols over N0 is chi-squared with 2 n degrees of freedom, times what estimates cost: 0.4 dB."""
    waveform = SingleCarrier(samples_per_symbol=rate)
    x = impaired(stream([6000], waveform), esn0_db=esn0_db, cfo=-0.017, rate=rate)
    (one,) = bursts(received(x, waveform=waveform))
    n0 = 10 ** (-esn0_db / 10)
    error = float(np.mean(np.abs(one.symbols - gaussian(6000, 0)) ** 2))
    low, high = (chi2.ppf(p, 12_000) / 12_000 * n0 for p in (1e-6, 1 - 1e-6))
    assert low < error < 10**0.04 * high
    assert float(one.n0.mean()) == pytest.approx(error, rel=0.25)  # of some 260 pilots and 64: five times 5 %
    assert one.known.esn0_db == pytest.approx(esn0_db, abs=0.8)  # 512 symbols: five deviations of 4.34 / sqrt(512)
    assert one.known.cfo == pytest.approx(-0.017, abs=5 * np.sqrt(6 * n0 / 512**3) / (2 * np.pi))  # Cramer and Rao
    assert (one.start.seq, one.fields) == (0, (SHAPE,))


def test_without_noise_next_to_nothing_is_left() -> None:
    """What the receiver itself adds: 60 dB below the symbols, multipath included."""
    x = stream([3000])
    through = x.copy()
    through[5:] += 0.3j * x[:-5]
    turned = through * np.exp(2j * np.pi * 0.011 / 4 * np.arange(x.size))
    (one,) = bursts(received(turned.astype(np.complex64)))
    assert float(np.mean(np.abs(one.symbols - gaussian(3000, 0)) ** 2)) < 1e-6


@pytest.mark.parametrize("rolloff", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("rate", [2, 4])
def test_every_roll_off_is_received(rate: int, rolloff: float) -> None:
    waveform = SingleCarrier(samples_per_symbol=rate, rolloff=rolloff)
    (one,) = bursts(received(impaired(stream([1000], waveform), esn0_db=20, rate=rate), waveform=waveform))
    assert float(np.mean(np.abs(one.symbols - gaussian(1000, 0)) ** 2)) < 10**-1.8


@pytest.mark.parametrize("ppm", [-40.0, 20.0])
def test_a_clock_offset_is_followed_to_the_end(ppm: float) -> None:
    """At 40 ppm the last of 20,000 symbols is 0.8 of a symbol away; its error is that of the first ones."""
    x = stream([20_000])
    dense = resample_poly(x, 8, 1)
    at = np.arange(0, x.size - 8, 1 + ppm * 1e-6)
    slow = CubicSpline(np.arange(dense.size), dense)(8 * at)
    (one,) = bursts(received(impaired(slow, esn0_db=20, cfo=0.01)))
    wrong = np.abs(one.symbols - gaussian(20_000, 0)) ** 2
    assert one.known.clock_ppm == pytest.approx(ppm, abs=1)
    assert float(wrong.mean()) < 10**0.05 * 0.01
    order = np.argsort(np.random.Philox(key=0x53454D).random_raw(20_000), kind="stable")
    assert float(wrong[order[-2000:]].mean()) == pytest.approx(float(wrong[order[:2000]].mean()), rel=0.2)


def test_multipath_is_equalised() -> None:
    """Two paths, one symbol and a half apart, 6 dB down: without an equaliser the error would be 0.25."""
    x = stream([4000])
    through = x.copy()
    through[6:] += 0.5j * x[:-6]
    (one,) = bursts(received(impaired(through, esn0_db=25)))
    error = float(np.mean(np.abs(one.symbols - gaussian(4000, 0)) ** 2))
    assert error < 0.02
    assert float(one.n0.mean()) == pytest.approx(error, rel=0.2)
    (plain,) = bursts(received(impaired(through, esn0_db=25), equalizer="one_tap"))
    assert float(np.mean(np.abs(plain.symbols - gaussian(4000, 0)) ** 2)) > 0.1


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, 22_000), max_size=40))
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


def test_a_burst_is_given_out_before_the_stream_ends() -> None:
    receiver = BurstReceiver(Demodulator(WAVEFORM))
    assert receiver.push(impaired(stream([500], silence=20_000), esn0_db=15))


def test_noise_holds_no_burst() -> None:
    assert received(gaussian(300_000, 4)) == []


def test_weak_bursts_of_chance_are_called_false() -> None:
    found = received(gaussian(400_000, 4), false_alarm_rate=1e-3)
    assert {one.kind for one in found if isinstance(one, Failure)} == {"false"}
    assert all(one.seq is None for one in found if isinstance(one, Failure))


def failed(x: np.ndarray, kind: str, seq: int | None, **options: object) -> list[Burst | Failure]:
    """Check the first failure; return what was found beside failures."""
    found = received(x, **options)
    first = next(one for one in found if isinstance(one, Failure))
    assert (first.kind, first.seq) == (kind, seq)
    return [one for one in found if isinstance(one, Burst)]


def test_a_truncated_burst_is_told_and_the_next_one_read() -> None:
    first, second = burst(0, 3000), burst(1, 500)
    x = np.concatenate([np.zeros(500, np.complex64), first[: first.size // 2], np.zeros(300, np.complex64), second])
    (one,) = failed(impaired(np.append(x, np.zeros(4000, np.complex64)), esn0_db=15), "truncated", 0)
    assert one.start.seq == 1


def test_a_stream_that_ends_inside_a_burst() -> None:
    x = stream([3000])
    assert failed(impaired(x[: x.size // 2], esn0_db=15), "truncated", 0) == []


def test_a_gap_cuts_a_burst() -> None:
    x = impaired(stream([3000, 200]), esn0_db=15)
    receiver = BurstReceiver(Demodulator(WAVEFORM))
    found = [*receiver.push(x[:9000]), *receiver.push(x[12_000:], gap=3000), *receiver.flush()]
    assert isinstance(found[0], Failure)
    assert (found[0].kind, found[0].seq) == ("truncated", 0)
    assert isinstance(found[1], Burst)
    (expected,) = [one for one in received(x) if isinstance(one, Burst) and one.start.seq == 1]
    assert (found[1].start.seq, found[1].offset) == (1, expected.offset)


def test_a_header_of_chance_is_refused() -> None:
    waveform = SingleCarrier(pilot_spacing=16)
    assert failed(impaired(stream([300], waveform), esn0_db=15), "header", None) == []


def test_a_payload_beyond_belief_is_refused() -> None:
    assert failed(impaired(stream([3000]), esn0_db=15), "header", 0, longest=2999) == []


def test_a_header_that_no_transmitter_writes() -> None:
    data = frame_symbols(5, [("JsccMode", np.ones(7, np.uint8))], gaussian(100, 0))  # Es/N0 of 31 dB
    x = np.concatenate([np.zeros(900), WAVEFORM.modulate(body_symbols(data, 32)), np.zeros(900)])
    assert failed(impaired(x, esn0_db=15), "header", 5) == []


def test_samples_that_are_none_cost_what_they_are() -> None:
    x = impaired(stream([2000, 300]), esn0_db=20)
    x[9000] = np.nan
    x[9100] = np.inf
    receiver = BurstReceiver(Demodulator(WAVEFORM))
    found = [*receiver.push(x), *receiver.flush()]
    assert [one.start.seq for one in bursts(found)] == [0, 1]
    assert receiver.bad_samples == 2


@pytest.mark.parametrize("step_db", [6.0, -6.0])
def test_a_gain_that_jumps_inside_a_burst_is_noticed(step_db: float) -> None:
    x = impaired(stream([8000]), esn0_db=20)
    x[x.size // 2 :] *= 10 ** (step_db / 20)
    (one,) = bursts(received(x.astype(np.complex64)))
    assert one.known.gain_step_db == pytest.approx(step_db, abs=0.3)
    assert float(np.median(np.abs(one.symbols - gaussian(8000, 0)) ** 2)) < 0.015


def test_a_steady_gain_has_no_step() -> None:
    (one,) = bursts(received(impaired(stream([8000]), esn0_db=5)))
    assert one.known.gain_step_db == 0


@pytest.mark.parametrize("wrong", [{"samples_per_symbol": 3}, {"rolloff": 0.05}, {"pilot_spacing": 1}])
def test_what_is_no_waveform(wrong: dict[str, int]) -> None:
    with pytest.raises(SignalError, match=r"single carrier: expected (an even number|a roll-off of 0\.1 to 1)"):
        SingleCarrier(**wrong)


def test_a_burst_has_unit_mean_power() -> None:
    x = burst(0, 20_000)
    assert float(np.mean(np.abs(x) ** 2)) == pytest.approx(1, abs=0.03)
    data = frame_symbols(0, [("ImageShape", SHAPE.pack())], gaussian(20_000, 0))
    assert x.size == WAVEFORM.samples_of(body_symbols(data, 32).size)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_whatever_becomes_of_a_stream_something_finite_comes_out_or_nothing(seed: int) -> None:
    """Pieces that are zero, scaled by up to 1e14, no numbers, backwards, conjugated, cut out or repeated."""
    rng = np.random.default_rng(seed)
    x = impaired(stream([60, 90]), esn0_db=15, cfo=0.01)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(0, max(x.size - 6000, 1)))
        part = slice(at, at + int(rng.integers(1, 6000)))
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
            for values in (one.symbols, one.n0, one.gains, np.array(one.known[3:8])):
                assert np.isfinite(values).all()


@pytest.mark.parametrize("level", [1e-6, 1e6])
def test_the_level_of_a_radio_does_not_matter(level: float) -> None:
    x = impaired(stream([800]), esn0_db=15, cfo=0.01)
    (one,), (other,) = bursts(received(x)), bursts(received((level * x).astype(np.complex64)))
    np.testing.assert_allclose(other.symbols, one.symbols, atol=1e-3)
    np.testing.assert_allclose(other.n0, one.n0, rtol=1e-3)

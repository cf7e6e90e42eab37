"""What a burst of OFDM symbols is made of, by the definition of the discrete Fourier transform."""

from __future__ import annotations

import numpy as np
import pytest
from semcom.errors import SignalError
from semcom.sim.waveform.body import pilot_symbols
from semcom.sim.waveform.ofdm import TRAINING, Ofdm

WAVEFORMS = [Ofdm(), Ofdm(256, 20, 200, 6, 8), Ofdm(100, 12, 62, 4, 2)]


def gaussian(size: int) -> np.ndarray:
    return (np.random.default_rng(size).standard_normal((size, 2)) @ [1, 1j] / np.sqrt(2)).astype(np.complex64)


@pytest.mark.parametrize("w", WAVEFORMS, ids=lambda w: str(w.n_fft))
def test_each_carrier_holds_its_symbol(w: Ofdm) -> None:
    data = gaussian(20 * w.data_carriers - 3)
    body = w.body_symbols(data)
    rows = w.modulate(body)[-body.shape[0] * w.row :].reshape(-1, w.row)
    np.testing.assert_array_equal(rows[:, : w.prefix], rows[:, -w.prefix :])
    times = np.arange(w.n_fft)
    kernel = np.exp(-2j * np.pi * np.outer(times, np.arange(w.n_fft)) / w.n_fft) * np.sqrt(w.used_carriers) / w.n_fft
    found = rows[:, w.prefix :] @ kernel
    np.testing.assert_allclose(found[:, w.carriers], body, atol=1e-5)
    silent = np.setdiff1d(times, w.carriers % w.n_fft)
    assert 0 in silent
    assert silent.size == w.n_fft - w.used_carriers
    assert np.abs(found[:, silent]).max() < 1e-5


@pytest.mark.parametrize("w", WAVEFORMS, ids=lambda w: str(w.n_fft))
def test_pilots_are_half_the_band_apart_and_have_soon_been_everywhere(w: Ofdm) -> None:
    grid = w.grid(w.used_carriers * w.data_carriers)
    half = w.used_carriers // 2
    np.testing.assert_array_equal(
        grid.pilots[:, grid.pilots.shape[1] // 2 :], grid.pilots[:, : grid.pilots.shape[1] // 2] + half
    )
    assert grid.pilots.shape[1] == w.continual_pilots + w.scattered_pilots
    always = [k for k in range(w.used_carriers) if (grid.pilots == k).any(axis=1).all()]
    assert len(always) == w.continual_pilots
    assert np.unique(grid.pilots).size == w.used_carriers
    for pilots, data in zip(grid.pilots, grid.data, strict=True):
        assert sorted([*pilots, *data]) == list(range(w.used_carriers))
    first = np.unique(grid.pilots[: w.used_carriers // w.scattered_pilots // 2])
    assert (
        np.diff(first).max() <= w.n_fft / w.prefix
    )  # half of that time: as dense as an impulse response of a prefix needs


def test_neighbours_lie_far_apart() -> None:
    """A fade of a quarter of the band takes five at the most of the fourteen symbols that the code's memory spans."""
    w = Ofdm()
    order = w.grid(500).data[3]
    assert np.abs(np.diff(order)).min() >= 3
    for start in range(order.size - 14):
        assert np.count_nonzero(order[start : start + 14] < 13) <= 5


def test_data_pilots_and_what_fills_the_last_symbol() -> None:
    w = Ofdm()
    data = gaussian(100)
    body, grid = w.body_symbols(data), w.grid(100)
    assert body.shape == (3, 52)
    np.testing.assert_array_equal(np.take_along_axis(body, grid.data, axis=1).reshape(-1)[:100], data)
    pilots = np.take_along_axis(body, grid.pilots, axis=1).reshape(-1)
    np.testing.assert_array_equal(pilots, pilot_symbols(12))
    filling = np.take_along_axis(body, grid.data, axis=1).reshape(-1)[100:]
    np.testing.assert_allclose(np.abs(filling), 1, rtol=1e-6)
    assert filling.size == 44


@pytest.mark.parametrize("w", WAVEFORMS, ids=lambda w: str(w.n_fft))
def test_a_burst_has_unit_mean_power_and_its_preamble_the_band_of_its_carriers(w: Ofdm) -> None:
    body = w.body_symbols(gaussian(400 * w.data_carriers))
    burst = w.modulate(body)
    head = burst.size - (body.shape[0] + TRAINING) * w.row
    assert float(np.mean(np.abs(burst[head:]) ** 2)) == pytest.approx(1, abs=0.02)
    preamble = w.preamble
    sent = burst[: head - 16 * preamble.samples_per_symbol]
    assert float(np.mean(np.abs(sent) ** 2)) == pytest.approx(1, abs=0.05)
    density = np.abs(np.fft.fft(burst[:head], 8192)) ** 2
    outside = np.abs(np.fft.fftfreq(8192)) > (w.used_carriers / 2 + 1) / w.n_fft
    assert density[outside].mean() < 1e-4 * density.mean()
    assert preamble.greatest_offset == pytest.approx(0.02 * preamble.samples_per_symbol)


@pytest.mark.parametrize("wrong", [{"used_carriers": 51}, {"used_carriers": 64}, {"prefix": 40}, {"prefix": 2}])
def test_carriers_that_do_not_fit(wrong: dict[str, int]) -> None:
    with pytest.raises(SignalError, match="ofdm: expected a prefix of at least 4 samples and an even number"):
        Ofdm(**wrong)


@pytest.mark.parametrize("wrong", [{"continual_pilots": 3}, {"scattered_pilots": 0}, {"scattered_pilots": 26}])
def test_pilots_that_do_not_fit(wrong: dict[str, int]) -> None:
    with pytest.raises(SignalError, match="ofdm: expected even numbers of continual and scattered pilots"):
        Ofdm(**wrong)


@pytest.mark.parametrize(("used", "prefix"), [(326, 4), (4096, 1026)])
def test_no_waveform_that_its_receiver_cannot_find_or_follow_in_time(used: int, prefix: int) -> None:
    Ofdm(8192, min(prefix, 1024), max(used, 328))
    with pytest.raises(
        SignalError, match=f"one used carrier in 25, .* at most 1024 samples, got {used} of 8192 and {prefix}"
    ):
        Ofdm(8192, prefix, used)


def test_the_preamble_of_the_fewest_used_carriers_is_one_that_there_is() -> None:
    assert Ofdm(8192, 4, 328).preamble.samples_per_symbol == 32  # 1.25 * 8192 / 328 = 31.2, rounded up to even

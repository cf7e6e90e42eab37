"""`framing/ofdm`."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import welch
from semcom.blocks.envelope import Header, Identity, Out
from semcom.blocks.framing.ofdm import Ofdm
from semcom.errors import SignalError
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.power_scale import PowerScale

HEADER = Header().with_fields(ImageShape(64, 96), PowerScale(1.5, padded=False))
WORDS = 2 * 88 + 12 + 2 * 104 + 12  # start word of 88 bits and a tail, header of 40 + 12 + 48 bits in 13 bytes


def symbols(size: int) -> np.ndarray:
    return (np.random.default_rng(size).standard_normal((size, 2)) @ [1, 1j] / np.sqrt(2)).astype(np.complex64)


def sent(x: np.ndarray, seq: int = 0, **params: float | str) -> Out[np.ndarray]:
    return Ofdm(Ofdm.Params(**params)).work(x, HEADER, Identity(seq))


def test_what_a_burst_costs() -> None:
    """Of 4,000 symbols and 408 of words, on 48 carriers: 92 OFDM symbols, 4 pilots each, and 8 that fill the last."""
    out = sent(symbols(4000), silence=100)
    rows = -(-(4000 + WORDS) // 48)
    uses = 52 * rows
    assert out.trace["channel_uses"] == 4000
    assert out.trace["header_uses"] == WORDS
    assert out.trace["pilot_uses"] == uses - 4000 - WORDS == 4 * rows + 8
    size = 24 + 2 * 528 + (2 + rows) * 80 + 100  # half a pulse, preamble, training, body, silence
    assert out.value.size == size
    assert out.trace["waveform_efficiency"] == pytest.approx(uses / size)
    (note,) = out.annotations
    assert (note.offset, note.key, note.value) == (0, "burst_start", 0)


@pytest.mark.parametrize(("n_fft", "used"), [(64, 52), (256, 180)])
def test_the_band_is_that_of_the_used_carriers(n_fft: int, used: int) -> None:
    out = sent(symbols(40_000), n_fft=n_fft, used_carriers=used, silence=0)
    assert float(np.mean(np.abs(out.value) ** 2)) == pytest.approx(1, abs=0.03)
    frequency, density = welch(out.value, return_onesided=False, nperseg=1024)
    inside = (np.abs(frequency) < 0.45 * used / n_fft) & (np.abs(frequency) > 3 / n_fft)
    assert density[inside].mean() == pytest.approx(n_fft / used, rel=0.05)  # power 1 in that share of the sample rate
    outside = np.abs(frequency) > 0.5 * used / n_fft + 3 / n_fft
    assert density[outside].max() < 0.05 * density[inside].mean()


@pytest.mark.parametrize(("peaks", "at_most_db"), [("clip", 6.3), ("clip_and_filter", 8.5), ("compress", 7.5)])
def test_peaks_are_lower_where_that_is_asked_for(peaks: str, at_most_db: float) -> None:
    """Clipping at 6 dB over a mean power that it lowers by 0.08 dB; with a filter they grow again."""
    kept, lower = sent(symbols(30_000)), sent(symbols(30_000), peaks=peaks, headroom_db=6)
    assert kept.trace["papr_db"] > 9.5
    assert lower.trace["papr_db"] < at_most_db
    assert float(np.mean(np.abs(lower.value) ** 2)) == pytest.approx(float(np.mean(np.abs(kept.value) ** 2)), rel=0.02)


def test_a_part_of_a_frame_is_refused() -> None:
    with pytest.raises(SignalError, match="framing/ofdm: expected whole items, got part 1 of item 3"):
        Ofdm().work(symbols(10), HEADER, Identity(3, 1, last=True))


def test_symbols_that_are_not_finite_are_refused() -> None:
    with pytest.raises(SignalError, match="framing/ofdm: expected finite symbols, got NaN or infinity"):
        sent(np.full(3, np.nan, np.complex64))


def test_carriers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"ofdm: expected a prefix .* \+ 16 to n_fft - 1, got 16, 64 and"):
        Ofdm.Params(used_carriers=64)

"""`framing/burst`."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import welch
from semcom.blocks.envelope import Header, Identity, Out
from semcom.blocks.framing.burst import Burst
from semcom.errors import SignalError
from semcom.sim.side_information.field import Unsent
from semcom.sim.side_information.full_scale import FullScale
from semcom.sim.side_information.image_shape import ImageShape
from semcom.sim.side_information.link_agreement import LinkAgreement
from semcom.sim.side_information.link_scheme import LinkScheme
from semcom.sim.side_information.power_scale import PowerScale

HEADER = Header().with_fields(ImageShape(64, 96), PowerScale(1.5, padded=False))


def symbols(size: int) -> np.ndarray:
    return (np.random.default_rng(size).standard_normal((size, 2)) @ [1, 1j] / np.sqrt(2)).astype(np.complex64)


def sent(x: np.ndarray, header: Header = HEADER, seq: int = 0, **params: float) -> Out[np.ndarray]:
    return Burst(Burst.Params(**params)).work(x, header, Identity(seq))


@pytest.mark.parametrize("rate", [2, 4, 8])
@pytest.mark.parametrize("rolloff", [0.15, 0.5])
def test_the_band_is_one_plus_the_rolloff_of_the_symbol_rate(rate: int, rolloff: float) -> None:
    out = sent(symbols(20_000), samples_per_symbol=rate, rolloff=rolloff, silence=0)
    assert float(np.mean(np.abs(out.value) ** 2)) == pytest.approx(1, abs=0.03)
    frequency, density = welch(out.value, return_onesided=False, nperseg=512)
    outside = np.abs(frequency) > ((1 + rolloff) / 2 + 0.05) / rate
    if outside.any():
        assert density[outside].max() < 1e-4 * density.max()
    middle = np.abs(frequency) < (1 - rolloff) / 2 / rate * 0.9
    assert density[middle].mean() == pytest.approx(rate, rel=0.1)  # power 1 in a band of 1 / rate: flat


def test_what_a_burst_costs() -> None:
    """Of 4,000 symbols: start word of 88 bits and 12 symbols of tail, header of 40 + 12 + 48 bits in 13 bytes."""
    out = sent(symbols(4000), silence=64)
    words = 2 * 88 + 12 + 2 * 104 + 12
    pilots = -(-(4000 + words) // 31) + 1
    body = 4000 + words + pilots
    assert out.trace["channel_uses"] == 4000
    assert out.trace["header_uses"] == words
    assert out.trace["pilot_uses"] == pilots
    taken = 528 + body + 24 + 64  # preamble, body, tails of the pulse, silence
    assert out.trace["waveform_efficiency"] == pytest.approx(body / (1.25 * taken), rel=1e-3)
    assert out.trace["papr_db"] > 5
    assert out.value.size == pytest.approx(4 * taken, abs=4)
    (note,) = out.annotations
    assert (note.offset, note.key, note.value) == (0, "burst_start", 0)


def test_a_header_that_no_receiver_could_read_is_refused() -> None:
    """A scheme without a number is one that was agreed on."""
    more = HEADER.with_fields(LinkScheme(4, 512), Unsent(LinkAgreement(100)))
    with pytest.raises(SignalError) as raised:
        sent(symbols(100), more)
    assert str(raised.value) == (
        "framing/burst: no receiver could read this header: header: expected LinkAgreement to be known before, got "
        "ImageShape, PowerScale; read it first. What is agreed on is not sent: choose what has a number, of a link "
        "`scheme: adapted` or `matched`"
    )


def test_what_is_agreed_on_is_not_sent() -> None:
    more = HEADER.with_fields(Unsent(LinkAgreement(100)))
    np.testing.assert_array_equal(sent(symbols(100), more).value, sent(symbols(100)).value)
    other = HEADER.with_fields(FullScale(1.0))
    assert sent(symbols(100), other).value.size > sent(symbols(100)).value.size


def test_a_part_of_a_frame_is_refused() -> None:
    block = Burst()
    for identity in (Identity(3, 1, last=True), Identity(3, 0, last=False)):
        with pytest.raises(SignalError, match=r"framing/burst: expected whole items, got part \d of item 3"):
            block.work(symbols(10), HEADER, identity)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_symbols_that_are_not_finite_are_refused(wrong: float) -> None:
    x = symbols(10)
    x[3] = wrong
    with pytest.raises(SignalError, match="framing/burst: expected finite symbols, got NaN or infinity"):
        sent(x)


def test_a_number_beyond_32_bits_is_refused() -> None:
    with pytest.raises(SignalError, match=r"StartWord\.seq: expected 0 to 4294967295, got 4294967296"):
        sent(symbols(10), seq=2**32)


def test_an_odd_number_of_samples_a_symbol_is_refused() -> None:
    with pytest.raises(ValueError, match="single carrier: expected an even number of 2 to 32 samples a symbol, got 5"):
        Burst.Params(samples_per_symbol=5)

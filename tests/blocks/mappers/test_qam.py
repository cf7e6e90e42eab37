"""`mappers/qam_map`, `mappers/qam_demap` and `mappers/qam_decide`, over the channel blocks."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import erfc
from semcom.blocks.block import Block
from semcom.blocks.channels.awgn import Awgn
from semcom.blocks.channels.rayleigh import Rayleigh
from semcom.blocks.channels.rician import Rician
from semcom.blocks.envelope import Header, Identity, State
from semcom.blocks.mappers.qam_decide import QamDecide
from semcom.blocks.mappers.qam_demap import QamDemap
from semcom.blocks.mappers.qam_map import QamMap
from semcom.errors import SignalError
from semcom.sim.side_information.field import HeaderField, Unsent
from semcom.sim.side_information.link_agreement import LinkAgreement
from semcom.sim.side_information.link_scheme import LinkScheme
from semcom.sim.side_information.qam_frame import QamFrame

SYMBOLS = 60_000


def sent(bits: np.ndarray, bits_per_symbol: int | None, header: Header | None = None) -> tuple[np.ndarray, Header]:
    header = header or Header()
    out = QamMap(QamMap.Params(bits_per_symbol=bits_per_symbol)).work(bits, header)
    return out.value, header.with_fields(*out.header)


def link(bits_per_symbol: int, rate: float, uses: int) -> tuple[HeaderField, ...]:
    return LinkScheme(bits_per_symbol, rate), LinkAgreement(uses, bits_per_symbol, rate)


def mean_erfc(a: float, esn0: float, fading: str) -> float:
    """E[erfc(a sqrt(g))] over the channel's Es/N0 g of this mean."""
    if fading == "awgn":
        return float(erfc(a * np.sqrt(esn0)))
    return 2 / np.pi * quad(lambda t: moment((a / np.sin(t)) ** 2, esn0, fading), 0, np.pi / 2)[0]


def moment(s: float, esn0: float, fading: str) -> float:
    """E[exp(-s g)] of a Rician channel with K = 6 dB, or a Rayleigh channel."""
    k = 0.0 if fading == "rayleigh" else 10**0.6
    return float((1 + k) / (1 + k + s * esn0) * np.exp(-k * s * esn0 / (1 + k + s * esn0)))


def symbol_error_rate(bits_per_symbol: int, esn0: float, fading: str) -> float:
    """Simon & Alouini, Digital Communication over Fading Channels, 2nd ed., eq. (8.10) averaged: exact."""
    points, share = 2**bits_per_symbol, 1 - 2 ** (-bits_per_symbol / 2)

    def part(end: float) -> float:
        return quad(lambda t: moment(1.5 / (points - 1) / np.sin(t) ** 2, esn0, fading), 0, end)[0]

    return 4 / np.pi * (share * part(np.pi / 2) - share**2 * part(np.pi / 4))


def bit_error_rate(bits_per_symbol: int, esn0: float, fading: str) -> float:
    """Cho & Yoon, IEEE Trans. Commun. 50(7), 2002: exact for square Gray QAM."""
    side, k_bits = 2 ** (bits_per_symbol // 2), bits_per_symbol // 2
    unit = np.sqrt(1.5 / (side**2 - 1))
    terms = [mean_erfc((2 * i + 1) * unit, esn0, fading) for i in range(side)]
    total = 0.0
    for bit in range(1, k_bits + 1):
        for i in range(side - side // 2**bit):
            step = i * 2 ** (bit - 1) / side
            total += (-1) ** int(step) * (2 ** (bit - 1) - int(step + 0.5)) * terms[i] / side
    return total / k_bits


def run(channel: type[Block], bits_per_symbol: int, esn0_db: float, **params: Any) -> tuple[np.ndarray, ...]:
    """Send random bits; return them, the decisions and the LLRs, each [symbols, bits_per_symbol]."""
    bits = np.random.default_rng([bits_per_symbol, 9]).integers(0, 2, SYMBOLS * bits_per_symbol, dtype=np.uint8)
    symbols, header = sent(bits, bits_per_symbol)
    out = channel(channel.Params(esn0_db=esn0_db, **params), name="channel", seed=3).work(symbols, Identity(0))
    decided = QamDecide().work(out.value, header)
    llrs = QamDemap().work(out.value, header, out.state)
    return tuple(array.reshape(SYMBOLS, -1) for array in (bits, decided, llrs))


def expect_bit_errors(errors: np.ndarray, rate: float) -> None:
    """Errors of one symbol's bits go together, so the interval is that of a mean over symbols."""
    per_symbol = errors.sum(axis=1)
    assert errors.sum() > 250, "expected enough errors to tell"
    width = stats.norm.isf(0.5e-6) * per_symbol.std() / np.sqrt(per_symbol.size)
    assert abs(per_symbol.mean() - rate * errors.shape[1]) < width


@pytest.mark.parametrize(
    ("bits_per_symbol", "esn0_db"),
    [(2, 0), (2, 7), (4, 5), (4, 14), (6, 12), (6, 20), (8, 16), (8, 26), (10, 22), (10, 31)],
)
def test_awgn(bits_per_symbol: int, esn0_db: float) -> None:
    bits, decided, llrs = run(Awgn, bits_per_symbol, esn0_db)
    errors = bits != decided
    expect_bit_errors(errors, bit_error_rate(bits_per_symbol, 10 ** (esn0_db / 10), "awgn"))
    side = 2 ** (bits_per_symbol // 2)
    one_dimension = (1 - 1 / side) * erfc(np.sqrt(1.5 * 10 ** (esn0_db / 10) / (side**2 - 1)))
    low, high = stats.binom.interval(1 - 1e-6, SYMBOLS, 1 - (1 - one_dimension) ** 2)
    assert low <= np.any(errors, axis=1).sum() <= high
    if bits_per_symbol == 2:
        np.testing.assert_array_equal(llrs > 0, decided == 1)


@pytest.mark.parametrize(("channel", "fading"), [(Rayleigh, "rayleigh"), (Rician, "rician")])
@pytest.mark.parametrize(("bits_per_symbol", "esn0_db"), [(2, 3), (2, 15), (4, 8), (4, 20), (8, 25)])
def test_fast_fading(channel: type[Block], fading: str, bits_per_symbol: int, esn0_db: float) -> None:
    more = {"k_db": 6.0} if channel is Rician else {}
    bits, decided, _ = run(channel, bits_per_symbol, esn0_db, coherence_symbols=1, **more)
    errors = bits != decided
    expect_bit_errors(errors, bit_error_rate(bits_per_symbol, 10 ** (esn0_db / 10), fading))
    rate = symbol_error_rate(bits_per_symbol, 10 ** (esn0_db / 10), fading)
    low, high = stats.binom.interval(1 - 1e-6, SYMBOLS, rate)
    assert low <= np.any(errors, axis=1).sum() <= high


def test_the_closed_forms_agree_with_the_textbook() -> None:
    """QPSK over AWGN and Rayleigh: Proakis & Salehi, 5th ed., sections 4.3 and 13.3."""
    esn0 = 10**0.8
    assert bit_error_rate(2, esn0, "awgn") == pytest.approx(0.5 * erfc(np.sqrt(esn0 / 2)))
    assert bit_error_rate(2, esn0, "rayleigh") == pytest.approx(0.5 * (1 - np.sqrt(esn0 / 2 / (1 + esn0 / 2))))


@pytest.mark.parametrize("bits_per_symbol", [2, 6, 10])
@pytest.mark.parametrize("channel", [Awgn, Rayleigh])
def test_llrs_are_calibrated(channel: type[Block], bits_per_symbol: int) -> None:
    """Among bits with an LLR near L, the share of ones is 1 / (1 + exp(-L)): units, sign and noise are right."""
    bits, _, llrs = run(channel, bits_per_symbol, 8.0, **({} if channel is Awgn else {"coherence_symbols": 1}))
    for low in (-3.0, -1.0, 0.0, 0.5, 2.0):
        chosen = (llrs >= low) & (llrs < low + 0.5)
        shares = 1 / (1 + np.exp(-llrs[chosen].astype(float)))
        assert chosen.sum() > 100
        width = stats.norm.isf(0.5e-6) * np.sqrt(np.sum(shares * (1 - shares)))
        assert abs(bits[chosen].sum() - shares.sum()) < width


def test_zeros_fill_the_last_symbol_and_are_left_out_again() -> None:
    for size in range(13):
        bits = np.random.default_rng(size).integers(0, 2, size, dtype=np.uint8)
        symbols, header = sent(bits, 6)
        assert symbols.size == -(-size // 6)
        assert header.bits == 7
        np.testing.assert_array_equal(QamDecide().work(symbols, header), bits)
        np.testing.assert_array_equal(QamDemap().work(symbols, header, State(n0=0.01)) > 0, bits)


def test_the_constellation_of_the_link_scheme_costs_nothing_more() -> None:
    scheme = Header().with_fields(LinkScheme(4, 490), Unsent(LinkAgreement(10)))
    bits = np.random.default_rng(0).integers(0, 2, 40, dtype=np.uint8)
    symbols, header = sent(bits, None, scheme)
    assert header.bits == scheme.bits == 5
    assert "QamFrame" not in header
    np.testing.assert_array_equal(QamDecide().work(symbols, header), bits)
    np.testing.assert_array_equal(QamDemap().work(symbols, header, State(n0=0.01)) > 0, bits)


@pytest.mark.parametrize(
    ("scheme", "message"),
    [
        ((), "expected LinkScheme in the header, since bits_per_symbol is null, and none came; set bits_per_symbol"),
        (link(4, 512, 11), r"expected 44 coded bits for 11 uses of 4 bits \(LinkScheme\), got 40; connect codes"),
        (
            link(0, 0, 10),
            "expected a LinkScheme of 2, 4, 6, 8 or 10 bits per symbol, got 0: an ideal code",
        ),
    ],
)
def test_without_a_scheme_that_fits(scheme: tuple[HeaderField, ...], message: str) -> None:
    with pytest.raises(SignalError, match=message):
        sent(np.zeros(40, np.uint8), None, Header().with_fields(*scheme))


def test_bad_input_is_refused() -> None:
    symbols, header = sent(np.zeros(7, np.uint8), 4)
    with pytest.raises(SignalError, match="expected bits of 0 and 1, got 2"):
        sent(np.full(8, 2, np.uint8), 4)
    with pytest.raises(SignalError, match="expected n0 in the receiver's state, got none; connect a channel"):
        QamDemap().work(symbols, header, State())
    with pytest.raises(SignalError, match="expected QamFrame, got nothing"):
        QamDecide().work(symbols, Header())
    with pytest.raises(SignalError, match="QamFrame: expected a padding of 0 to 8 bits, got 9"):
        QamDecide().work(symbols, Header().with_fields(QamFrame(4, padding=9)))
    for n0 in (np.nan, -1.0):
        with pytest.raises(SignalError, match="expected n0 of at least 0"):
            QamDemap().work(symbols, header, State(n0=n0))

"""`mappers/spread_symbols`, `mappers/despread_symbols`."""

import numpy as np
import pytest
from semcom.blocks.envelope import State
from semcom.blocks.mappers.despread_symbols import DespreadSymbols
from semcom.blocks.mappers.spread_symbols import SpreadSymbols
from semcom.errors import SignalError

SPREAD, GATHER = SpreadSymbols(SpreadSymbols.Params()), DespreadSymbols(DespreadSymbols.Params())


def drawn(count: int, seed: int = 1) -> np.ndarray:
    """Complex normal symbols of unit mean energy."""
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((count, 2)) @ [1, 1j] * 0.5**0.5).astype(np.complex64)


@pytest.mark.parametrize("count", [0, 1, 5, 4096, 5000])
def test_without_noise_symbols_come_back(count: int) -> None:
    symbols = drawn(count)
    sent = SPREAD.work(symbols)
    assert sent.dtype == np.complex64
    assert np.sum(np.abs(sent) ** 2) == pytest.approx(np.sum(np.abs(symbols) ** 2), rel=1e-5)
    out = GATHER.work(sent, State(n0=0.0))
    np.testing.assert_allclose(out.value, symbols, atol=1e-5)
    assert out.state.n0 == 0


@pytest.mark.parametrize("esn0_db", [-5, 5, 15])
def test_over_fading_every_symbol_has_the_noise_that_is_stated(esn0_db: int) -> None:
    """By the closed form of what a linear MMSE estimate of each symbol leaves; strong and weak symbols alike."""
    rng, count = np.random.default_rng(2), 65536
    symbols = drawn(count) * np.repeat([1.4, 0.2], count // 2).astype(
        np.float32
    )  # unit mean energy, of two kinds of features
    n0 = 10 ** (-esn0_db / 10) / np.repeat(rng.exponential(size=count // 64), 64)
    out = GATHER.work(
        (SPREAD.work(symbols) + np.sqrt(n0) * drawn(count, 3)).astype(np.complex64), State(n0=n0.astype(np.float32))
    )
    share = np.mean(1 / (1 + n0))
    assert out.state.n0 == pytest.approx((1 - share) / share, rel=1e-4)
    error = out.value - symbols
    for half in (slice(0, count // 2), slice(count // 2, None)):
        assert np.mean(np.abs(error[half]) ** 2) == pytest.approx(out.state.n0, rel=0.05)
        biased = np.vdot(symbols[half], error[half]).real / np.vdot(symbols[half], symbols[half]).real
        deviation = (out.state.n0 / np.sum(np.abs(symbols[half]) ** 2)) ** 0.5
        assert abs(biased) < 5 * deviation


def test_over_awgn_nothing_is_lost_or_won() -> None:
    symbols, noise = drawn(4096), 0.3**0.5 * drawn(4096, 3)
    out = GATHER.work((SPREAD.work(symbols) + noise).astype(np.complex64), State(n0=0.3))
    assert out.state.n0 == pytest.approx(0.3)
    assert np.mean(np.abs(out.value - symbols) ** 2) == pytest.approx(np.mean(np.abs(noise) ** 2), rel=1e-4)


def test_erased_symbols_cost_each_value_as_much() -> None:
    """A quarter of the symbols says nothing: three quarters of the energy are left, Es/N0 is 3."""
    symbols, n0 = drawn(65536), np.where(np.arange(65536) % 4, 0.0, 1e9)
    received = np.where(n0 > 0, 0, SPREAD.work(symbols))
    out = GATHER.work(received.astype(np.complex64), State(n0=n0.astype(np.float32)))
    assert out.state.n0 == pytest.approx(1 / 3)
    assert np.mean(np.abs(out.value - symbols) ** 2) == pytest.approx(1 / 3, rel=0.05)


def test_without_spreading_all_is_as_it_came() -> None:
    symbols, state = drawn(5), State(n0=np.arange(5, dtype=np.float32))
    params = SpreadSymbols.Params(spreading="none")
    np.testing.assert_array_equal(SpreadSymbols(params).work(symbols), symbols)
    out = DespreadSymbols(params).work(symbols, state)
    np.testing.assert_array_equal(out.value, symbols)
    assert out.state is None  # what the channel said stays


@pytest.mark.parametrize(
    ("n0", "message"),
    [
        (None, "expected n0 in the receiver's state, got none; connect a channel"),
        (np.ones(3, np.float32), r"expected n0 as one number or \[4\], got \[3\]"),
        (-1.0, "expected n0 of at least 0, got others; check the channel"),
    ],
)
def test_what_is_not_known_of_the_noise_is_refused(n0: object, message: str) -> None:
    with pytest.raises(SignalError, match=f"mappers/despread_symbols: {message}"):
        GATHER.work(drawn(4), State(n0=n0))  # type: ignore[arg-type]


def test_symbols_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(SignalError, match=r"mappers/despread_symbols: expected finite symbols, got others; check"):
        GATHER.work(np.full(4, np.nan, np.complex64), State(n0=0.1))

"""`codes/interleave`, `codes/deinterleave`; for symbols mappers/interleave_symbols, mappers/deinterleave_symbols."""

import numpy as np
import pytest
from semcom.blocks.codes._interleaver import InterleaverParams
from semcom.blocks.codes.deinterleave import Deinterleave
from semcom.blocks.codes.interleave import Interleave
from semcom.blocks.envelope import State
from semcom.blocks.mappers.deinterleave_symbols import DeinterleaveSymbols
from semcom.blocks.mappers.interleave_symbols import InterleaveSymbols
from semcom.errors import SignalError

ORDERS = pytest.mark.parametrize("params", [{"kind": "block", "rows": 7}, {"kind": "random", "seed": 5}])


@ORDERS
@pytest.mark.parametrize("size", [0, 1, 6, 100, 101])
def test_bits_come_back_whatever_the_blocks_are_called(params: dict, size: int) -> None:
    bits = np.random.default_rng(1).integers(0, 2, size, dtype=np.uint8)
    mixed = Interleave(InterleaverParams(**params), name="one", seed=1).work(bits)
    llrs = (2.0 * mixed - 1).astype(np.float32)
    back = Deinterleave(InterleaverParams(**params), name="other", seed=2).work(llrs)
    np.testing.assert_array_equal(back > 0, bits)
    assert mixed.dtype == np.uint8
    assert back.dtype == np.float32


def test_rows_are_written_and_columns_read() -> None:
    params = InterleaverParams(kind="block", rows=2)
    np.testing.assert_array_equal(Interleave(params).work(np.array([1, 1, 1, 0, 0, 0], np.uint8)), [1, 0, 1, 0, 1, 0])


@ORDERS
def test_what_is_known_of_a_symbol_moves_with_it(params: dict) -> None:
    symbols = np.arange(50, dtype=np.complex64)
    mixed = InterleaveSymbols(InterleaverParams(**params)).work(symbols)
    assert not np.array_equal(mixed, symbols)
    state = State(n0=mixed.real.copy(), h=mixed * 1j)
    out = DeinterleaveSymbols(InterleaverParams(**params)).work(mixed, state)
    np.testing.assert_array_equal(out.value, symbols)
    np.testing.assert_array_equal(out.state.n0, symbols.real)
    np.testing.assert_array_equal(out.state.h, symbols * 1j)
    out = DeinterleaveSymbols(InterleaverParams(**params)).work(mixed, State(n0=0.5))
    assert state.updated(out.state).n0 is state.n0  # one number stays what it is


def test_a_state_of_another_length_is_refused() -> None:
    with pytest.raises(SignalError, match="expected 4 values of h in the receiver's state, got 3"):
        DeinterleaveSymbols().work(np.ones(4, np.complex64), State(h=np.ones(3, np.complex64)))

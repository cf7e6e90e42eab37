"""`mappers/join_symbols` and its inverse `mappers/part_of_symbols`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from semcom.blocks.envelope import Header, State
from semcom.blocks.mappers.join_symbols import JoinSymbols
from semcom.blocks.mappers.part_of_symbols import PartOfSymbols
from semcom.errors import SignalError


def part(which: str) -> PartOfSymbols:
    return PartOfSymbols(PartOfSymbols.Params(part=which))


@given(st.integers(0, 20), st.integers(0, 20))
def test_what_was_joined_comes_apart(first: int, second: int) -> None:
    whole = np.arange(first + second).astype(np.complex64)
    joined = JoinSymbols().work(whole[:first], whole[first:])
    np.testing.assert_array_equal(joined.value, whole)
    header = Header().with_fields(*joined.header)
    noises = np.arange(whole.size, dtype=np.float32)
    for which, expected in (("first", whole[:first]), ("second", whole[first:])):
        out = part(which).work(joined.value, header, State(n0=noises, h=whole, esn0_db=3.0))
        np.testing.assert_array_equal(out.value, expected)
        assert out.state is not None
        np.testing.assert_array_equal(out.state.n0, expected.real)
        np.testing.assert_array_equal(out.state.h, expected)
        assert part(which).work(joined.value, header, State(n0=0.25)).state.n0 == 0.25


def test_a_second_stream_that_is_not_there_is_of_no_symbols() -> None:
    symbols = np.ones(3, np.complex64)
    joined = JoinSymbols().work(symbols)
    np.testing.assert_array_equal(joined.value, symbols)
    assert part("second").work(symbols, Header().with_fields(*joined.header), State()).value.size == 0


def test_what_does_not_fit_is_refused() -> None:
    header = Header().with_fields(*JoinSymbols().work(np.ones(3, np.complex64), np.ones(2, np.complex64)).header)
    with pytest.raises(SignalError, match=r"mappers/part_of_symbols: expected 2 symbols or more, .* got 1; connect"):
        part("first").work(np.ones(1, np.complex64), header, State())
    with pytest.raises(SignalError, match=r"JoinedSymbols.second: expected 0 to 65535, got 65536"):
        Header().with_fields(*JoinSymbols().work(np.ones(3, np.complex64), np.ones(65536, np.complex64)).header)
    with pytest.raises(SignalError, match="expected JoinedSymbols, got nothing"):
        part("first").work(np.ones(1, np.complex64), Header(), State())

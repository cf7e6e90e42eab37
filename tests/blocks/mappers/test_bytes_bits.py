"""`mappers/bytes_to_bits` and `mappers/bits_to_bytes`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from semcom.blocks.mappers.bits_to_bytes import BitsToBytes
from semcom.blocks.mappers.bytes_to_bits import BytesToBits
from semcom.errors import SignalError


def test_the_most_significant_bit_comes_first() -> None:
    np.testing.assert_array_equal(BytesToBits().work(np.array([0x80, 3], np.uint8)), [1] + [0] * 13 + [1, 1])


@given(st.binary(max_size=100))
def test_there_and_back(data: bytes) -> None:
    array = np.frombuffer(data, np.uint8)
    bits = BytesToBits().work(array)
    assert "".join(map(str, bits)) == "".join(f"{byte:08b}" for byte in data)
    np.testing.assert_array_equal(BitsToBytes().work(bits), array)


def test_what_are_no_bytes_is_refused() -> None:
    with pytest.raises(SignalError, match="mappers/bits_to_bytes: expected a multiple of 8 bits, got 9"):
        BitsToBytes().work(np.zeros(9, np.uint8))
    with pytest.raises(SignalError, match="mappers/bits_to_bytes: expected bits of 0 and 1, got 2"):
        BitsToBytes().work(np.full(8, 2, np.uint8))

"""`mappers/doubles_to_bits` and `mappers/bits_to_doubles`."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from semcom.blocks.envelope import Header, Identity
from semcom.blocks.mappers.bits_to_doubles import BitsToDoubles
from semcom.blocks.mappers.doubles_to_bits import DoublesToBits
from semcom.errors import SignalError
from semcom.sim.side_information.feature_shape import FeatureShape


def read(bits: np.ndarray, shape: tuple[int, ...] = (-1,), **params: float) -> np.ndarray:
    block = BitsToDoubles(BitsToDoubles.Params(**params), name="values")
    out = block.work(bits, Header().with_fields(FeatureShape.of(shape)), Identity(0))
    assert out.state is not None
    assert out.state.n0 == 0
    return np.asarray(out.value)


@given(st.lists(st.floats(-10, 10, width=32).filter(lambda value: abs(value) >= 0.01), max_size=20))
def test_bits_are_those_of_python_and_come_back(values: list[float]) -> None:
    out = DoublesToBits().work(np.array(values, np.float32))
    expected = "".join(f"{byte:08b}" for byte in struct.pack(f">{len(values)}d", *values))
    assert "".join(map(str, out.value)) == expected
    assert read(out.value).tolist() == values


def test_the_shape_comes_back() -> None:
    values = np.arange(1, 7, dtype=np.float32).reshape(1, 2, 3)
    out = DoublesToBits().work(values)
    assert out.header == (FeatureShape((1, 2, 3)),)
    np.testing.assert_array_equal(read(out.value, (1, 2, 3)), values)


def test_what_is_absurd_is_drawn_anew() -> None:
    words = [np.nan, np.inf, -np.inf, 10.1, -1e300, 0.0099, 0.0, 5e-324] * 500
    drawn = read(np.unpackbits(np.array(words, ">f8").view(np.uint8)))
    assert stats.kstest(drawn, "norm").pvalue > 1e-4
    kept = np.array([10.0, -0.01, 1.5])
    assert read(np.unpackbits(kept.astype(">f8").view(np.uint8))).tolist() == kept.astype(np.float32).tolist()
    wide = np.array([0.0, 1e20])
    assert read(np.unpackbits(wide.astype(">f8").view(np.uint8)), least=0, most=1e30) == pytest.approx(wide)


def test_what_are_no_doubles_is_refused() -> None:
    with pytest.raises(
        SignalError, match=r"bits_to_doubles: expected 64 bits for each value of shape \[-1\] .*, got 65"
    ):
        read(np.zeros(65, np.uint8))
    with pytest.raises(SignalError, match=r"for each value of shape \[2, 3\] \(FeatureShape\), got 64 bits"):
        read(np.zeros(64, np.uint8), (2, 3))
    with pytest.raises(SignalError, match="mappers/bits_to_doubles: expected bits of 0 and 1, got 2"):
        read(np.full(64, 2, np.uint8))

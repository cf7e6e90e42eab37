import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from semcom.errors import SignalError
from semcom.sim.codes.interleaver import interleaver_order, inverse_order


@given(st.integers(0, 500), st.sampled_from(["block", "random"]), st.integers(1, 40), st.integers(0, 2**64))
def test_every_element_is_sent_once(size: int, kind: str, rows: int, seed: int) -> None:
    order = interleaver_order(size, kind, rows=rows, seed=seed)
    np.testing.assert_array_equal(np.sort(order), np.arange(size))
    np.testing.assert_array_equal(order[inverse_order(order)], np.arange(size))


def test_a_full_rectangle_is_transposed() -> None:
    np.testing.assert_array_equal(interleaver_order(12, "block", rows=3), np.arange(12).reshape(3, 4).T.reshape(-1))


def test_a_burst_is_spread() -> None:
    hit = interleaver_order(1000, "block", rows=20)[300:320]
    assert np.diff(np.sort(hit)).min() >= 49


def test_the_random_order_is_philox_sorted_and_no_other() -> None:
    """The first raw words of Philox 4x64 by key alone, so that two versions of numpy agree."""
    raw = np.random.Philox(key=3).random_raw(50)
    assert np.all(np.diff(raw[interleaver_order(50, "random", seed=3)].astype(float)) > 0)
    assert not np.array_equal(interleaver_order(50, "random", seed=3), interleaver_order(50, "random", seed=4))


def test_errors_say_what_was_expected() -> None:
    with pytest.raises(SignalError, match="expected at least 1 row, got 0"):
        interleaver_order(5, "block", rows=0)
    with pytest.raises(SignalError, match="expected a seed from 0"):
        interleaver_order(5, "random", seed=-1)

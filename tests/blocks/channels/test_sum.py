from __future__ import annotations

import numpy as np
import pytest
from semcom.blocks.channels.sum import Sum
from semcom.errors import SignalError


def test_samples_of_one_number_are_added():
    streams = [np.array([1, 2j, k], np.complex64) for k in range(8)]
    np.testing.assert_array_equal(Sum().work(*streams), [8, 16j, 28])
    np.testing.assert_array_equal(Sum().work(streams[1]), streams[1])
    assert Sum().work(*streams[:2]).dtype == np.complex64


def test_chunks_of_other_lengths_are_refused():
    with pytest.raises(SignalError, match=r"expected chunks of one length, got \[2, 3\] samples"):
        Sum().work(np.ones(2, np.complex64), np.ones(3, np.complex64))

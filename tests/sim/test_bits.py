import numpy as np
import pytest
from semcom.errors import SignalError
from semcom.sim.bits import check_bits


def test_bits_pass() -> None:
    check_bits("here", np.array([[0, 1]], np.uint8))
    check_bits("here", np.empty(0, np.uint8))


@pytest.mark.parametrize(
    ("bits", "message"),
    [
        (np.array([0, 2], np.uint8), "here: expected bits of 0 and 1, got 2"),
        (np.array([0.0, 1.0]), "here: expected bits as uint8, got float64"),
    ],
)
def test_what_is_no_bit_is_refused(bits: np.ndarray, message: str) -> None:
    with pytest.raises(SignalError, match=message):
        check_bits("here", bits)

import numpy as np
import pytest
from semcom.models.sc_sic.wild_values import ERASED_N0, erase_wild_values
from semcom.sim.quantisers.minifloat import from_minifloat, to_minifloat


def test_wild_values_are_erased_and_the_rest_stays() -> None:
    embedding = np.array([[0.5, -9.9], [480.0, -11.0]], np.float32)
    n0 = np.full((2, 2), 0.1, np.float32)
    clean, known = erase_wild_values(embedding, n0)
    np.testing.assert_array_equal(clean, np.float32([[0.5, -9.9], [0, 0]]))
    np.testing.assert_array_equal(known, np.float32([[0.1, 0.1], [ERASED_N0, ERASED_N0]]))
    assert embedding[1, 0] == 480


def test_nothing_wild_leaves_everything_as_it_is() -> None:
    embedding = np.array([0.5, -3.0], np.float32)
    n0 = np.zeros(2, np.float32)
    clean, known = erase_wild_values(embedding, n0)
    assert clean is embedding
    assert known is n0


def test_what_is_not_finite_is_not_taken_for_wild() -> None:
    """The codec refuses it: to erase it would hide a fault."""
    embedding = np.array([np.nan, np.inf, 20.0], np.float32)
    clean, _ = erase_wild_values(embedding, np.full(3, 0.1, np.float32))
    assert np.isnan(clean[0])
    assert np.isinf(clean[1])
    assert clean[2] == 0


@pytest.mark.parametrize("bit_errors", [3e-3, 1e-2, 5e-2])
def test_the_share_of_wild_values_tells_the_error_of_the_others(bit_errors: float) -> None:
    """Against what random bit errors do to the minifloats of normal values."""
    rng = np.random.default_rng(1)
    sent = rng.standard_normal(200_000).astype(np.float32)
    flips = np.packbits(rng.random((sent.size, 8)) < bit_errors)
    received = from_minifloat(to_minifloat(sent) ^ flips)
    clean, known = erase_wild_values(received, np.zeros_like(received))
    kept = known < ERASED_N0
    error = float(np.mean((clean[kept] - sent[kept]) ** 2, dtype=float))
    assert known[kept][0] == pytest.approx(error, rel=0.1)
    assert float(np.mean(~kept)) == pytest.approx(bit_errors, rel=0.1)

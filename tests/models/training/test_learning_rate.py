import pytest
from semcom.models.training.learning_rate import half_cosine, warm_up


def test_it_rises_evenly_and_falls_by_half_a_cosine() -> None:
    assert [warm_up(step, 4) for step in (0, 1, 4, 9)] == pytest.approx([0.2, 0.4, 1, 1])
    assert warm_up(0, 0) == 1
    shares = [half_cosine(done, 0.01) for done in (0.0, 1 / 3, 0.5, 1.0)]  # cosines of 0, 60, 90 and 180 degrees
    assert shares == pytest.approx([1, 0.01 + 0.99 * 0.75, 0.505, 0.01])
    assert half_cosine(0.7, 1.0) == 1

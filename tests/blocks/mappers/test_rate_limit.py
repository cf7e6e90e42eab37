import numpy as np
import pytest
from pydantic import ValidationError
from semcom.blocks.mappers.rate_limit import RateLimit


def test_interval_is_what_the_runtime_keeps() -> None:
    block = RateLimit(RateLimit.Params(items_per_s=50))
    assert block.interval_s() == pytest.approx(0.02)
    picture = np.zeros((4, 4, 3), np.uint8)
    assert block.work(picture) is picture


def test_a_rate_of_zero_is_refused() -> None:
    with pytest.raises(ValidationError, match="greater than 0"):
        RateLimit.Params(items_per_s=0)

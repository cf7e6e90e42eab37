"""The loss of a batch beside the running MSE."""

import math

import pytest
import torch
from semcom.models.deepjscc.step import BINS, normalised_loss


def test_a_frame_that_is_not_finite_leaves_the_running_mse_as_it_was() -> None:
    """It would stay for ever, and with it every loss of that SNR."""
    level = torch.zeros(BINS)
    n0 = torch.full((1, 4), 0.1)
    for mse in (math.nan, 0.5, math.inf, 0.7):
        loss = normalised_loss(torch.tensor([mse]), n0, level, 0.3)
    running = 0.97 * 0.5 + 0.03 * 0.7
    assert float(level.sum()) == pytest.approx(running)
    assert float(loss) == pytest.approx(math.log(0.3 + 0.7 / running))

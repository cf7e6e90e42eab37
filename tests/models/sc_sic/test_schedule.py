"""The noise schedule: against diffusers' scheduler and the closed form."""

import math

import pytest
import torch
from semcom.models.sc_sic.schedule import LARGEST, LEAST, alpha_bar, log_snr

TIMES = torch.linspace(0, 1, 101)


def test_alpha_bar_is_diffusers() -> None:
    from diffusers import DDPMWuerstchenScheduler

    theirs = DDPMWuerstchenScheduler()._alpha_cumprod(TIMES, torch.device("cpu"))
    torch.testing.assert_close(alpha_bar(TIMES), theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("t", [0.1, 0.25, 0.5, 0.9])
def test_alpha_bar_is_a_squared_cosine(t: float) -> None:
    expected = (1 + math.cos((t + 0.008) / 1.008 * math.pi)) / (1 + math.cos(0.008 / 1.008 * math.pi))
    assert alpha_bar(torch.tensor(t, dtype=torch.float64)).item() == pytest.approx(expected, rel=1e-12)


def test_bounds() -> None:
    assert alpha_bar(torch.tensor([0.0, 1.0])).tolist() == pytest.approx([LARGEST, LEAST])
    assert (alpha_bar(TIMES).diff() <= 0).all()


def test_log_snr_is_of_the_power_ratio() -> None:
    share = alpha_bar(TIMES.double())
    torch.testing.assert_close(log_snr(TIMES.double()), torch.logit(share))
    assert log_snr(torch.tensor([0.0, 1.0])).tolist() == pytest.approx([math.log(9999), -math.log(9999)], rel=1e-3)

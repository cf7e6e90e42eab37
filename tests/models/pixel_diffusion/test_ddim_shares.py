import numpy as np
import pytest
from semcom.errors import UsageError
from semcom.models.pixel_diffusion.ddim_shares import ddim_shares
from semcom.models.pixel_diffusion.diffusion import ddim


@pytest.mark.parametrize("steps", [1, 2, 4, 17, 65])
def test_the_shares_are_the_samplers_steps(steps: int) -> None:
    """Against the sampler as the papers write it."""
    start = np.random.default_rng(steps).standard_normal(50)

    def predict(x: np.ndarray, time: float) -> np.ndarray:
        return np.tanh(x) * (1 - time) + np.sin(3 * x) * time

    x = start
    for time, clean, noisy in zip(*ddim_shares(steps), strict=True):
        x = clean * predict(x, time) + noisy * x
    np.testing.assert_allclose(x, ddim(predict, start, steps), rtol=0, atol=2e-5)


def test_a_perfect_predictor_is_reached_from_any_start() -> None:
    """DDIM keeps the signal's share at each level: with X known it is sqrt(a) X + sqrt(1 - a) of the first noise."""
    shares = ddim_shares(9)
    assert shares.clean[-1] == 1
    assert shares.noisy[-1] == 0
    assert shares.time[0] == 1
    assert (np.diff(shares.time) < 0).all()


@pytest.mark.parametrize("steps", [0, 66])
def test_another_number_of_steps(steps: int) -> None:
    with pytest.raises(UsageError, match=f"expected 1 to 65, got {steps}"):
        ddim_shares(steps)

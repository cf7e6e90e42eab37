import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from semcom.errors import UsageError
from semcom.models.pixel_diffusion.diffusion import MOST_STEPS, STEPS, alpha_bars, ddim, loss_weight, times


@pytest.fixture(scope="module")
def scheduler() -> DDIMScheduler:
    return DDIMScheduler(
        num_train_timesteps=8193, beta_schedule="squaredcos_cap_v2", prediction_type="sample", clip_sample=False
    )


def test_the_schedule_is_that_of_diffusers(scheduler: DDIMScheduler) -> None:
    np.testing.assert_allclose(alpha_bars(), scheduler.alphas_cumprod.numpy(), rtol=5e-5)
    assert len(alpha_bars()) == STEPS == 8193


def test_noise_levels_are_spaced_evenly_from_the_last() -> None:
    for steps in range(2, MOST_STEPS + 1):
        assert times(steps).tolist() == [8192 * (steps - 1 - n) // (steps - 1) for n in range(steps)]
    assert times(1).tolist() == [8192]
    for steps in (0, 66, -1):
        with pytest.raises(UsageError, match=f"steps: expected 1 to 65, got {steps}"):
            times(steps)


@pytest.mark.parametrize("steps", [3, 5, 17, 65])
def test_sampling_is_diffusers_ddim_step_by_step(scheduler: DDIMScheduler, steps: int) -> None:
    """Where the levels lie equally far apart; a prediction that depends on what it sees and when."""
    rng = np.random.default_rng(steps)
    mix, start = torch.from_numpy(rng.normal(0, 0.4, (6, 6))), torch.from_numpy(rng.normal(0, 0.8, (3, 6)))
    seen: list[tuple[torch.Tensor, float]] = []

    def predict(x: torch.Tensor, time: float) -> torch.Tensor:
        seen.append((x, time))
        return torch.tanh(x @ mix + time)

    found = ddim(predict, start, steps)
    scheduler.set_timesteps(steps - 1)  # its stride is 8193 // (steps - 1)
    x = start
    for (ours, time), level in zip(seen, times(steps).tolist(), strict=True):
        assert time == pytest.approx(level / 8192)
        torch.testing.assert_close(ours, x, rtol=1e-4, atol=1e-5)
        clean = torch.tanh(x @ mix + level / 8192)
        x = scheduler.step(clean, level, x, eta=0.0).prev_sample.double()
    torch.testing.assert_close(found, clean, rtol=1e-4, atol=1e-5)


def test_one_step_is_the_prediction_at_the_last_level() -> None:
    start = np.ones(4)
    assert ddim(lambda x, time: x * 3 + time, start, 1).tolist() == [4.0] * 4


def test_a_perfect_predictor_is_reached_whatever_the_start() -> None:
    truth = np.linspace(-1, 1, 5)
    np.testing.assert_allclose(ddim(lambda x, time: truth, 0.8 * np.arange(5.0), 7), truth)


def test_the_optimal_denoiser_of_a_gaussian_samples_that_gaussian() -> None:
    """X = E[x0 | x_n] for x0 ~ N(m, s^2) and start N(0, 1): what comes out has about that mean and deviation."""
    mean, deviation, share = 0.3, 0.2, alpha_bars()

    def predict(x: np.ndarray, time: float) -> np.ndarray:
        ab = share[round(time * 8192)]
        gain = ab**0.5 * deviation**2 / (ab * deviation**2 + 1 - ab)
        return mean + gain * (x - ab**0.5 * mean)

    out = ddim(predict, np.random.default_rng(1).standard_normal(20_000), 65)
    assert float(out.mean()) == pytest.approx(mean, abs=0.01)
    assert float(out.std()) == pytest.approx(deviation, rel=0.08)  # the steps are finite


def test_weights_of_the_loss_are_the_snr_within_bounds() -> None:
    share = np.array([0.999, 0.9, 0.75, 0.5, 0.1, 1e-12])
    np.testing.assert_allclose(loss_weight(share, 1.0, 5.0), [5, 5, 3, 1, 1, 1], rtol=1e-9)
    np.testing.assert_allclose(loss_weight(share, 0.0, 5.0), [5, 5, 3, 1, 1 / 9, 1e-12], rtol=1e-9)

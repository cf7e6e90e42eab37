"""The sampler, on normal latents, of which all is known in closed form."""

import numpy as np
import pytest
from semcom.models.latent_denoiser.sampler import denoise, levels_of
from semcom.models.latent_diffusion.schedule import alpha_bar

VARIANCES = np.array([2.5, 1.0, 0.4, 0.1])[:, None]
NOISE = 0.3  # of the channel
KEPT = VARIANCES / (VARIANCES + NOISE)
POSTERIOR = VARIANCES * NOISE / (VARIANCES + NOISE)  # variance of a latent, given what was received


def sampled(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """What comes out, less the posterior mean of what was received; and that mean."""
    rng = np.random.default_rng(1)
    clean = np.sqrt(VARIANCES) * rng.standard_normal((4, 40_000))
    received = clean + np.sqrt(NOISE) * rng.standard_normal(clean.shape)
    mean = KEPT * received

    def estimate(latent: np.ndarray, level: float) -> np.ndarray:
        """Expectation of the clean latent, given what was received and a noisy one."""
        share = alpha_bar(level)
        gain = share**0.5 * POSTERIOR / (share * POSTERIOR + 1 - share)
        return mean + gain * (latent - share**0.5 * mean)

    return denoise(estimate, received / (1 + NOISE), rng.standard_normal(clean.shape), steps) - mean, mean


def test_one_step_is_nearly_the_posterior_mean() -> None:
    error, mean = sampled(1)
    assert np.mean(error**2) < 1e-3 * np.mean(mean**2)


def test_more_steps_draw_from_the_posterior() -> None:
    """But for the size of the steps, each of which shrinks what is drawn."""
    few, many = (np.mean(sampled(steps)[0] ** 2, 1) / POSTERIOR[:, 0] for steps in (10, 50))
    assert (few < many).all()
    gain = np.sqrt(np.exp(sum(map(log_gain, levels_of(50), levels_of(50)[1:])))) * last_gain(levels_of(50)[-1])
    share = alpha_bar(981)
    start = share * (KEPT - 1 / (1 + NOISE)) ** 2 * (VARIANCES + NOISE) + 1 - share  # about the mean
    assert many == pytest.approx((gain**2 * start / POSTERIOR)[:, 0], rel=0.05)
    assert (many > 0.75).all()


def log_gain(now: int, then: int) -> np.ndarray:
    """Of the square of what is about the mean, in a step of DDIM on normal latents."""
    a, b = alpha_bar(now), alpha_bar(then)
    gain = (np.sqrt(a * b) * POSTERIOR + np.sqrt((1 - a) * (1 - b))) / (a * POSTERIOR + 1 - a)
    return np.asarray(2 * np.log(gain))


def last_gain(level: int) -> np.ndarray:
    share = alpha_bar(level)
    return np.asarray(share**0.5 * POSTERIOR / (share * POSTERIOR + 1 - share))


def test_levels_lie_evenly_on_the_grid() -> None:
    assert levels_of(50) == tuple(range(981, 0, -20))
    assert levels_of(1) == (981,)
    assert levels_of(5) == (981, 781, 581, 381, 181)

"""Inversion and sampling: against diffusers' schedulers, and in closed form where the latents are normal."""

import itertools

import numpy as np
import pytest
import torch
from diffusers import DDIMInverseScheduler, DDIMScheduler
from semcom.models.latent_diffusion.ddim import diffuse, invert, sample
from semcom.models.latent_diffusion.schedule import alpha_bar, level_of_step

from .test_schedule import STABLE_DIFFUSION


def some_network(latent: torch.Tensor, level: float) -> torch.Tensor:
    """No denoiser, but it depends on both."""
    return torch.tanh(latent * (0.3 + level / 1000)) + 0.1


def test_inversion_is_that_of_diffusers() -> None:
    inverse = DDIMInverseScheduler(**STABLE_DIFFUSION)
    inverse.set_timesteps(50)
    start = torch.randn(1, 4, 5, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = start
    for step, level in enumerate(inverse.timesteps[:10]):
        expected = inverse.step(some_network(expected, float(level)), level, expected).prev_sample
        found = invert(start, some_network, first=0, steps=step + 1)
        assert torch.allclose(found, expected, atol=1e-5)
    assert level == 181  # ten steps of inversion end here, and not at 201
    halves = invert(invert(start, some_network, first=0, steps=4), some_network, first=4, steps=6)
    assert torch.equal(halves, found)


@pytest.mark.parametrize("steps", [1, 15, 50])
def test_sampling_is_that_of_diffusers(steps: int) -> None:
    scheduler = DDIMScheduler(**STABLE_DIFFUSION)
    scheduler.set_timesteps(50)
    start = torch.randn(1, 4, 5, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = start
    for level in scheduler.timesteps[50 - steps :]:
        expected = scheduler.step(some_network(expected, float(level)), level, expected).prev_sample
    levels = [float(level_of_step(step)) for step in range(steps, 0, -1)]
    assert torch.allclose(sample(start, some_network, levels), expected, atol=1e-5)


class Normal:
    """The exact denoiser of normal latents of these variances: of what is at level t, the expectation of its noise."""

    def __init__(self, variances: np.ndarray) -> None:
        self.variances = variances

    def at(self, level: float) -> np.ndarray:
        """Variances of latents at a level."""
        return alpha_bar(level) * self.variances + 1 - alpha_bar(level)

    def __call__(self, latent: np.ndarray, level: float) -> np.ndarray:
        return (1 - alpha_bar(level)) ** 0.5 * latent / self.at(level)


VARIANCES = np.array([4.0, 1.0, 0.3, 0.01])


def test_one_step_from_any_level_is_the_posterior_mean() -> None:
    normal, latent = Normal(VARIANCES), np.array([1.0, -2.0, 0.5, 3.0])
    for level in (21.0, 281.0, 700.0):
        share = alpha_bar(level)
        clean = (latent - (1 - share) ** 0.5 * normal(latent, level)) / share**0.5
        assert np.allclose(clean, share**0.5 * VARIANCES / normal.at(level) * latent, rtol=1e-12)


def test_fine_steps_follow_the_probability_flow() -> None:
    r"""Along which a normal latent keeps its place in its distribution: :math:`z_s = z_t \sqrt{V_s / V_t}`."""
    normal, latent = Normal(VARIANCES), np.array([1.0, -2.0, 0.5, 3.0])
    levels = np.geomspace(600, 1e-3, 40_000)
    found = sample(latent, normal, list(levels))
    expected = latent * np.sqrt(normal.at(0) / normal.at(600))
    assert np.abs(found / expected - 1).max() < 1e-4


def test_the_grid_of_50_in_closed_form() -> None:
    normal, latent = Normal(VARIANCES), np.array([1.0, -2.0, 0.5, 3.0])
    gain = np.ones(4)
    for now, then in itertools.pairwise([281.0, *(float(level_of_step(step)) for step in range(14, 0, -1)), 0.0]):
        a, b = alpha_bar(now), alpha_bar(then)
        gain *= (np.sqrt(a * b) * VARIANCES + np.sqrt((1 - a) * (1 - b))) / (a * VARIANCES + 1 - a)
    found = sample(latent, normal, [float(level_of_step(step)) for step in range(15, 0, -1)])
    assert np.allclose(found, gain * latent, rtol=1e-12)


def test_what_was_inverted_is_sampled_back() -> None:
    """But for the size of the steps: each way is of the first order, and together they leave the square of a step."""
    normal, latent = Normal(np.array([1.0, 1.2, 0.8])), np.array([1.0, -2.0, 0.5])
    back = sample(
        invert(latent, normal, first=0, steps=10), normal, [float(level_of_step(step)) for step in range(10, 0, -1)]
    )
    assert np.abs(back / latent - 1).max() < 2e-3


@pytest.mark.parametrize(("first", "steps"), [(0, 0), (0, 10), (5, 5)])
def test_drawn_noise_leads_to_the_share_of_the_level(first: int, steps: int) -> None:
    """Of a latent that is level ``first``: the correlation with the clean one is the root of the level's share."""
    rng = np.random.default_rng(1)
    clean = rng.standard_normal(200_000).astype(np.float32)
    there = diffuse(diffuse(clean, rng, first=0, steps=first), rng, first=first, steps=steps)
    assert np.mean(there * clean) == pytest.approx(alpha_bar(level_of_step(first + steps)) ** 0.5, abs=0.01)
    assert np.mean(np.square(there)) == pytest.approx(1, abs=0.02)

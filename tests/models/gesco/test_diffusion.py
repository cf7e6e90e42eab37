"""Schedule, steps and the sampler's loop, beside diffusers' schedulers and a closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from semcom.models.gesco.diffusion import clean_picture, ddim_step, guided, posterior
from semcom.models.gesco.sampler import Plan, draw
from semcom.models.gesco.schedule import ALPHA_BARS, alpha_bar, spaced_levels

LINEAR: dict[str, Any] = {"beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear", "clip_sample": True}
RNG = np.random.default_rng(1)
NOISY, NOISE = (RNG.standard_normal((3, 4, 5)).astype(np.float32) for _ in range(2))
VARIANCE = RNG.uniform(-1, 1, (3, 4, 5)).astype(np.float32)


def test_the_levels_are_the_papers() -> None:
    np.testing.assert_allclose(ALPHA_BARS, DDPMScheduler(**LINEAR).alphas_cumprod.numpy(), rtol=2e-4)
    assert alpha_bar(-1) == 1


@pytest.mark.parametrize("steps", [1, 2, 25, 1000])
def test_levels_are_evenly_spaced(steps: int) -> None:
    found = spaced_levels(steps)
    assert len(found) == steps
    scheduler = DDPMScheduler(**LINEAR, timestep_spacing="linspace")
    scheduler.set_timesteps(steps)
    assert found == (tuple(scheduler.timesteps.tolist()) if steps > 1 else (999,))


@pytest.mark.parametrize(("level", "then"), [(981, 961), (501, 481), (21, 1), (1, -1)])
def test_a_step_of_ddim_is_diffusers(level: int, then: int) -> None:
    scheduler = DDIMScheduler(**LINEAR, set_alpha_to_one=True, steps_offset=1)
    scheduler.set_timesteps(50)
    noise, noisy = torch.from_numpy(NOISE), torch.from_numpy(NOISY)
    expected = scheduler.step(noise, level, noisy, use_clipped_model_output=True).prev_sample.numpy()
    np.testing.assert_allclose(ddim_step(NOISY, NOISE, alpha_bar(level), alpha_bar(then)), expected, atol=2e-4)


@pytest.mark.parametrize("steps", [1000, 10])
def test_a_step_with_the_learnt_variance_is_diffusers(steps: int) -> None:
    scheduler = DDPMScheduler(**LINEAR, variance_type="learned_range", timestep_spacing="linspace")
    scheduler.set_timesteps(steps)
    level, then = (int(one) for one in scheduler.timesteps[3:5])
    output = torch.from_numpy(np.concatenate([NOISE, VARIANCE]))[None]
    drawn = torch.randn((1, 3, 4, 5), generator=torch.Generator().manual_seed(3))
    there = scheduler.step(output, level, torch.from_numpy(NOISY)[None], generator=torch.Generator().manual_seed(3))
    share, other = alpha_bar(level), alpha_bar(then)
    ours = posterior(NOISY, clean_picture(NOISY, NOISE, share), VARIANCE, share, other)
    found = ours.mean + np.exp(ours.log_variance / 2) * drawn[0].numpy()
    np.testing.assert_allclose(found, there.prev_sample[0].numpy(), atol=2e-4)


def test_guidance_lies_on_a_line() -> None:
    assert guided(3.0, 1.0, 0) == 1
    assert guided(3.0, 1.0, 1) == 3
    assert guided(3.0, 1.0, 2) == 5


def exact(spread: float, mean: float) -> Any:
    """The best estimate of the noise where every value is normal about a mean; and the least variance."""

    def predict(maps: np.ndarray, noisy: np.ndarray, level: int) -> np.ndarray:
        share = alpha_bar(level)
        noise = (1 - share) ** 0.5 * (noisy - share**0.5 * mean) / (share * spread**2 + 1 - share)
        return np.concatenate([noise, -np.ones_like(noise)]).astype(np.float32)

    return predict


@pytest.mark.parametrize(("sampler", "steps"), [("ddim", 250), ("ddpm", 1000)])
def test_the_sampler_draws_from_the_distribution_that_the_network_knows(sampler: Any, steps: int) -> None:
    """Normal with deviation 0.1 about 0.3: 12288 values; six standard errors, and what so many steps leave."""
    plan, rng = Plan(sampler, steps, 1.0), np.random.default_rng(2)
    found = draw(np.zeros((1, 64, 64), np.float32), exact(0.1, 0.3), plan, rng)
    assert found.dtype == np.float32
    assert found.mean() == pytest.approx(0.3, abs=6 * 0.1 / found.size**0.5 + 0.002)
    assert found.std() == pytest.approx(0.1, rel=0.06)


def test_guidance_goes_beyond_what_the_maps_say() -> None:
    calls = []

    def predict(maps: np.ndarray, noisy: np.ndarray, level: int) -> np.ndarray:
        calls.append(bool(maps.any()))
        return exact(0.05, 0.4 if maps.any() else 0.0)(maps, noisy, level)

    means = {}
    for guidance in (1.0, 2.0):
        calls.clear()
        maps, rng = np.ones((1, 8, 8), np.float32), np.random.default_rng(2)
        means[guidance] = draw(maps, predict, Plan("ddim", 100, guidance), rng).mean()
        assert len(calls) == (100 if guidance == 1 else 200)
    assert means[1.0] == pytest.approx(0.4, abs=0.03)
    assert means[2.0] == pytest.approx(0.8, abs=0.06)

"""The schedule, against diffusers' own of Stable Diffusion."""

import numpy as np
import pytest
from diffusers import DDIMInverseScheduler, DDIMScheduler
from hypothesis import given
from hypothesis import strategies as st
from semcom.models.latent_diffusion.schedule import LEVELS, alpha_bar, level_of, level_of_step, noise_to_signal

STABLE_DIFFUSION = {  # scheduler/scheduler_config.json of Stable Diffusion 1.5
    **{"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "clip_sample": False},
    **{"set_alpha_to_one": False, "steps_offset": 1, "num_train_timesteps": 1000},
}


def test_the_levels_are_those_of_stable_diffusion() -> None:
    expected = DDIMScheduler(**STABLE_DIFFUSION).alphas_cumprod.numpy()
    assert np.allclose([alpha_bar(level) for level in range(LEVELS)], expected, rtol=2e-5)


def test_the_grid_is_that_of_50_steps() -> None:
    scheduler, inverse = DDIMScheduler(**STABLE_DIFFUSION), DDIMInverseScheduler(**STABLE_DIFFUSION)
    for one in (scheduler, inverse):
        one.set_timesteps(50)
    grid = [level_of_step(step) for step in range(1, 51)]
    assert scheduler.timesteps.tolist() == grid[::-1]
    assert inverse.timesteps.tolist() == grid
    assert level_of_step(0) == 0


@given(st.floats(0, 999))
def test_a_level_is_found_by_its_noise(level: float) -> None:
    assert level_of(noise_to_signal(level)) == pytest.approx(level, abs=1e-6)


def test_what_is_outside_is_brought_to_the_ends() -> None:
    assert level_of(0.0) == 0
    assert level_of(1e9) == 999

"""The level of equal noise: the paper's, and where normal latents prove it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from semcom.models.latent_diffusion.schedule import alpha_bar, level_of_step, noise_to_signal
from semcom.models.latent_diffusion.step_rule import matched_level, sampling_levels

# T1 = T2 = 5 of 50, P_z = 1: by hand from eqs. 11, 12 and 17 with Stable Diffusion's betas, at diffusers' levels.
LEVELS = {0: 401, 2: 349, 5: 285, 7: 253, 10: 221, 15: 195, 20: 185}


@pytest.mark.parametrize("esn0_db", LEVELS)
def test_the_papers_table(esn0_db: int) -> None:
    level = matched_level(5, 5, 10 ** (-esn0_db / 10))
    assert level == pytest.approx(LEVELS[esn0_db], abs=0.6)
    assert len(sampling_levels(level, "paper")) == round((LEVELS[esn0_db] + 19) / 20)


def test_the_papers_own_case() -> None:
    assert len(sampling_levels(matched_level(5, 5, 10**-0.5), "paper")) == 15  # its T3 at 5 dB, from level 281
    assert sampling_levels(matched_level(5, 5, 10**-0.5), "paper")[0] == 281


@given(st.integers(0, 10), st.integers(0, 10), st.floats(-5, 25))
def test_as_much_noise_over_signal_as_there_is(inverted: int, further: int, esn0_db: float) -> None:
    noise = 10 ** (-esn0_db / 10)
    sent, end = alpha_bar(level_of_step(inverted)), alpha_bar(level_of_step(inverted + further))
    variance = 1 - end + end / sent * noise  # eq. 12
    assert noise_to_signal(matched_level(inverted, further, noise)) == pytest.approx(variance / end, rel=1e-9)


def test_the_exact_way_begins_at_the_level_itself() -> None:
    assert sampling_levels(45.0, "exact") == (45.0, 41.0, 21.0, 1.0)
    assert sampling_levels(41.0, "exact") == (41.0, 21.0, 1.0)
    assert sampling_levels(0.0, "exact") == ()
    assert len(sampling_levels(999.0, "exact")) == 51
    assert sampling_levels(0.0, "paper") == (1.0,)
    assert len(sampling_levels(999.0, "paper")) == 50


def test_no_other_level_gives_normal_latents_their_distribution_back_so_well() -> None:
    """Of normal latents of unit mean power, sampled in fine steps from every level, rescaled to it.

    Their divergence from what was sent is least at the level that is matched. The squared error is not: on normal
    latents it is least from a level of more noise, since what sampling gives has all the power of the prior.
    """
    variances = np.array([2.5, 1.0, 0.4, 0.1])
    for esn0_db in (-5, 0, 5, 10, 20, 25):
        noise = 10 ** (-esn0_db / 10)
        levels = np.arange(5, 900, 5)

        def divergence(level: float, noise: float = noise) -> float:
            share = alpha_bar(level)
            gain = share**0.5 * np.sqrt(variances / (share * variances + 1 - share))  # of the probability flow
            ratio = gain**2 * (variances + noise) / variances
            return float(np.mean(ratio - 1 - np.log(ratio)))

        best = levels[np.argmin([divergence(level) for level in levels])]
        assert abs(best - matched_level(0, 0, noise)) <= 5

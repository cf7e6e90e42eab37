"""The receiver, on normal latents whose exact denoiser is known."""

from typing import Any

import numpy as np
import pytest
from semcom.models.latent_diffusion.ddim import invert
from semcom.models.latent_diffusion.receive import Plan, restore
from semcom.models.latent_diffusion.schedule import alpha_bar

VARIANCES = np.array([2.5, 1.0, 0.4, 0.1])[:, None, None]  # of the channels; unit mean power


def denoiser(latent: np.ndarray, level: float) -> np.ndarray:
    """Expectation of the noise in a normal latent."""
    share = alpha_bar(level)
    return (1 - share) ** 0.5 * latent / (share * VARIANCES + 1 - share)


def latents(side: int = 100) -> np.ndarray:
    return np.sqrt(VARIANCES) * np.random.default_rng(1).standard_normal((4, side, side))


def over(plan: Plan, noise: np.ndarray, side: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """What was sent, and what is restored of it behind a channel with so much noise."""
    clean, rng = latents(side), np.random.default_rng(2)
    sent = invert(clean, denoiser, first=0, steps=plan.inverted)
    noise = np.broadcast_to(noise, clean.shape)
    return clean, restore(sent + np.sqrt(noise) * rng.standard_normal(clean.shape), noise, denoiser, plan, rng)


def error(plan: Plan, noise: np.ndarray) -> float:
    clean, found = over(plan, noise)
    return float(np.mean((found - clean) ** 2))


@pytest.mark.parametrize(("inverted", "further"), [(0, 0), (5, 5), (10, 0), (0, 10)])
@pytest.mark.parametrize("esn0_db", [-5, 5, 15, 25])
def test_what_is_restored_is_distributed_as_what_was_sent(inverted: int, further: int, esn0_db: int) -> None:
    noise = np.array(10 ** (-esn0_db / 10))

    def divergence(steps: Any) -> float:
        _, found = over(Plan(inverted, further, steps, rescale=True), noise)
        ratio = np.mean(found**2, (1, 2)) / VARIANCES[:, 0, 0]
        return float(np.mean(ratio - 1 - np.log(ratio)))

    matched = divergence("exact")
    assert matched < (0.1 if further < 10 else 0.3)  # inverted at the receiver alone, noise is taken for a picture
    assert matched < divergence(40)
    assert matched < divergence(1) or esn0_db > 15  # where one step is nearly the one that fits


def test_without_noise_a_latent_comes_back() -> None:
    clean, found = over(Plan(5, 5, "exact", rescale=True), np.array(0.0))
    assert np.mean((found - clean) ** 2) < 1e-3
    clean, found = over(Plan(0, 0, "exact", rescale=True), np.array(0.0))
    assert np.array_equal(found, clean)


@pytest.mark.parametrize("esn0_db", [0, 5])
def test_the_power_that_the_network_expects_brings_decibels(esn0_db: int) -> None:
    noise = np.array(10 ** (-esn0_db / 10))
    assert error(Plan(5, 5, "exact", rescale=True), noise) < 0.85 * error(Plan(5, 5, "exact", rescale=False), noise)


def test_values_that_are_equally_noisy_do_not_go_the_other_way() -> None:
    plan = Plan(5, 5, "exact", rescale=True)
    even = np.full((4, 100, 100), 0.1)
    hardly = even + 1e-6 * np.random.default_rng(3).random(even.shape)
    assert np.allclose(over(plan, even)[1], over(plan, hardly)[1], atol=1e-4)


def test_each_value_joins_at_its_own_level() -> None:
    """Over fast fading: less error than from one level of the mean, and no more than the noisiest value would have."""
    gains = np.random.default_rng(4).exponential(size=(4, 100, 100))
    noise = 0.1 / np.maximum(gains, 1e-4)
    plan = Plan(0, 0, "exact", rescale=True)
    clean, found = over(plan, noise)
    mean = np.full_like(noise, 1 / np.mean(1 / noise))
    rng = np.random.default_rng(2)
    received = clean + np.sqrt(noise) * rng.standard_normal(clean.shape)
    flat = restore(received, mean, denoiser, plan, rng)
    assert np.mean((found - clean) ** 2) < 0.5 * np.mean((flat - clean) ** 2)
    good, bad = gains > 2, gains < 0.05
    assert np.mean((found - clean)[good] ** 2) < 0.1
    assert np.mean((found - clean)[bad] ** 2) < 1.5  # without a symbol there is still the prior


def fading(shape: tuple[int, ...], esn0_db: float) -> np.ndarray:
    """Noise of values over Rayleigh fading, each with a gain of its own."""
    return 10 ** (-esn0_db / 10) / np.random.default_rng(4).exponential(size=shape)


@pytest.mark.parametrize("esn0_db", [0, 5, 10])
def test_in_deep_fades_too_what_is_restored_is_distributed_as_what_was_sent(esn0_db: int) -> None:
    """However noisy a value is: it has the power of its channel afterwards, within what the sampler's steps err by."""
    noise = fading((4, 100, 100), esn0_db)
    _, found = over(Plan(0, 0, "exact", rescale=True), noise)
    for deep in (noise > 3, noise > 30):  # at 0 dB three in ten and one in thirty
        power = np.sum(found**2 * deep, (1, 2)) / deep.sum((1, 2))
        assert power == pytest.approx(VARIANCES[:, 0, 0], rel=0.2 + 5 * (2 / deep[0].sum()) ** 0.5)


@pytest.mark.parametrize("esn0_db", [0, 5, 10, 20])
def test_one_step_over_fading_errs_three_tenths_more_than_the_posterior_mean_at_most(esn0_db: int) -> None:
    """Of normal latents that is the Wiener filter of each value."""
    noise = fading((4, 100, 100), esn0_db)
    least = np.mean(VARIANCES * noise / (VARIANCES + noise))
    assert least < error(Plan(0, 0, "one", rescale=True), noise) < 1.3 * least


@pytest.mark.parametrize(("steps", "most"), [("linear", 1.1), ("exact", 2.0), ("one", 2.0)])
def test_erased_values_cost_the_others_nothing(steps: Any, most: float) -> None:
    """`channels/erasures` gives them a noise of 1e9: single precision has no room for that beside the others' 0.1."""
    clean, rng = latents(), np.random.default_rng(2)
    erased = rng.random(clean.shape) < 0.4
    received = np.where(erased, 0, clean + 0.1**0.5 * rng.standard_normal(clean.shape)).astype(np.float32)
    noise = np.where(erased, 1e9, 0.1).astype(np.float32)
    found = restore(received, noise, denoiser, Plan(0, 0, steps, rescale=True), rng)
    wiener = np.mean(VARIANCES * 0.1 / (VARIANCES + 0.1))
    assert np.mean((found - clean)[~erased] ** 2) < most * wiener
    assert np.mean((found - clean)[erased] ** 2) < 1.1 * np.mean(VARIANCES)  # their mean is 0, and they have its power


@pytest.mark.parametrize("others", [0.0, 1e9], ids=["without noise", "erased"])
def test_values_that_have_no_noise_or_were_erased_do_not_say_from_which_level_one_step_goes(others: float) -> None:
    """Were they the most, it would go from the first level or the last, and leave the others as they came."""
    noise = np.where(np.random.default_rng(6).random((4, 100, 100)) < 0.6, others, 0.3)
    clean, rng = latents(), np.random.default_rng(2)
    received = np.where(noise > 1, 0, clean + np.sqrt(noise) * rng.standard_normal(clean.shape))
    found = restore(
        received.astype(np.float32), noise.astype(np.float32), denoiser, Plan(0, 0, "one", rescale=True), rng
    )
    wiener = np.mean(VARIANCES * 0.3 / (VARIANCES + 0.3))
    assert np.mean((found - clean)[noise == 0.3] ** 2) < 1.15 * wiener
    assert np.all((found - clean)[noise == 0] ** 2 < 2e-3)


def test_the_same_draws_give_the_same_latent() -> None:
    noise = np.random.default_rng(5).uniform(0.01, 1, (4, 20, 20))
    plan = Plan(5, 5, "paper", rescale=True)
    assert np.array_equal(over(plan, noise, 20)[1], over(plan, noise, 20)[1])


def test_a_number_of_steps_is_taken_whatever_the_noise() -> None:
    asked: list[float] = []

    def counting(latent: np.ndarray, level: float) -> np.ndarray:
        asked.append(level)
        return denoiser(latent, level)

    received = latents(8)
    restore(received, np.full(received.shape, 0.3), counting, Plan(0, 0, 10, rescale=False), np.random.default_rng(0))
    assert asked == [float(20 * step + 1) for step in range(9, -1, -1)]


@pytest.mark.parametrize("esn0_db", [-5, 0, 10, 20])
def test_the_linear_estimate_errs_as_little_as_a_linear_one_of_each_value_can(esn0_db: int) -> None:
    """By the Wiener filter of each channel's own power, though that is measured in what arrived."""
    noise = np.array(10 ** (-esn0_db / 10))
    first = 0.00085 / (1 - 0.00085)  # a clean latent is taken for one at level 0
    v = first + noise / (1 - 0.00085)
    expected = float(np.mean(VARIANCES * v / (VARIANCES + v)))
    assert error(Plan(0, 0, "linear", rescale=True), noise) == pytest.approx(expected, rel=0.02, abs=2 * first)


def test_the_linear_estimate_weighs_each_value_by_its_own_noise() -> None:
    noise = np.random.default_rng(5).choice([0.01, 4.0], (4, 100, 100))
    clean, found = over(Plan(0, 0, "linear", rescale=True), noise)
    received = clean + np.sqrt(noise) * np.random.default_rng(2).standard_normal(clean.shape)
    wiener = VARIANCES / (VARIANCES + noise) * received  # knows the powers
    assert np.mean((found - clean) ** 2) == pytest.approx(np.mean((wiener - clean) ** 2), rel=5e-3)
    nothing = np.zeros((4, 2, 2), np.float32)
    assert not restore(nothing, nothing, denoiser, Plan(0, 0, "linear", rescale=True), np.random.default_rng(0)).any()


@pytest.mark.parametrize("esn0_db", [-5, 5])
def test_the_linear_estimate_knows_what_a_channel_is_about(esn0_db: int) -> None:
    """A channel with a mean errs as one without: the mean is not shrunk."""
    v, means = 10 ** (-esn0_db / 10), np.array([1.5, -1.0, 0.3, 0.0])[:, None, None]
    clean, rng = means + latents(), np.random.default_rng(2)
    received = clean + v**0.5 * rng.standard_normal(clean.shape)
    found = restore(received, np.full(clean.shape, v), denoiser, Plan(0, 0, "linear", rescale=True), rng)
    expected = float(np.mean(VARIANCES * v / (VARIANCES + v)))
    assert np.mean((found - clean) ** 2) == pytest.approx(expected, rel=0.02)


def test_one_step_is_the_posterior_mean_of_normal_latents() -> None:
    noise = np.array(0.3)
    clean, found = over(Plan(0, 0, "one", rescale=True), noise)
    rng = np.random.default_rng(2)
    received = clean + np.sqrt(noise) * rng.standard_normal(clean.shape)
    assert np.mean((found - VARIANCES / (VARIANCES + noise) * received) ** 2) < 2e-3  # but for the noise of level 0
    assert error(Plan(0, 0, "one", rescale=True), noise) < error(Plan(0, 0, "exact", rescale=True), noise)
    linear = error(Plan(0, 0, "linear", rescale=True), noise)  # as good: these latents are not alike at neighbours
    assert error(Plan(0, 0, "one", rescale=True), noise) == pytest.approx(linear, rel=0.01)


def test_drawn_noise_of_a_level_is_answered_by_that_level() -> None:
    """The same divergence from what was sent, though not the same way; and more error, since it says nothing."""
    noise = np.array(0.1)
    drawn = Plan(0, 10, "exact", rescale=True, inversion="noise")
    _, found = over(drawn, noise)
    ratio = np.mean(found**2, (1, 2)) / VARIANCES[:, 0, 0]
    assert float(np.mean(ratio - 1 - np.log(ratio))) < 0.1
    assert error(drawn, noise) > error(drawn._replace(inversion="ddim"), noise)


def test_noise_is_added_up_to_a_level_whatever_the_channels_was() -> None:
    """Img2Img-SC: 30 steps of 50 begin at level 581, where diffusers' pipelines begin at a strength of 0.6."""
    asked: list[tuple[np.ndarray, float]] = []

    def watching(latent: np.ndarray, level: float) -> np.ndarray:
        asked.append((latent, level))
        return denoiser(latent, level)

    received, plan = latents(), Plan(0, 30, 30, rescale=False, inversion="noise")
    for noise in (0.0, 0.3, np.random.default_rng(5).uniform(0.01, 1, received.shape)):
        asked.clear()
        restore(received, np.broadcast_to(noise, received.shape), watching, plan, np.random.default_rng(0))
        first, level = asked[0]
        assert (len(asked), level) == (30, 581.0)
        added = first - alpha_bar(581) ** 0.5 * received
        expected = 1 - alpha_bar(581)
        spread = 4 * expected * (2 / added.size) ** 0.5
        assert np.mean(added**2) == pytest.approx(expected, abs=spread + 1e-3)  # a latent is taken for one at level 0
        assert np.mean(added * received) == pytest.approx(0, abs=4 * (expected / added.size) ** 0.5)

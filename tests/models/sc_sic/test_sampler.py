"""The sampling loop: DDPM as diffusers has it, DDIM as an Euler step, guidance, and what it refuses."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from semcom.models.sc_sic.sampler import sample, step_back
from semcom.models.sc_sic.schedule import alpha_bar
from torch import Tensor

SHAPE = (2, 4, 8, 8)


def drawing(seed: int, counts: list[int] | None = None) -> Callable[[], Tensor]:
    generator = torch.Generator().manual_seed(seed)

    def draw() -> Tensor:
        if counts is not None:
            counts.append(1)
        return torch.randn(SHAPE, generator=generator)

    return draw


def odd_network(x: Tensor, t: Tensor, conditioning: Any) -> Tensor:
    """Not linear, and other at each time."""
    return torch.tanh(conditioning * x) + t[:, None, None, None] * x.roll(1, -1)


def run(network: Any = odd_network, conditioning: Any = 0.7, seed: int = 1, **options: Any) -> Tensor:
    return sample(network, conditioning, drawing(seed), **options)


@pytest.mark.parametrize("steps", [1, 10])
def test_ddpm_is_diffusers(steps: int) -> None:
    from diffusers import DDPMWuerstchenScheduler

    scheduler = DDPMWuerstchenScheduler()
    scheduler.set_timesteps(steps)
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(SHAPE, generator=generator)
    for now in scheduler.timesteps[:-1]:
        t = now.expand(SHAPE[0])
        x = scheduler.step(odd_network(x, t, 0.7), t, x, generator=generator).prev_sample
    torch.testing.assert_close(run(seed=3, steps=steps), x, rtol=1e-3, atol=1e-3 * x.std().item())


@pytest.mark.parametrize(("now", "then"), [(1.0, 0.9), (0.6, 0.5), (0.1, 0.0)])
def test_one_ddpm_step_is_diffusers(now: float, then: float) -> None:
    from diffusers import DDPMWuerstchenScheduler

    scheduler = DDPMWuerstchenScheduler()
    scheduler.set_timesteps(10)
    draw = drawing(4)
    x, epsilon = draw(), draw()
    theirs = scheduler.step(epsilon, torch.full((2,), now), x, generator=torch.Generator().manual_seed(5)).prev_sample
    noise = torch.randn(SHAPE, generator=torch.Generator().manual_seed(5))
    torch.testing.assert_close(step_back(x, epsilon, noise, now=now, then=then), theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("steps", [2, 10, 50])
def test_ddim_is_an_euler_step(steps: int) -> None:
    # Song et al., eq. 13: of x / sqrt(alpha_bar) over sqrt((1 - alpha_bar) / alpha_bar)
    x = drawing(6)().double()
    times = torch.linspace(1, 0, steps + 1, dtype=torch.float64)
    ours = sample(odd_network, torch.tensor(0.7), lambda: x, steps=steps, eta=0.0)  # type: ignore[arg-type]
    shares = alpha_bar(times).tolist()
    y = x.numpy() / math.sqrt(shares[0])
    for t, share, after in zip(times.tolist(), shares, shares[1:], strict=False):
        at = torch.from_numpy(y * math.sqrt(share))
        epsilon = odd_network(at, torch.full((2,), t, dtype=torch.float64), 0.7).numpy()
        y = y + (math.sqrt((1 - after) / after) - math.sqrt((1 - share) / share)) * epsilon
    np.testing.assert_allclose(ours.numpy(), y * math.sqrt(shares[-1]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_a_perfect_denoiser_lands_on_the_picture(eta: float) -> None:
    clean = drawing(7)()

    def perfect(x: Tensor, t: Tensor, _: Any) -> Tensor:
        share = alpha_bar(t)[:, None, None, None]
        return (x - share.sqrt() * clean) / (1 - share).sqrt()

    # at t = 0 the schedule leaves a ten-thousandth of noise, and no new one is drawn
    assert (run(perfect, steps=10, eta=eta) - clean).abs().max() < 0.06


def test_what_is_drawn() -> None:
    for eta, steps, expected in ((1.0, 10, 10), (0.3, 4, 4), (0.0, 10, 1), (1.0, 1, 1)):
        counts: list[int] = []
        sample(odd_network, 0.7, drawing(1, counts), steps=steps, eta=eta)  # type: ignore[arg-type]
        assert len(counts) == expected


def test_same_draws_same_latents() -> None:
    for eta in (0.0, 1.0):
        assert torch.equal(run(eta=eta), run(eta=eta))
        assert not torch.equal(run(eta=eta), run(eta=eta, seed=2))


def test_temperature_scales_all_noise() -> None:
    # a denoiser that always says "no noise" leaves a linear chain, which scales as its noise does
    def silent(x: Tensor, *_: Any) -> Tensor:
        return torch.zeros_like(x)

    torch.testing.assert_close(run(silent, temperature=0.5), 0.5 * run(silent))
    assert not run(temperature=0.0).any()


@pytest.mark.parametrize("rho", [0.0, 0.7, 1.0])
def test_guidance_formula(rho: float) -> None:
    # one step of DDIM from t = 1 shows epsilon itself
    x = drawing(8)()
    told, untold = (odd_network(x, torch.ones(2), value).double().numpy() for value in (0.7, 0.2))
    mixed = untold + 1.5 * (told - untold)
    wide = mixed.reshape(2, -1).std(1, ddof=1) / told.reshape(2, -1).std(1, ddof=1)
    expected = mixed * (rho / wide + 1 - rho)[:, None, None, None]
    out = run(seed=8, steps=1, guidance=1.5, unconditional=0.2, rescale=rho).double().numpy()
    last, first = (alpha_bar(torch.tensor(t, dtype=torch.float64)).item() for t in (0.0, 1.0))
    clean = (x.double().numpy() - math.sqrt(1 - first) * expected) / math.sqrt(first)
    sigma2 = (1 - last) / (1 - first) * (1 - first / last)
    np.testing.assert_allclose(
        out, math.sqrt(last) * clean + math.sqrt(1 - last - sigma2) * expected, rtol=1e-4, atol=2e-3
    )


def test_guidance_of_one_needs_no_second_branch() -> None:
    assert torch.equal(run(guidance=1.0), run(guidance=1.0, unconditional=0.2))
    with pytest.raises(ValueError, match="guidance: expected an unconditional conditioning where it is not 1"):
        run(guidance=1.1)


@pytest.mark.parametrize("steps", [0, -1, 51])
def test_steps_out_of_range(steps: int) -> None:
    with pytest.raises(ValueError, match=f"steps: expected 1 to 50, got {steps}"):
        run(steps=steps)

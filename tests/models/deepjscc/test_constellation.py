"""Frames on a constellation in training, beside the blocks that stream them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from semcom.blocks.envelope import Header, State
from semcom.blocks.mappers.from_constellation import FromConstellation
from semcom.blocks.mappers.to_constellation import ToConstellation
from semcom.models.deepjscc.constellation import (
    over_constellation,
    posterior,
    send,
    soft_assignment,
    told_esn0_db,
)
from semcom.models.training.frames import over_channel
from semcom.sim.constellations.gaussian import effective_esn0_db, gaussian_grid, posterior_mean

ORDERS = (2, 4, 6, 8)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.mark.parametrize("bits", ORDERS)
def test_the_soft_assignment_becomes_the_nearest_point(bits: int) -> None:
    grid = gaussian_grid(bits)
    u = torch.randn(500, generator=generator())
    edges = torch.tensor((grid.levels[1:] + grid.levels[:-1]) / 2)
    u = u[(u[:, None] - edges).abs().min(1).values > 1e-3 * grid.step]
    nearest = np.abs(u.numpy()[:, None] - grid.levels).argmin(1)
    hard = soft_assignment(u, grid, 1e5) * (1 - grid.distortion)
    np.testing.assert_allclose(hard.numpy(), grid.centroid[nearest], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bits", ORDERS)
def test_a_soft_assignment_follows_the_features(bits: int) -> None:
    grid = gaussian_grid(bits)
    u = torch.linspace(float(grid.levels[0]), float(grid.levels[-1]), 200, requires_grad=True)
    soft_assignment(u, grid, 1.5).sum().backward()
    assert u.grad is not None
    assert (u.grad > 0.02).all()
    assert 0.5 < float(u.grad.mean()) < 2


@pytest.mark.parametrize("bits", ORDERS)
def test_torch_and_numpy_estimate_alike(bits: int) -> None:
    grid = gaussian_grid(bits)
    z = 2 * torch.randn(200, generator=generator())
    n0 = torch.rand(200, generator=generator()) + 1e-3
    mean, variance = posterior(z, n0, grid)
    expected = posterior_mean(grid, z.numpy(), n0.numpy())
    np.testing.assert_allclose(mean.numpy(), expected[0], atol=2e-4)
    np.testing.assert_allclose(variance.numpy(), expected[1], atol=2e-4)


@pytest.mark.parametrize("bits", ORDERS)
def test_training_without_noise_sees_what_the_blocks_give(bits: int) -> None:
    features = 3 * torch.randn(2, 1024, generator=generator())
    received, n0 = over_constellation(
        features, torch.full((2,), 1e-6), ["none", "none"], generator(), bits_per_symbol=bits, softness=2.0
    )
    for row in range(2):
        out = ToConstellation(ToConstellation.Params(bits_per_symbol=bits), name="map").work(features[row].numpy())
        header = Header().with_fields(*out.header)
        streamed = FromConstellation(name="unmap").work(out.value, header, State(n0=1e-6))
        scale = float(features[row].square().mean().sqrt())
        difference = np.mean((streamed.value - received[row].numpy()) ** 2) / scale**2
        assert difference < 0.02  # the scale in half precision moves a few of 1024 to the next level
        assert streamed.state.n0 == pytest.approx(float(n0[row, 0]), rel=0.02)


@pytest.mark.parametrize("fading", ["none", "block", "fast"])
def test_gradients_flow_through_points_and_channel(fading: str) -> None:
    features = torch.randn(1, 512, generator=generator(), requires_grad=True)
    received, n0 = over_constellation(
        features, torch.tensor([0.1]), [fading], generator(), bits_per_symbol=4, softness=2.0
    )
    weight = torch.randn(1, 512, generator=generator())
    (received * weight).sum().backward()
    assert features.grad is not None
    assert torch.isfinite(features.grad).all()
    alike = torch.nn.functional.cosine_similarity(features.grad, weight)
    assert float(alike) > 0.7  # straight through: what the receiver would like changed is what is changed
    assert (n0 > 0.1).all()
    assert not n0.requires_grad


def test_frames_of_zeros_and_of_deep_fades_stay_finite() -> None:
    received, n0 = over_constellation(
        torch.zeros(1, 256), torch.tensor([1e4]), ["fast"], generator(), bits_per_symbol=8, softness=2.0
    )
    assert torch.isfinite(received).all()
    assert torch.isfinite(n0).all()


def test_without_a_constellation_nothing_changes() -> None:
    features, esn0_db = torch.randn(2, 64, generator=generator()), torch.tensor([3.0, 9.0])
    fading = ["none", "fast"]
    expected = over_channel(features, 10 ** (-esn0_db / 10), fading, generator())  # type: ignore[arg-type]
    found = send(features, esn0_db, fading, generator(), None, 1.0)  # type: ignore[arg-type]
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    torch.testing.assert_close(told_esn0_db(esn0_db, None), esn0_db)


def test_the_encoder_reckons_with_both_noises_within_its_range() -> None:
    told = told_esn0_db(torch.tensor([0.0, 10.0, 20.0]), 4)
    assert float(told[0]) == 0  # the effective one is below
    assert told[1:].tolist() == pytest.approx([effective_esn0_db(4, 10.0), effective_esn0_db(4, 20.0)], abs=1e-4)


@pytest.mark.parametrize("bits", ORDERS)
def test_the_gradient_knows_that_power_costs_noise(bits: int) -> None:
    """All features times two is the same frame: the relative error stays, and so has no gradient along the features."""
    features = torch.randn(1, 4096, generator=generator(), requires_grad=True)
    received, _ = over_constellation(
        features, torch.tensor([0.3]), ["none"], generator(), bits_per_symbol=bits, softness=1.0
    )
    relative = (received - features).square().sum() / features.square().sum()
    relative.backward()
    assert features.grad is not None
    along = float((features.grad * features.detach()).sum())
    assert along == pytest.approx(0, abs=0.02 * float(relative.detach()))

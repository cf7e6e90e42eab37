"""Both ends, against what the linear code does, and what learns from what."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from semcom.models.ntscc.network import Ntscc, part_of
from semcom.models.ntscc.step import link
from semcom.models.patch_rates.rate_map import LEVELS
from semcom.models.patch_rates.told import Told

from .conftest import TINY


def told(level: int, esn0_db: float, *grid: int) -> Told:
    return Told(torch.full((1, *grid), level), torch.tensor([5]), torch.tensor([esn0_db]))


def test_before_training_it_is_the_linear_code(network: Callable[..., Ntscc]) -> None:
    """All components sent without noise: the picture's projection on the basis, here all of the picture."""
    net = network(loud=False)
    components = torch.randn(1, 6, LEVELS[-1]) * net.klt.variance.sqrt() * 0.1
    images = net.klt.inverse(components, 32, 48) + net.klt.mean.view(1, 3, 1, 1)
    known = told(len(LEVELS) - 1, 20.0, 2, 3)
    features = net.send(net.latents(images, known.esn0_db), known)
    n0 = torch.full_like(features, 1e-6)
    assert torch.allclose(net.receive(features, n0, known), images, atol=1e-3)


def test_noise_and_lost_components_leave_the_error_of_the_lmmse_receiver(network: Callable[..., Ntscc]) -> None:
    """Components of the basis' own variances, half of them sent: sum of what is lost and lambda N0 / (p + N0)."""
    net = network(loud=False)
    generator = torch.Generator().manual_seed(3)
    variance = net.klt.variance
    components = torch.randn(1, 24 * 24, LEVELS[-1], generator=generator) * variance.sqrt()
    images = net.klt.inverse(components, 384, 384) + net.klt.mean.view(1, 3, 1, 1)
    known, n0 = told(7, 6.0, 24, 24), 10**-0.6
    features = net.send(net.latents(images, known.esn0_db), known)
    noisy = features + n0**0.5 * torch.randn(features.shape, generator=generator) * (features != 0)
    found = net.receive(noisy, torch.full_like(features, n0), known) - images
    power = features[0, :, :128].square().mean(0)  # of each component, as sent
    expected = variance[128:].sum() + (variance[:128] * n0 / (power + n0)).sum()
    assert float(found.square().sum() / (24 * 24)) == pytest.approx(float(expected), rel=0.03)


def test_a_patch_sends_what_its_level_says(network: Callable[..., Ntscc]) -> None:
    net = network()
    known = Told(torch.tensor([[[0, 15], [3, 7]]]), torch.tensor([5]), torch.tensor([10.0]))
    features = net.send(net.latents(torch.rand(1, 3, 32, 32), known.esn0_db), known)
    assert (features[0] != 0).sum(1).tolist() == [16, 256, 64, 128]


def test_without_blocks_a_patch_is_a_matter_of_its_own(network: Callable[..., Ntscc]) -> None:
    """Strides alone look at no neighbour, in either direction."""
    none = {"analysis_blocks": (0, 0, 0), "encoder_blocks": 0, "decoder_blocks": 0, "synthesis_blocks": (0, 0)}
    net, known = network(TINY.model_copy(update=none)), told(15, 10.0, 3, 3)
    images = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(2))
    other = images.clone()
    other[:, :, 16:32, 16:32] = 0.5
    one, two = (net.latents(picture, known.esn0_db) for picture in (images, other))
    changed = (one != two).any(1)[0]
    assert changed.nonzero().tolist() == [[1, 1]]
    features = net.send(one, known)
    moved = features.clone()
    moved[:, 4] += 0.5
    pictures = [net.receive(sent, torch.full_like(sent, 0.1), known) for sent in (features, moved)]
    where = (pictures[0] - pictures[1]).abs().amax(1)[0] > 1e-6
    assert where[16:32, 16:32].all()
    assert where.sum() == 16 * 16


def test_the_transform_learns_nothing_of_what_its_latents_cost(network: Callable[..., Ntscc]) -> None:
    net = network().train().requires_grad_()
    entropy = net.entropy(torch.rand(1, 3, 64, 64), torch.tensor([10.0]), torch.Generator().manual_seed(1))[1]
    (entropy.patch_bits.sum() + entropy.side_bits.sum()).backward()
    learnt = {part_of(name) for name, value in net.named_parameters() if value.grad is not None}
    assert learnt == {"entropy"}
    assert all(value.grad is not None for name, value in net.named_parameters() if part_of(name) == "entropy")


def test_a_link_is_differentiable(network: Callable[..., Ntscc]) -> None:
    net = network().train().requires_grad_()
    images, eta = torch.rand(3, 3, 32, 32), torch.full((3,), 0.1)
    passed = link(
        net,
        images,
        eta,
        torch.tensor([5.0, 9.0, 20.0]),
        ["none", "block", "fast"],
        torch.Generator().manual_seed(1),
        learns_entropy=True,
    )
    assert passed.picture.shape == images.shape
    passed.picture.square().mean().backward()
    without = {part_of(name) for name, value in net.named_parameters() if value.grad is None}
    assert without == {"entropy"}
    assert passed.heard_db[0] == pytest.approx(5, abs=0.01)

"""The optimiser `Muon`: against the singular value decomposition, and AdamW where it is AdamW."""

import copy

import pytest
import torch
from semcom.models.training.muon import Muon, orthogonal
from torch import nn


@pytest.mark.parametrize("shape", [(16, 16), (9, 200), (200, 9)])
def test_directions_stay_and_singular_values_come_near_one(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    matrix *= torch.linspace(0.2, 3, shape[1])
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    for turned in (orthogonal(matrix), orthogonal(torch.stack([matrix.flip(0), matrix]))[1]):
        within = left.T @ turned @ right.T  # nearly diagonal: in the directions that it had
        assert torch.diag(within).sub(1).abs().max() < 0.35
        assert (within - torch.diag(torch.diag(within))).abs().max() < 0.05


def test_a_first_step_of_a_matrix_is_known() -> None:
    """Along U V^T, by the root mean square of AdamW's steps, whatever the gradient's size."""
    network = nn.Linear(32, 64, bias=False)
    before = network.weight.detach().clone()
    gradient = torch.randn(64, 32, generator=torch.Generator().manual_seed(1))
    network.weight.grad = 1000 * gradient
    Muon([{"params": [network.weight]}], lr=0.1).step()
    left, _, right = torch.linalg.svd(gradient, full_matrices=False)
    expected = 0.1 * 0.2 * 64**0.5 * left @ right
    step = before - network.weight.detach()
    assert (step - expected).norm() < 0.3 * expected.norm()
    assert float(step.square().mean().sqrt()) == pytest.approx(0.1 * 0.2, rel=0.25)
    assert network.weight.grad is not None


def test_what_is_no_matrix_goes_as_by_adamw() -> None:
    one, other = (nn.Conv2d(3, 8, 3) for _ in range(2))  # fewer than 9 rows
    other.load_state_dict(one.state_dict())
    optimizers = (
        Muon([{"params": [p]} for p in one.parameters()], lr=0.01, weight_decay=0.1),
        torch.optim.AdamW(other.parameters(), lr=0.01, weight_decay=0.1),
    )
    for number in range(5):
        for network, optimizer in zip((one, other), optimizers, strict=True):
            optimizer.zero_grad()
            torch.manual_seed(number)
            network(torch.randn(2, 3, 8, 8)).square().mean().backward()
            optimizer.step()
    for found, expected in zip(one.parameters(), other.parameters(), strict=True):
        assert torch.allclose(found, expected, atol=1e-7)


def test_weights_decay_and_a_state_that_is_restored_goes_on_alike() -> None:
    def made() -> tuple[nn.Linear, Muon]:
        torch.manual_seed(1)
        network = nn.Linear(16, 16)
        return network, Muon([{"params": [p]} for p in network.parameters()], lr=0.02, weight_decay=0.5)

    def steps(network: nn.Linear, optimizer: Muon, count: int) -> None:
        for number in range(count):
            network(torch.full((1, 16), 1.0 + number)).square().sum().backward()
            optimizer.step()
            optimizer.zero_grad()

    network, optimizer = made()
    steps(network, optimizer, 3)
    held = copy.deepcopy((network.state_dict(), optimizer.state_dict()))
    steps(network, optimizer, 1)
    again, restored = made()
    again.load_state_dict(held[0])
    restored.load_state_dict(held[1])
    steps(again, restored, 1)
    assert torch.equal(network.weight, again.weight)
    still, decays = made()
    still.weight.grad = torch.zeros_like(still.weight)
    before = still.weight.detach().clone()
    decays.step()
    assert torch.allclose(still.weight, before * (1 - 0.02 * 0.5))

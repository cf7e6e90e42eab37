"""AdamW and Muon as a training takes them: against torch's own, and from device to device."""

import copy
from typing import Any

import pytest
import torch
from semcom.models.training.adamw import AdamW
from semcom.models.training.muon import Muon
from torch import nn


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 12, 3), nn.Conv2d(12, 12, 3), nn.Conv2d(12, 12, 3), nn.Conv2d(12, 3, 1))


def groups(network: nn.Module) -> list[dict[str, Any]]:
    return [{"params": [p], "name": name} for name, p in network.named_parameters()]


def gradients(network: nn.Module, number: int) -> None:
    """Of full rank: Muon makes noise of directions that a gradient does not have."""
    generator = torch.Generator().manual_seed(number)
    for parameter in network.parameters():
        drawn = torch.randn(parameter.shape, generator=generator)
        parameter.grad = torch.empty_like(parameter).copy_(drawn)


def assert_moved_alike(begin: nn.Module, one: nn.Module, other: nn.Module) -> None:
    """But for rounding: products of Muon are in bfloat16."""
    for start, a, b in zip(begin.parameters(), one.parameters(), other.parameters(), strict=True):
        assert (a - b).norm() < 0.1 * (a - start).norm()


def test_groups_of_equal_settings_go_together_and_come_to_the_same() -> None:
    one, other = network(), network()
    mine = AdamW(groups(one), lr=0.01, weight_decay=0.1)
    torchs = torch.optim.AdamW(groups(other), lr=0.01, weight_decay=0.1, foreach=True)
    for number in range(3):
        for trained, optimizer in ((one, mine), (other, torchs)):
            gradients(trained, number)
            optimizer.param_groups[0]["lr"] = 0.03
            optimizer.step()
    assert len(mine.param_groups) == 8
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("optimizer", [AdamW, Muon])
def test_a_fused_step_is_the_same_but_for_rounding_and_leaves_itself_out(optimizer: Any) -> None:
    one, other = network(), network()
    plain, fused = optimizer(groups(one), lr=0.001), optimizer(groups(other), lr=0.001, fused=True)
    for number in range(4):
        bad = torch.tensor(number == 2)
        for trained, steps in ((one, plain), (other, fused)):
            gradients(trained, number)
            if number == 2:
                for parameter in trained.parameters():
                    parameter.grad.fill_(torch.nan)  # type: ignore[union-attr]
            steps.step_unless(bad)
    assert_moved_alike(network(), one, other)
    for a, b in zip(plain.state.values(), fused.state.values(), strict=True):
        assert float(a["step"]) == float(b["step"]) == 3


@pytest.mark.parametrize("optimizer", [AdamW, Muon])
@pytest.mark.parametrize("fused", [False, True])
def test_a_state_goes_on_however_the_other_one_computes(optimizer: Any, *, fused: bool) -> None:
    """Of a CPU on a GPU and back: settings of how to compute stay the own ones, strides those of the parameters."""
    one = network()
    before = optimizer(groups(one), lr=0.001, fused=fused)
    gradients(one, 0)
    before.step()
    begin = copy.deepcopy(one)
    other = copy.deepcopy(one).to(memory_format=torch.channels_last)
    after = optimizer(groups(other), lr=0.001, fused=not fused)
    after.load_state_dict(copy.deepcopy(before.state_dict()))
    assert {(group["fused"], group["foreach"]) for group in after.param_groups} == {
        (None, True) if fused else (True, None)
    }
    assert all(value.stride() == p.stride() for p, s in after.state.items() for value in s.values() if value.ndim)
    for trained, steps in ((one, before), (other, after)):
        gradients(trained, 1)
        steps.step_unless(torch.tensor(False))
    assert_moved_alike(begin, one, other)

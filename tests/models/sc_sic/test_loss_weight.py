import pytest
import torch
from semcom.models.sc_sic.loss_weight import AdaptiveLossWeight


def test_the_weight_is_one_over_the_running_loss_of_its_level():
    weight = AdaptiveLossWeight(buckets=4, bounds=(-10.0, 10.0), decay=0.9)
    level, other = torch.tensor([-5.0]), torch.tensor([5.0])
    assert float(weight(level)) == 1
    running = 1.0
    for loss in (0.5, 0.25, 4.0):
        weight.follow(level, torch.tensor([loss]))
        running = 0.9 * running + 0.1 * loss
        assert float(weight(level)) == pytest.approx(1 / running, rel=1e-6)
    assert float(weight(other)) == 1


def test_levels_beyond_the_bounds_share_the_outer_buckets_and_a_loss_of_nothing_is_bounded():
    weight = AdaptiveLossWeight(buckets=4, bounds=(-10.0, 10.0), decay=0.0)
    weight.follow(torch.tensor([-12.0]), torch.tensor([0.0]))
    assert float(weight(torch.tensor([-50.0]))) == pytest.approx(1e4)
    assert float(weight(torch.tensor([50.0]))) == 1


def test_one_broken_step_is_not_remembered():
    weight = AdaptiveLossWeight()
    weight.follow(torch.tensor([-5.0, 5.0, 0.1]), torch.tensor([float("nan"), float("inf"), 0.5]))
    assert weight(torch.tensor([-5.0, 5.0])).tolist() == [1, 1]
    assert float(weight(torch.tensor([0.1]))) > 1


def test_the_stable_cascade_sizes_and_what_a_checkpoint_keeps():
    weight = AdaptiveLossWeight()
    assert weight.losses.shape == (300,)
    assert list(weight.state_dict()) == ["losses"]

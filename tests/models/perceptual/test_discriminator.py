import numpy as np
import pytest
import torch
from semcom.models.perceptual.discriminator import Discriminator, cut_alike, detail_levels, sides
from torch import Tensor, nn


class Brightness(nn.Module):
    """A judge whose logits are known: a gain times how much brighter a picture is than grey."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(2.0))

    def forward(self, pictures: Tensor, photographs: Tensor) -> Tensor:
        return self.gain * (pictures.mean((1, 2, 3)) - 0.5)


def test_both_losses_are_those_of_the_papers_logits() -> None:
    made, real = torch.full((2, 3, 8, 8), 0.25), torch.full((2, 3, 8, 8), 1.0)
    found = sides(Brightness(), made, real)  # logits -1/2 and 1
    assert found.generator.item() == pytest.approx(np.logaddexp(0, 0.5))
    assert found.discriminator.item() == pytest.approx(np.logaddexp(0, -0.5) + np.logaddexp(0, -1))


def test_neither_side_learns_by_the_others_loss() -> None:
    judge, real = Brightness(), torch.ones(1, 3, 8, 8)
    made = torch.full((1, 3, 8, 8), 0.25, requires_grad=True)
    sides(judge, made, real).generator.backward()
    assert judge.gain.grad is None
    # d/dx log(1 + exp(-2 (x - 1/2))) at x = 1/4, shared among 192 values
    assert made.grad is not None
    assert made.grad.flatten()[0].item() == pytest.approx(-2 / (1 + np.exp(-0.5)) / 192)
    made.grad = None
    sides(judge, made, real).discriminator.backward()
    assert made.grad is None
    assert judge.gain.grad is not None


def test_it_learns_to_tell_noise_from_flat_pictures() -> None:
    torch.manual_seed(0)
    judge = Discriminator((8, 16), contrast=2.0)
    optimizer = torch.optim.Adam(judge.parameters(), 1e-2)
    flat = torch.full((4, 3, 16, 16), 0.5)
    for _ in range(30):
        loss = sides(judge, flat + 0.3 * torch.randn(flat.shape), flat).discriminator
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 2 * np.log(2) / 2  # half of what guessing costs


def test_logits_are_of_patches_and_their_layers_are_bounded() -> None:
    torch.manual_seed(0)
    judge = Discriminator((8, 16, 32), contrast=8.0)
    assert judge(torch.rand(2, 3, 32, 64), torch.rand(2, 3, 32, 64)).shape == (2, 1, 4, 8)
    for layer in judge.layers:
        if isinstance(layer, nn.Conv2d):
            for _ in range(200):
                _ = layer.weight  # the power iteration goes on with each use in training
            largest = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
            assert largest.item() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    ("period", "details"),
    [(2, (4 / 3, 0)), (4, (2 / 3, 4 / 3))],  # of + - + -: each less the mean of itself and two others; then of + + - -
)
def test_levels_are_of_the_detail_at_two_sizes(period: int, details: tuple[float, float]) -> None:
    stripes = torch.ones(32).reshape(-1, period)
    stripes[:, period // 2 :] = -1
    levels = detail_levels(0.5 + 0.1 * stripes.flatten().expand(1, 3, 32, 32))
    assert levels.shape == (1, 2, 4, 4)
    expected = [0.5 * np.log((0.1 * detail) ** 2 + 1e-4) + 3 for detail in details]
    inner = levels[0, :, 1:3, 1:3].flatten(1)  # away from the edges, where means have fewer pixels
    assert inner.T.numpy() == pytest.approx(np.tile(expected, (4, 1)), abs=1e-5)


def test_a_picture_is_seen_less_the_photographs_mean_colours() -> None:
    judge, seen = Discriminator((4,), contrast=8.0), []
    judge.layers[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    picture, photograph = torch.rand(1, 3, 16, 40), torch.full((1, 3, 16, 40), 0.25)
    photograph[..., 16:] = torch.tensor([0.0, 1.0]).repeat(12)  # stripes, grey in the mean
    judge(picture, photograph)
    colours = torch.full((40,), 0.25)
    colours[12:20] += 0.25 * (torch.arange(8) + 0.5) / 8  # from the middle of one block to that of the next
    colours[20:] = 0.5
    colours = colours.expand(1, 3, 16, 40)
    torch.testing.assert_close(seen[0][:, :6], torch.cat([8 * (picture - colours), 2 * colours - 1], 1))


def test_pictures_are_cut_alike_and_anywhere() -> None:
    rng, places = np.random.default_rng(0), set()
    rows, columns = torch.meshgrid(torch.arange(24.0), torch.arange(32.0), indexing="ij")
    picture = torch.stack([rows, columns, rows])[None]
    for _ in range(999):  # one of the 81 places is missed in 1 of 3,000 such tests
        one, other = cut_alike(picture, -picture, rng=rng)
        torch.testing.assert_close(one, -other, rtol=0, atol=0)
        assert one.shape == (1, 3, 16, 24)
        places.add((int(one[0, 0, 0, 0]), int(one[0, 1, 0, 0])))
    assert places == {(top, left) for top in range(9) for left in range(9)}

import pytest
import torch
from scipy.stats import chi2
from semcom.models.sc_sic.noise import diffusion_noise


@pytest.mark.parametrize("kind", ["white", "pyramid"])
def test_the_variance_is_one(kind):
    noise = diffusion_noise((400, 4, 16, 16), kind, torch.Generator().manual_seed(1)).double()
    each = noise.square().mean((1, 2, 3))  # pictures are independent of each other
    error = float(each.std()) / len(each) ** 0.5
    assert abs(float(each.mean()) - 1) < 5 * error


@pytest.mark.parametrize(
    ("side", "layers"),
    [(16, {1: 8, 2: 4, 3: 2, 4: 1}), (64, {2: 16, 3: 8, 4: 4, 5: 2, 6: 1})],  # halvings: rows; none of 32 rows
)
def test_the_mean_of_a_picture_has_the_power_of_the_coarse_grids(side, layers):
    """The mean of a layer of n x n independent values has the power 1 / n^2, however it is repeated."""
    expected = 1 / side**2 + sum(0.75 ** (2 * index) / rows**2 for index, rows in layers.items())
    expected /= 1 + sum(0.75 ** (2 * index) for index in layers)
    noise = diffusion_noise((250, 4, side, side), "pyramid", torch.Generator().manual_seed(2)).double()
    means = noise.mean((2, 3)).flatten().numpy()
    low, high = chi2.interval(1 - 1e-6, means.size)
    assert low < float((means**2).sum()) / expected < high
    white = diffusion_noise((250, 4, side, side), "white", torch.Generator().manual_seed(2)).double().mean((2, 3))
    assert low < float(white.square().sum()) * side**2 < high


def test_the_generator_alone_decides():
    draws = [diffusion_noise((1, 4, 8, 8), "pyramid", torch.Generator().manual_seed(3)) for _ in range(2)]
    torch.testing.assert_close(*draws, rtol=0, atol=0)

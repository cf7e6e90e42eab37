import numpy as np
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


def test_the_mean_of_a_picture_has_the_power_of_the_coarse_grids():
    """On 16 x 16: grids of 1, 3, 4, 6, 8, 9, 11, 13, 14, 16 a side, each repeated to full size."""
    sides = [round(1 + 15 * index / 9) for index in range(10)]
    expected = 1 / 256
    for index, side in enumerate(sides, 1):
        owner = np.bincount((np.arange(16) * side / 16).astype(int), minlength=side) / 16  # nearest repetition
        expected += 0.75 ** (2 * index) * float((owner**2).sum()) ** 2
    expected /= sum(0.75 ** (2 * index) for index in range(11))
    noise = diffusion_noise((500, 4, 16, 16), "pyramid", torch.Generator().manual_seed(2)).double()
    means = noise.mean((2, 3)).flatten().numpy()
    low, high = chi2.interval(1 - 1e-6, means.size)
    assert low < float((means**2).sum()) / expected < high
    white = diffusion_noise((500, 4, 16, 16), "white", torch.Generator().manual_seed(2)).double().mean((2, 3))
    assert low < float(white.square().sum()) * 256 < high


def test_the_generator_alone_decides():
    draws = [diffusion_noise((1, 4, 8, 8), "pyramid", torch.Generator().manual_seed(3)) for _ in range(2)]
    torch.testing.assert_close(*draws, rtol=0, atol=0)

import numpy as np
import pytest
import torch
from scipy.stats import norm
from semcom.models.patch_rates.entropy import FactorisedPrior, gaussian_bits, quantised
from semcom.models.patch_rates.hyperprior import Hyperprior


def exact_bits(away: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """From log cumulatives, which keep their digits in the tail."""
    upper, lower = norm.logcdf((0.5 - np.abs(away)) / scale), norm.logcdf((-0.5 - np.abs(away)) / scale)
    return -(upper + np.log1p(-np.exp(lower - upper))) / np.log(2)


@pytest.mark.parametrize("scale", [0.1, 0.5, 3.0, 60.0])
def test_bits_are_those_of_a_gaussian_over_unit_cells(scale: float) -> None:
    away = np.linspace(-5 * scale - 0.5, 5 * scale + 0.5, 201)
    found = gaussian_bits(
        torch.tensor(away + 7, dtype=torch.float32), torch.full((201,), 7.0), torch.full((201,), scale)
    )
    expected = np.minimum(exact_bits(away, np.full(201, scale)), np.log2(1e9))
    np.testing.assert_allclose(found.numpy(), expected, rtol=2e-3, atol=2e-3)


def test_a_value_costs_at_most_the_floor_and_a_small_scale_counts_as_a_tenth() -> None:
    y = torch.tensor([0.0, 40.0])
    found = gaussian_bits(y, torch.zeros(2), torch.tensor([-3.0, 0.01]))
    assert found[0] == pytest.approx(float(exact_bits(np.zeros(1), np.full(1, 0.1))[0]), abs=1e-4)
    assert found[1] == pytest.approx(np.log2(1e9))


def test_gradients_lead_back_from_the_tail_and_from_too_small_a_scale() -> None:
    """Far out the information is that of the density: its derivative by the mean is -(y - mean) / scale^2 / ln 2."""
    mean, scale = torch.zeros(2, requires_grad=True), torch.tensor([1.0, 0.01], requires_grad=True)
    gaussian_bits(torch.tensor([30.0, 0.9]), mean, scale).sum().backward()
    assert mean.grad is not None
    assert scale.grad is not None
    assert float(mean.grad[0]) == pytest.approx(-30 / np.log(2), rel=0.03)
    assert float(scale.grad[0]) < 0
    assert float(scale.grad[1]) < 0  # a larger scale would be cheaper
    scale.grad = None
    gaussian_bits(torch.zeros(2), mean, scale).sum().backward()
    assert float(scale.grad[1]) == 0  # and here a smaller one, which there is not


def test_a_factorised_prior_is_a_distribution_over_integers() -> None:
    torch.manual_seed(1)
    prior = FactorisedPrior(3)
    integers = torch.arange(-400, 401).float().expand(1, 3, 801).clone()
    bits = prior(integers)
    assert bits.shape == integers.shape
    total = (2**-bits).sum(2)
    torch.testing.assert_close(total, torch.ones(1, 3), rtol=0, atol=1e-3)
    bits.mean().backward()
    moved = [name for name, p in prior.named_parameters() if p.grad is not None and bool(p.grad.abs().sum() > 0)]
    assert {name.split(".")[0] for name in moved} == {"matrices", "biases", "factors"}


def test_a_factorised_prior_learns_a_gaussians_entropy() -> None:
    torch.manual_seed(2)
    prior = FactorisedPrior(1)
    cells = np.arange(-22, 29)
    chance = norm.cdf(cells + 0.5, 3, 4) - norm.cdf(cells - 0.5, 3, 4)
    values, weights = torch.from_numpy(cells).float().view(1, 1, -1), torch.from_numpy(chance).float()
    optimizer = torch.optim.Adam(prior.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        loss = (weights * prior(values)).sum()
        loss.backward()
        optimizer.step()
    entropy = -(chance * np.log2(chance)).sum()
    assert entropy - 1e-3 <= float(loss.detach()) <= entropy + 0.06


def test_rounding_is_about_the_mean_and_noise_is_even() -> None:
    y = torch.tensor([0.2, 0.7, -1.4])
    assert quantised(y, 0.5, None).tolist() == [0.5, 0.5, -1.5]
    noise = quantised(torch.zeros(40_000), 0.5, torch.Generator().manual_seed(1))
    assert float(noise.abs().max()) <= 0.5
    assert float(noise.var()) == pytest.approx(1 / 12, rel=0.03)  # 5 standard errors are 0.023
    assert float(noise.mean()) == pytest.approx(0, abs=5 * (1 / 12 / 40_000) ** 0.5)


@pytest.mark.parametrize("magnitudes", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (8, 4)])
def test_each_patch_has_its_bits_at_any_size(shape: tuple[int, int], magnitudes: bool) -> None:
    torch.manual_seed(3)
    model = Hyperprior(256, 4, magnitudes=magnitudes)
    found = model(torch.randn(2, 256, *shape) * 3)
    assert found.patch_bits.shape == (2, *shape)
    assert found.side_bits.shape == (2,)
    assert bool((found.patch_bits > 0).all())
    assert bool(torch.isfinite(found.side_bits).all())


def test_bits_do_not_depend_on_the_precision_around_them() -> None:
    torch.manual_seed(4)
    model, y = Hyperprior(256, 4, magnitudes=True), torch.randn(1, 256, 4, 4) * 50
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        low = model(y)
    with torch.no_grad():
        torch.testing.assert_close(low.patch_bits, model(y).patch_bits, rtol=0, atol=0)

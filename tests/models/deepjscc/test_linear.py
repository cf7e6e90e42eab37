import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.stats import chi2
from semcom.models.deepjscc.linear import Klt, allot_power, lmmse_weight

VARIANCE = np.array([9.0, 4.0, 1.0, 0.25, 0.04])


def error(power: np.ndarray, n0: float) -> float:
    """Mean squared error of the scalar LMMSE receivers."""
    return float(np.sum(VARIANCE * n0 / (power + n0)))


@pytest.mark.parametrize("esn0_db", [-5.0, 4.0, 13.0])
def test_the_power_is_what_a_numerical_optimiser_finds(esn0_db: float) -> None:
    n0 = 10 ** (-esn0_db / 10)
    ours = allot_power(torch.from_numpy(VARIANCE), torch.tensor([n0], dtype=torch.float64))[0].numpy()
    found = minimize(
        error,
        np.ones(5),
        args=(n0,),
        bounds=[(0, None)] * 5,
        constraints={"type": "eq", "fun": lambda p: p.sum() - 5},
        method="SLSQP",
        options={"ftol": 1e-13, "maxiter": 500},
    )
    assert ours.mean() == pytest.approx(1, abs=1e-9)
    assert error(ours, n0) == pytest.approx(found.fun, rel=1e-5)
    assert error(ours, n0) <= found.fun + 1e-9
    np.testing.assert_allclose(ours, found.x, atol=0.02)


def test_at_high_snr_the_power_goes_with_the_root_of_the_variance_as_in_softcast() -> None:
    power = allot_power(torch.from_numpy(VARIANCE), torch.tensor([1e-9], dtype=torch.float64))[0].numpy()
    np.testing.assert_allclose(power, 5 * np.sqrt(VARIANCE) / np.sqrt(VARIANCE).sum(), rtol=1e-6)


def test_at_low_snr_weak_components_get_nothing() -> None:
    power = allot_power(torch.from_numpy(VARIANCE), torch.tensor([10.0], dtype=torch.float64))[0]
    assert power[-1] == 0
    assert (power[:-1] >= power[1:]).all()


def test_lmmse_error_is_the_textbook_one_within_its_interval() -> None:
    rng = np.random.default_rng(5)
    variance, power, n0, count = 4.0, 1.7, 0.3, 200_000
    x = rng.normal(0, np.sqrt(variance), count)
    y = np.sqrt(power / variance) * x + rng.normal(0, np.sqrt(n0), count)
    weight = float(lmmse_weight(*(torch.tensor(v, dtype=torch.float64) for v in (variance, power, n0))))
    low, high = chi2.interval(1 - 1e-6, count)
    assert low <= np.sum((weight * y - x) ** 2) / (variance * n0 / (power + n0)) <= high


def test_klt_is_numpys_principal_components() -> None:
    rng = np.random.default_rng(0)
    images = rng.random((200, 3, 4, 4)).cumsum(axis=3) / 4
    klt = Klt(4, 48)
    klt.fit(torch.from_numpy(images).float())
    rows = images - images.mean((0, 2, 3), keepdims=True)
    expected = np.linalg.svd(rows.reshape(200, -1) / np.sqrt(200), compute_uv=False) ** 2
    np.testing.assert_allclose(klt.variance.numpy(), expected, rtol=1e-3, atol=1e-6)
    basis = klt.analysis.detach().numpy()
    np.testing.assert_allclose(basis @ basis.T, np.eye(48), atol=1e-5)


def test_all_components_give_the_picture_back_and_the_first_ones_give_the_nearest() -> None:
    generator = torch.Generator().manual_seed(3)
    images = torch.rand(2, 3, 8, 16, generator=generator)
    klt = Klt(4, 48)
    klt.fit(torch.rand(100, 3, 4, 4, generator=generator).cumsum(3) / 4)
    with torch.no_grad():
        centred = klt.centred(images)
        components = klt(centred)
        torch.testing.assert_close(klt.inverse(components, 8, 16), centred, atol=1e-5, rtol=0)
        errors = [float((klt.inverse(components[..., :k], 8, 16) - centred).square().sum()) for k in (6, 24, 48)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[1] == pytest.approx(float(components[..., 24:].square().sum()), rel=1e-4)  # Parseval

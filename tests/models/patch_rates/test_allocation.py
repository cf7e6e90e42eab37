import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from semcom.models.deepjscc.linear import allot_power
from semcom.models.patch_rates.allocation import allot_power_to_levels, sent_mask
from semcom.models.patch_rates.rate_map import LEVELS


def variances(seed: int) -> torch.Tensor:
    """Falling over ranks, another scale for each level: ``[1, 16, 256]``."""
    rng = np.random.default_rng(seed)
    fall = (1 + np.arange(256)) ** -1.4
    return torch.from_numpy((fall * rng.uniform(0.2, 8, (1, 16, 1)) * rng.uniform(0.8, 1.2, (1, 16, 256))).astype("f4"))


def counts_of(levels: list[int]) -> torch.Tensor:
    return torch.tensor([levels.count(level) for level in range(16)], dtype=torch.float64)


def test_what_is_sent_is_the_strongest_ranks() -> None:
    mask = sent_mask(torch.tensor([[0, 15, 4]]))
    assert mask.shape == (1, 3, 256)
    assert mask.sum(2).tolist() == [[16, 256, 80]]
    assert mask[0, 2, :80].all()


@pytest.mark.parametrize("esn0_db", [-10, 0, 12, 40])
def test_mean_power_is_one_and_no_power_could_be_moved_to_gain(esn0_db: int) -> None:
    """Karush-Kuhn-Tucker: the error falls equally fast with each power that is on, no faster with the others."""
    levels = [0, 0, 0, 3, 5, 5, 9, 15]
    variance, n0 = variances(1), 10 ** (-esn0_db / 10)
    power = allot_power_to_levels(variance, torch.tensor([levels]), torch.tensor([n0]))[0].double()
    sent = (torch.arange(256) < torch.tensor(LEVELS)[:, None]).double() * counts_of(levels)[:, None]
    assert float((sent * power).sum() / sent.sum()) == pytest.approx(1, rel=1e-5)
    slope = variance[0].double() * n0 / (power + n0) ** 2
    on, off = (sent > 0) & (power > 0.05 * n0), (sent > 0) & (power == 0)
    least, most = float(slope[on].min()), float(slope[on].max())
    assert most / least == pytest.approx(1, rel=0.02)
    if off.any():
        assert float(slope[off].max()) <= most * 1.001


@pytest.mark.parametrize("esn0_db", [-3, 15])
def test_an_optimiser_finds_nothing_better(esn0_db: int) -> None:
    levels, n0 = [0, 0, 1], 10 ** (-esn0_db / 10)
    variance = variances(2)
    power = allot_power_to_levels(variance, torch.tensor([levels]), torch.tensor([n0]))[0].double().numpy()
    spread = np.concatenate([variance[0, 0, :16], variance[0, 1, :32]]).astype(float)
    ours = np.concatenate([power[0, :16], power[1, :32]])
    many = np.repeat([2.0, 1.0], [16, 32])

    def error(p: np.ndarray) -> float:
        return float((many * spread * n0 / (p + n0)).sum())

    found = minimize(
        error,
        np.ones(48),
        jac=lambda p: -many * spread * n0 / (p + n0) ** 2,
        bounds=[(0, None)] * 48,
        constraints={"type": "eq", "fun": lambda p: (many * p).sum() - 64, "jac": lambda p: many},
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    assert found.success
    assert error(ours) <= found.fun * (1 + 1e-4)
    assert error(ours) < 0.9 * error(np.ones(48))


@pytest.mark.parametrize("esn0_db", [0.0, 17.0])
def test_patches_of_one_level_are_the_closed_form_of_one_frame(esn0_db: float) -> None:
    variance, n0 = variances(3), torch.tensor([10 ** (-esn0_db / 10)])
    power = allot_power_to_levels(variance, torch.full((1, 5), 3), n0)[0, 3, :64]
    falling, order = variance[0, 3, :64].sort(descending=True)
    torch.testing.assert_close(power[order], allot_power(falling, n0)[0], rtol=1e-3, atol=1e-4)


def test_frames_of_a_batch_do_not_mix() -> None:
    variance = torch.cat([variances(4), variances(5)])
    levels, n0 = torch.tensor([[0, 2, 2], [7, 1, 0]]), torch.tensor([1.0, 0.01])
    together = allot_power_to_levels(variance, levels, n0)
    for frame in range(2):
        rows = slice(frame, frame + 1)
        torch.testing.assert_close(together[rows], allot_power_to_levels(variance[rows], levels[rows], n0[rows]))

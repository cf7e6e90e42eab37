"""Denoising by pooling, beside torch's pools."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import norm
from semcom.sim.label_maps.fast_denoising import _mean, pooled
from semcom.sim.label_maps.one_hot import classes_in, decided, one_hot
from semcom.sim.label_maps.scenes import CLASSES, draw_scene
from torch.nn import functional as F


@pytest.mark.parametrize("shape", [(3, 7, 9), (2, 1, 5), (1, 1, 1), (2, 3, 4, 6)])
def test_it_is_torchs_mean_and_maximum(shape: tuple[int, ...]) -> None:
    maps = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    expected = F.max_pool2d(F.avg_pool2d(torch.from_numpy(maps), 3, 1, 1), 3, 1, 1)
    np.testing.assert_allclose(pooled(maps), expected.numpy(), atol=1e-6)
    torch.testing.assert_close(pooled(torch.from_numpy(maps)), expected)


def test_equal_noise_is_no_noise_that_differs() -> None:
    maps = np.random.default_rng(1).standard_normal((3, 7, 9)).astype(np.float32)
    for level in (0.0, 0.3):
        np.testing.assert_allclose(pooled(maps, np.full_like(maps, level)), pooled(maps), rtol=1e-5)


def test_a_value_of_much_noise_hardly_counts() -> None:
    maps, n0 = np.ones((1, 5, 5)), np.full((1, 5, 5), 0.1)
    maps[0, 2, 2], n0[0, 2, 2] = 1000, 1e6
    assert pooled(maps, n0)[0, 2, 2] == pytest.approx(1, abs=1e-3)
    assert pooled(maps)[0, 2, 2] == pytest.approx(112)


def test_the_mean_leaves_a_third_of_the_noise() -> None:
    """In the middle of a flat area nine values of deviation 1 make a mean of 1/3."""
    means = _mean(np.random.default_rng(1).standard_normal((400, 3, 3)))[:, 1, 1]
    low, high = norm.interval(1 - 1e-6, 1 / 3, 1 / 3 / np.sqrt(2 * 400))
    assert low < means.std() < high


def right_share(std: float, seed: int) -> tuple[float, float]:
    """Share of right labels: of the greatest value, and of the greatest pooled one."""
    rng, labels = np.random.default_rng(seed), draw_scene(seed, 64, 64).labels
    maps, sent = one_hot(labels, len(CLASSES), edges=False), classes_in(labels, len(CLASSES))
    noisy = maps + std * rng.standard_normal(maps.shape)
    noisy[~np.array(sent)] = 0
    found = [decided(one, sent, edges=False)[..., 0] == labels[..., 0] for one in (noisy, pooled(noisy))]
    return float(found[0].mean()), float(found[1].mean())


@pytest.mark.parametrize(("std", "better"), [(0.0, False), (0.36, True), (0.6, True), (0.9, True)])
def test_pooling_helps_where_there_is_noise_and_costs_thin_things_where_there_is_none(std: float, better: bool) -> None:
    gains = np.array([pool - direct for direct, pool in (right_share(std, seed) for seed in range(12))])
    half_width = 4 * gains.std(ddof=1) / np.sqrt(gains.size)  # four standard errors, scenes for the sample
    assert (gains.mean() - half_width > 0) if better else (gains.mean() + half_width < 0)

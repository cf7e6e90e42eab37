from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from semcom.errors import SignalError
from semcom.flowgraphs.experiments.statistics import bootstrap_mean, mean_interval, paired_difference, wilson


@pytest.mark.parametrize(("failures", "trials"), [(0, 100), (3, 10), (7, 1000), (10, 10), (1, 1), (0, 1), (250, 500)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_wilson_is_that_of_scipy(failures, trials, confidence):
    theirs = stats.binomtest(failures, trials).proportion_ci(confidence, method="wilson")
    ours = wilson(failures, trials, confidence)
    assert ours.mean == failures / trials
    np.testing.assert_allclose([ours.low, ours.high], [theirs.low, theirs.high], atol=1e-12)


def test_wilson_of_nothing_and_of_nonsense():
    assert all(math.isnan(value) for value in wilson(0, 0))
    with pytest.raises(SignalError, match="expected 0 to 3 failures, got 4"):
        wilson(4, 3)


@pytest.mark.parametrize("size", [2, 5, 24])
def test_the_interval_of_a_mean_is_that_of_scipy(size):
    values = np.random.default_rng(size).normal(30, 3, size)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose(mean_interval(values), [values.mean(), theirs.low, theirs.high], rtol=1e-12)


@pytest.mark.parametrize("draw", ["normal", "exponential", "lognormal"])
def test_the_bootstrap_is_that_of_scipy(draw):
    values = getattr(np.random.default_rng(4), draw)(size=24)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=50_000, method="BCa", rng=np.random.default_rng(1))
    ours = bootstrap_mean(values)
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    np.testing.assert_allclose(ours[1:], theirs.confidence_interval, atol=0.03 * width)  # resampling noise of the ends
    assert ours == bootstrap_mean(values)
    assert ours != bootstrap_mean(values, seed=1)


@pytest.mark.parametrize("interval", [mean_interval, bootstrap_mean])
def test_intervals_of_little(interval):
    assert interval([3.0]).mean == 3
    assert math.isnan(interval([3.0]).low)
    assert interval([2.0, 2.0, 2.0]) == (2, 2, 2)
    assert interval([math.inf, 3.0])[0] == math.inf
    assert math.isnan(interval([math.inf, 3.0]).high)
    for wrong in ([], [1.0, math.nan]):
        with pytest.raises(SignalError, match="expected numbers, got n"):
            interval(wrong)


def item(system, esn0_db, draw, seq, value):
    at = {"system": system, "graph_hash": "x", "esn0_db": str(esn0_db)}
    return {**at, "draw": draw, "seq": seq, "label": f"p{seq}", "digest": f"d{seq}", "psnr_db": value}


def test_what_both_systems_met_cancels_in_a_paired_difference():
    rng = np.random.default_rng(2)
    gain = rng.normal(1.0, 0.1, 12)  # of each picture: what is to be found
    items = []
    for draw in range(3):
        for seq in range(12):
            common = 30 + 5 * rng.normal()  # the picture, and its fade
            items += [item("a", 10, draw, seq, common + gain[seq]), item("b", 10, draw, seq, common)]
    found = paired_difference(items, "a", "b", "psnr_db")
    theirs = stats.bootstrap((gain,), np.mean, n_resamples=20_000, rng=np.random.default_rng(1)).confidence_interval
    assert found.mean == pytest.approx(gain.mean())
    np.testing.assert_allclose(found[1:], theirs, atol=0.01)
    np.testing.assert_allclose(paired_difference(items, "b", "a", "psnr_db").mean, -found.mean)


def test_a_paired_difference_at_one_point_and_without_partners():
    items = [
        item(s, e, 0, n, v) for s, e, n, v in [("a", 0, 0, 5.0), ("b", 0, 0, 4.0), ("a", 9, 0, 9.0), ("b", 9, 0, 2)]
    ]
    assert paired_difference(items, "a", "b", "psnr_db").mean == 4
    assert paired_difference(items, "a", "b", "psnr_db", at={"esn0_db": 9}).mean == 7
    assert paired_difference([*items, item("a", 3, 0, 1, 0.0)], "a", "b", "psnr_db").mean == 4
    infinite = [item("a", 0, 0, 0, math.inf), item("b", 0, 0, 0, math.inf)]
    assert paired_difference(infinite, "a", "b", "psnr_db").mean == 0
    with pytest.raises(SignalError, match="no item has ssim from both 'a' and 'b'"):
        paired_difference(items, "a", "b", "ssim")

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats
from semcom.sim.links.capacity import capacity_of_gain, ergodic_capacity, outage_capacity


@pytest.mark.parametrize("esn0_db", [-30.0, -24.0, -20.0, -5.0, 0.0, 10.0, 25.0, 60.0])
@pytest.mark.parametrize(("fading", "k_db"), [("rayleigh", 0.0), ("rician", -40.0), ("rician", 6.0), ("rician", 30.0)])
def test_ergodic_capacity_is_the_mean_over_the_density(esn0_db, fading, k_db):
    snr, k = 10 ** (esn0_db / 10), 0.0 if fading == "rayleigh" else 10 ** (k_db / 10)
    gain = stats.ncx2(2, 2 * k, scale=1 / (2 * (k + 1))) if k else stats.expon()
    edges = gain.ppf(np.linspace(0, 1, 20)[1:-1])
    pieces = [0, *edges, *gain.isf([1e-3, 1e-6, 1e-9, 1e-14])]
    mean = sum(
        integrate.quad(lambda g: math.log2(1 + snr * g) * gain.pdf(g), low, high)[0]
        for low, high in itertools.pairwise(pieces)
    )
    assert ergodic_capacity(esn0_db, fading, k_db) == pytest.approx(mean, rel=1e-5)


def test_without_fading_it_is_shannons():
    assert ergodic_capacity(0, "none") == outage_capacity(0, "none", 0.1) == capacity_of_gain(0, 1) == 1
    assert ergodic_capacity(10, "none") == pytest.approx(math.log2(11))


def test_a_strong_line_of_sight_is_hardly_fading_and_a_weak_one_is_rayleigh():
    assert ergodic_capacity(10, "rician", 60) == pytest.approx(math.log2(11), rel=1e-4)
    assert ergodic_capacity(10, "rician", -40) == pytest.approx(ergodic_capacity(10, "rayleigh"), rel=1e-4)


@pytest.mark.parametrize("outage", [0.001, 0.01, 0.3])
@pytest.mark.parametrize("esn0_db", [0.0, 13.0])
@pytest.mark.parametrize("fading", ["rayleigh", "rician"])
def test_the_gain_is_less_than_the_outage_rate_needs_as_often_as_stated(outage, esn0_db, fading):
    rate = outage_capacity(esn0_db, fading, outage, k_db=5)
    gain = (2**rate - 1) / 10 ** (esn0_db / 10)
    k = 10**0.5
    law = stats.expon() if fading == "rayleigh" else stats.ncx2(2, 2 * k, scale=1 / (2 * (k + 1)))
    assert law.cdf(gain) == pytest.approx(outage, rel=1e-6)

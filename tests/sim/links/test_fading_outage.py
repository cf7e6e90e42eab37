import numpy as np
import pytest
from scipy.stats import binom, ncx2
from semcom.sim.links.capacity import ergodic_capacity, outage_capacity
from semcom.sim.links.fading_outage import FadingLaw, information_but_for


def capacity(esn0_db: np.ndarray) -> np.ndarray:
    return np.log2(1 + 10 ** (esn0_db / 10))


@pytest.mark.parametrize("outage", [0.005, 0.1, 0.5])
@pytest.mark.parametrize("gains", [1.25, 2, 2.5, 12, 95.75, 768, 1500])
@pytest.mark.parametrize("law", [FadingLaw("rayleigh"), FadingLaw("rician", k_db=3.0)])
def test_so_many_of_the_frames_that_are_drawn_let_less_through(law: FadingLaw, gains: float, outage: float) -> None:
    law = law._replace(coherence_symbols=256)
    found = information_but_for(outage, capacity, 10.0, law, int(256 * gains))
    rng, frames = np.random.default_rng(int(256 * gains)), 12_000 if gains < 1000 else 4000
    k, size = 10 ** (law.k_db / 10), (frames, int(np.ceil(gains)))
    drawn = rng.exponential(size=size)
    if law.fading == "rician":
        drawn = ncx2.rvs(2, 2 * k, size=size, random_state=rng) / (2 * (k + 1))
    means = np.log2(1 + 10 * drawn) @ np.minimum(gains - np.arange(size[1]), 1) / gains
    low, high = binom.interval(1 - 1e-6, frames, outage)
    near = 0.004  # bits; what 4,000 gains and the bins stand for
    assert (means < found - near).sum() <= high
    assert (means < found + near).sum() >= low


@pytest.mark.parametrize("esn0_db", [-5.0, 10.0, 20.0])
@pytest.mark.parametrize("fading", ["none", "rayleigh", "rician"])
@pytest.mark.parametrize("outage", [1e-6, 0.01])
def test_of_one_gain_and_of_all_it_is_in_closed_form(fading, esn0_db: float, outage: float) -> None:
    one, every = FadingLaw(fading, coherence_symbols=10**6), FadingLaw(fading)
    assert information_but_for(outage, capacity, esn0_db, one, 5000) == pytest.approx(
        outage_capacity(esn0_db, fading, outage), rel=1e-9
    )
    assert information_but_for(outage, capacity, esn0_db, every, 5000) == pytest.approx(
        ergodic_capacity(esn0_db, fading), rel=1e-4
    )


def test_more_gains_leave_less_to_fear() -> None:
    law = FadingLaw("rayleigh", coherence_symbols=256)
    found = [
        information_but_for(0.01, capacity, 10.0, law, uses) for uses in (256, 257, 2000, 20_000, 200_000, 2_000_000)
    ]
    assert found == sorted(found)
    assert [law.gains(uses) for uses in (1, 256, 320, 768)] == [1, 1, 1.25, 3]
    assert FadingLaw("rayleigh").gains(1000) == 0

import itertools

import numpy as np
import pytest
import torch
from semcom.errors import SignalError
from semcom.models.patch_rates import allocation
from semcom.models.patch_rates.rate_map import (
    ETAS,
    LEVELS,
    PATCH,
    checkerboard_order,
    eta_for_frame,
    eta_index,
    eta_near_cbr,
    levels_for,
    pack,
    unpack,
)
from semcom.sim.bandwidth import capacity_bits_per_use
from semcom.sim.side_information.rate_map import PLAIN_BITS, RateMap


def test_the_order_is_the_papers_checkerboard() -> None:
    order = checkerboard_order()
    assert order[:6].tolist() == [0, 128, 1, 129, 2, 130]
    assert order[-2:].tolist() == [127, 255]
    assert sorted(order.tolist()) == list(range(256))


@pytest.mark.parametrize("level", range(16))
def test_positions_fill_every_second_place_first(level: int) -> None:
    k = LEVELS[level]
    filled = np.flatnonzero(checkerboard_order() < k).tolist()
    if k <= 128:
        assert filled == list(range(0, 2 * k, 2))
    else:
        assert filled == sorted([*range(0, 256, 2), *range(1, 2 * (k - 128), 2)])


def test_four_bits_name_a_level_and_cost_what_the_paper_charges() -> None:
    """Side information at capacity: the CBR that follows from 4 bits for each patch of 16 x 16 pixels."""
    assert 2**PLAIN_BITS == len(LEVELS)
    assert (LEVELS[0], LEVELS[-1]) == (16, 256)
    expected = {0: 0.00521, 5: 0.00253, 10: 0.00151, 15: 0.00104, 20: 0.00078}
    for esn0_db, cbr in expected.items():
        found = PLAIN_BITS / (3 * PATCH**2) / capacity_bits_per_use(esn0_db)
        assert found == pytest.approx(cbr, abs=5e-6)


def test_levels_are_the_first_that_suffice() -> None:
    rng = np.random.default_rng(1)
    for eta in (0.05, 0.13, 0.41, 2.0):
        bits = rng.uniform(0, 3000, (9, 7)).astype(np.float32)
        found = levels_for(bits, eta)
        rates = np.array(LEVELS)[found]
        expected = [[next((k for k in LEVELS if k >= eta * float(h)), 256) for h in row] for row in bits]
        np.testing.assert_array_equal(rates, expected)
        in_torch = allocation.levels_for(torch.from_numpy(bits)[None], torch.tensor([eta]))
        np.testing.assert_array_equal(in_torch[0].numpy(), found)


def test_a_rate_that_is_met_exactly_is_taken_and_the_last_is_the_most() -> None:
    assert levels_for(np.array([0.0, 16, 16.001, 32, 255.9, 256, 1e9, np.inf]), 1.0).tolist() == [
        0,
        0,
        1,
        1,
        15,
        15,
        15,
        15,
    ]


def test_eta_follows_from_a_number_of_symbols() -> None:
    rng = np.random.default_rng(2)
    bits = rng.uniform(20, 2000, 40)

    def uses(eta: float) -> float:
        return sum(next((k for k in LEVELS if k >= eta * h), 256) for h in bits) / 2

    for budget in (400, 1000, 2500, 5000):
        eta = eta_near_cbr(bits, budget)
        assert uses(eta) <= budget < uses(eta * (1 + 1e-6))
    assert uses(eta_near_cbr(bits, 10)) == 40 * 8  # less than 8 a patch there is not
    assert uses(eta_near_cbr(bits, 1e9)) == 40 * 128


@pytest.mark.parametrize("share", [0.011, 0.02, 0.04, 0.08, 0.16])
@pytest.mark.parametrize("kind", ["smooth", "noise", "flat"])
def test_a_frame_is_filled_with_its_rate_map_included(kind: str, share: float) -> None:
    """Never more than the budget, and hardly less; of a flat picture all levels change at once."""
    rng = np.random.default_rng(5)
    walk = rng.normal(0, 1, (24, 32)).cumsum(0).cumsum(1)
    bits = {
        "smooth": 300 * np.exp(0.05 * (walk - walk.mean())),
        "noise": rng.uniform(50, 900, walk.shape),
        "flat": np.full(walk.shape, 300.0),
    }[kind]
    budget = share * 768 * bits.size
    levels = levels_for(bits, eta_for_frame(bits, budget))
    spent = np.array(LEVELS)[levels].sum() / 2 + 2 * RateMap.of(levels).bits()
    assert spent <= budget
    if kind == "smooth" and share >= 0.02:
        assert spent > 0.98 * budget
    given = levels_for(bits, eta_for_frame(bits, budget, "given"))
    assert np.array(LEVELS)[given].sum() / 2 <= budget
    assert given.sum() >= levels.sum()


def test_a_frame_too_small_for_anything_sends_the_least() -> None:
    assert not levels_for(np.full((3, 3), 500.0), eta_for_frame(np.full((3, 3), 500.0), 10)).any()


def test_more_eta_is_never_fewer_symbols() -> None:
    bits = np.random.default_rng(3).uniform(0, 1500, 100)
    sent = [np.array(LEVELS)[levels_for(bits, eta)].sum() for eta in np.geomspace(0.01, 4, 60)]
    assert all(a <= b for a, b in itertools.pairwise(sent))
    assert sent[0] < sent[-1]


def test_the_nearest_eta_is_nearest_in_the_logarithm() -> None:
    for index, eta in enumerate(ETAS):
        assert eta_index(eta) == eta_index(eta * 1.18) == eta_index(eta / 1.18) == index  # 2 ** (1 / 4) = 1.189
    assert eta_index(1e-9) == 0
    assert eta_index(100.0) == len(ETAS) - 1


def test_packing_follows_the_mask_place_by_place() -> None:
    rng = np.random.default_rng(4)
    features = rng.standard_normal((6, 256)).astype(np.float32)
    levels = np.array([[0, 7, 8], [15, 3, 12]], np.uint8)
    order = [n // 2 + 128 * (n % 2) for n in range(256)]
    by_hand = [
        features[patch, order[place]]
        for patch, level in enumerate(levels.ravel().tolist())
        for place in range(256)
        if order[place] < 16 * (level + 1)
    ]
    flat = pack(features, levels)
    np.testing.assert_array_equal(flat, np.array(by_hand))
    assert flat.size % 2 == 0
    back = unpack(flat, levels)
    ranks = np.arange(256)[None] < np.array(LEVELS)[levels.ravel()][:, None]
    np.testing.assert_array_equal(back, np.where(ranks, features, 0))


def test_a_frame_of_another_rate_map_is_said() -> None:
    levels = np.zeros((2, 2), np.uint8)
    with pytest.raises(SignalError, match="rate map: expected 64 values for 4 patches, got 62"):
        unpack(np.zeros(62, np.float32), levels)

"""Levels of a link, by a table worked by hand, and by what noise may do to them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm
from semcom.errors import SignalError
from semcom.sim.links.level_control import LevelControl

# Thresholds 5, 10 and 15 dB, hysteresis 1 dB, two estimates to climb, three items of silence
TABLE = [
    (4.0, 0),  # below all thresholds
    (6.0, 0),  # reaches 5 + 1: the first of two
    (5.9, 0),  # in the dead zone: begins anew
    (6.0, 0),
    (6.0, 1),  # the second
    (5.0, 1),  # reaches 5
    (11.0, 1),
    (17.0, 2),  # two in a row that carry level 2; only one that carries level 3
    (16.0, 2),
    (16.0, 3),
    (None, 3),  # one lost burst, two: nothing new
    (None, 3),
    (15.0, 3),  # an estimate ends the silence
    (None, 3),
    (None, 3),
    (None, 0),  # the third
    (16.0, 0),
    (16.0, 3),  # up to what both carry
    (14.9, 2),  # down at once, by one
    (4.9, 0),  # by two
    (11.0, 0),
    (None, 0),  # silence does not count against a climb
    (11.0, 2),
]


def control(**changes: float) -> LevelControl:
    settings = {"hysteresis_db": 1.0, "dwell": 2, "silence": 3, **changes}
    return LevelControl([5.0, 10.0, 15.0], **settings)  # type: ignore[arg-type]


def test_the_table() -> None:
    levels = control()
    assert [levels.after(esn0_db) for esn0_db, _ in TABLE] == [level for _, level in TABLE]


@given(st.lists(st.floats(10.0, 11.0, exclude_max=True) | st.none(), max_size=60), st.integers(1, 4))
def test_estimates_in_the_dead_zone_never_change_a_level(estimates: list[float | None], dwell: int) -> None:
    levels = control(dwell=dwell, silence=1000)
    for _ in range(dwell):
        levels.after(11.0)
    assert levels.level == 2
    assert {levels.after(esn0_db) for esn0_db in estimates} <= {2}


@pytest.mark.parametrize("dwell", [1, 2])
def test_noise_at_a_threshold_makes_it_climb_as_seldom_as_the_closed_form_says(dwell: int) -> None:
    """Q(H / sigma)^dwell of the items: 2.3 % and 0.05 % for H = 2 sigma. Without hysteresis it is a quarter of them."""
    items = 40_000
    levels = control(dwell=dwell)
    path = [levels.after(esn0_db) for esn0_db in np.random.default_rng(1).normal(5.0, 0.5, items)]
    climbs = int((np.diff([0, *path]) > 0).sum())
    assert climbs <= binom.ppf(1 - 1e-6, items, norm.sf(2.0) ** dwell)
    assert climbs > 0
    bare = control(dwell=1, hysteresis_db=0.0)
    flaps = np.diff([bare.after(esn0_db) for esn0_db in np.random.default_rng(1).normal(5.0, 0.5, items)])
    assert (flaps > 0).mean() == pytest.approx(0.25, abs=0.02)  # below, then above: one half times one half


@given(st.lists(st.floats(-40, 60) | st.none(), max_size=80), st.integers(1, 5), st.integers(1, 5))
def test_a_level_is_never_above_what_the_last_estimate_reaches(
    estimates: list[float | None], dwell: int, silence: int
) -> None:
    levels, silent = control(dwell=dwell, silence=silence), 0
    for esn0_db in estimates:
        level = levels.after(esn0_db)
        silent = silent + 1 if esn0_db is None else 0
        if esn0_db is not None:
            assert level <= sum(esn0_db >= threshold for threshold in (5.0, 10.0, 15.0))
        if silent >= silence:
            assert level == 0


def test_thresholds_rise() -> None:
    with pytest.raises(SignalError, match=r"levels: expected thresholds that rise, got \[5, 5\]"):
        LevelControl([5, 5], hysteresis_db=1, dwell=1, silence=1)

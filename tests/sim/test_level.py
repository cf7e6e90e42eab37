"""The level of samples on their way to a device."""

from __future__ import annotations

import numpy as np
import pytest
from semcom.sim.level import drive, finite

SAMPLES = np.array([0.5 + 0.1j, -2 + 0.1j, 0.3 - 0.9j, 3 + 4j], np.complex64)


@pytest.mark.parametrize("scale_db", [0.0, 20.0, -20.0])
def test_a_scale_in_decibels(scale_db):
    driven, clipped = drive(SAMPLES, scale_db, None)
    np.testing.assert_allclose(driven, SAMPLES * 10 ** (scale_db / 20), rtol=1e-6)
    assert clipped == 0
    assert driven.dtype == np.complex64


def test_i_and_q_are_clipped_each_and_samples_counted_once():
    driven, clipped = drive(SAMPLES, 0.0, 0.0)
    np.testing.assert_array_equal(driven, np.array([0.5 + 0.1j, -1 + 0.1j, 0.3 - 0.9j, 1 + 1j], np.complex64))
    assert clipped == 2


def test_headroom_is_below_full_scale():
    driven, clipped = drive(SAMPLES, 0.0, 6.0206)
    assert np.abs(driven.view(np.float32)).max() == pytest.approx(0.5, rel=1e-5)
    assert clipped == 3


def test_what_stays_within_is_left_as_it_is():
    within, nothing = SAMPLES[:1], SAMPLES[:0]
    assert drive(within, 0.0, 0.0).samples is within
    assert drive(nothing, 3.0, 0.0).samples.size == 0


def test_what_is_no_number_becomes_nought():
    samples, count = finite(np.array([1, np.nan, 1j * np.inf, -np.inf + np.nan * 1j], np.complex64))
    np.testing.assert_array_equal(samples, [1, 0, 0, 0])
    assert count == 3
    assert finite(SAMPLES)[0] is SAMPLES

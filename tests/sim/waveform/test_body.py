"""Pilots, interleaver and signs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from semcom.sim.waveform.body import body_symbols, from_payload, pilot_symbols, places, to_payload
from semcom.sim.waveform.scrambler import scramble


@given(st.integers(1, 300), st.integers(2, 40))
def test_pilots_stand_first_last_and_no_farther_apart_than_stated(data: int, spacing: int) -> None:
    where = places(data, spacing)
    assert where.data.size == data
    assert where.pilots[0] == 0
    assert where.pilots[-1] == where.size - 1
    assert np.diff(where.pilots).max() <= spacing
    assert sorted([*where.pilots, *where.data]) == list(range(where.size))


def test_a_longer_body_begins_as_a_shorter_one() -> None:
    """So that a receiver reads the start word before it knows how much follows."""
    data = np.arange(1, 201).astype(np.complex64)
    np.testing.assert_array_equal(body_symbols(data, 32)[:101], body_symbols(data[:98], 32)[:101])
    np.testing.assert_array_equal(pilot_symbols(20)[:5], pilot_symbols(5))


@given(st.integers(0, 400), st.integers(0, 2**31))
def test_a_payload_comes_back(size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    payload = (rng.standard_normal((size, 2)) @ [1, 1j]).astype(np.complex64)
    np.testing.assert_array_equal(to_payload(from_payload(payload)), payload)
    np.testing.assert_array_equal(scramble(scramble(payload)), payload)


def test_signs_take_off_a_mean() -> None:
    """A mean of 0.5 keeps its energy and loses its line; five deviations of the mean of independent signs."""
    rng = np.random.default_rng(0)
    latents = (0.5 + np.sqrt(0.375) * (rng.standard_normal((20_000, 2)) @ [1, 1j])).astype(np.complex64)
    signed = scramble(latents)
    assert abs(signed.mean()) < 5 / np.sqrt(signed.size)
    assert np.mean(np.abs(signed) ** 2) == pytest.approx(np.mean(np.abs(latents) ** 2), rel=1e-5)

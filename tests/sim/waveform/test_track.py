"""The loop that follows phase and delay, and the line of samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from semcom.sim.waveform.line import Line
from semcom.sim.waveform.track import Start, track

LOOSE = Start(0.0, 0.0, 100.0)


def test_a_constant_rate_leaves_no_lasting_error() -> None:
    """Second order: through many turns, with an error that dies out."""
    angles = 0.3 * np.arange(400)
    found = track(np.exp(1j * angles), 0.15, LOOSE)
    np.testing.assert_allclose(found, angles, atol=1e-2)
    np.testing.assert_allclose(found[60:-60], angles[60:-60], atol=1e-4)


def test_noise_is_averaged_as_the_gains_say() -> None:
    """An alpha-beta filter passes (2 a^2 + 2 b + a b) / (a (4 - 2 a - b)) of the variance (Benedict & Bordner).

    Smoothing passes less: every estimate rests on vectors from both sides.
    """
    a = 0.15
    b = a * a / (2 - a)
    passed = (2 * a * a + 2 * b + a * b) / (a * (4 - 2 * a - b))
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, 20_000)
    variance = float(np.var(track(np.exp(1j * noise), a, LOOSE)[200:-200]))
    assert 0.2 * passed * 0.01 < variance < 0.7 * passed * 0.01


def test_a_short_row_is_the_straight_line_of_least_squares() -> None:
    """Where the rate hardly walks: weighed against what was known, by the normal equations."""
    rng = np.random.default_rng(1)
    angles = 0.1 + 0.05 * np.arange(6) + rng.normal(0, 0.02, 6)
    start = Start(0.5, 0.1, 0.2)
    rows = np.stack([np.ones(6), np.arange(6)], axis=1)
    prior = np.linalg.inv([[start.angle, start.both], [start.both, start.rate]])
    line = rows @ np.linalg.solve(rows.T @ rows + prior, rows.T @ angles)
    np.testing.assert_allclose(track(np.exp(1j * angles), 1e-4, start), line, atol=1e-3)


def test_what_is_known_well_is_hardly_moved() -> None:
    found = track(np.exp(1j * np.array([0.5, -0.5, 0.4])), 0.01, Start(1e-4, 0.0, 1e-6))
    np.testing.assert_allclose(found, 0, atol=1e-3)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_vectors(count: int) -> None:
    assert track(np.full(count, 1j), 0.15, LOOSE).shape == (count,)


def test_vectors_of_no_size_say_nothing() -> None:
    np.testing.assert_array_equal(track(np.zeros(5, np.complex128), 0.15, LOOSE), np.zeros(5))


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(-5, 40), st.integers(0, 30), st.integers(0, 40))
def test_a_line_gives_what_was_pushed(sizes: list[int], start: int, length: int, forgotten: int) -> None:
    stream = np.arange(1, sum(sizes) + 1).astype(np.complex64)
    line = Line()
    for part in np.split(stream, np.cumsum(sizes)[:-1]) if sizes else []:
        line.push(part)
    line.forget(forgotten)
    found = line.cut(start, start + length, length)
    for n, value in zip(range(start, start + length), found, strict=True):
        if n >= forgotten or n < 0:  # what lies before may have been dropped
            assert value == (stream[n] if 0 <= n < stream.size else 0)
    assert line.end == stream.size


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1e20])
def test_what_is_no_sample_is_a_zero_and_counted(wrong: float) -> None:
    line = Line()
    line.push(np.array([1, wrong, 2 + 1j * wrong, 3], np.complex64))
    np.testing.assert_array_equal(line.cut(0, 4, 4), np.array([1, 0, 0, 3], np.complex64))
    assert line.bad == 2

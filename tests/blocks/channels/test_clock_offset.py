"""`channels/clock_offset`."""

from __future__ import annotations

import numpy as np
import pytest
from semcom.blocks.block import RunContext
from semcom.blocks.channels.clock_offset import ClockOffset
from semcom.blocks.envelope import Stream


def run(x: np.ndarray, ppm: float) -> np.ndarray:
    block = ClockOffset(ClockOffset.Params(ppm=ppm))
    parts = [block.work(x.astype(np.complex64), Stream(0, 1e6))]
    return np.concatenate([*parts, *(block.finish(RunContext()) or ())])


@pytest.mark.parametrize("ppm", [-1000.0, -40.0, 20.0, 700.0])
def test_a_tone_changes_its_frequency_by_as_much(ppm: float) -> None:
    """Sampled at n (1 + ppm): the closed form, within 60 dB, up to 0.35 cycles a sample."""
    n = np.arange(6000)
    for frequency in (0.01, -0.2, 0.35):
        got = run(np.exp(2j * np.pi * frequency * n), ppm)
        want = np.exp(2j * np.pi * frequency * np.arange(got.size) * (1 + ppm * 1e-6))
        assert np.mean(np.abs(got - want)[20:-20] ** 2) < 1e-6


@pytest.mark.parametrize("ppm", [-1000.0, 0.0, 1000.0])
def test_the_stream_becomes_shorter_by_as_much(ppm: float) -> None:
    assert run(np.ones(100_000), ppm).size == pytest.approx(100_000 / (1 + ppm * 1e-6), abs=1)


def test_no_offset_changes_nothing() -> None:
    x = (np.random.default_rng(0).standard_normal((500, 2)) @ [1, 1j]).astype(np.complex64)
    np.testing.assert_array_equal(run(x, 0.0), x)


def test_a_gap_stays_a_gap() -> None:
    """Behind it the samples lie where the whole stream would have them."""
    tone = np.exp(2j * np.pi * 0.05 * np.arange(30_000)).astype(np.complex64)
    block = ClockOffset(ClockOffset.Params(ppm=100))
    before = block.work(tone[:10_000], Stream(0, 1e6))
    rest = block.work(tone[20_000:], Stream(20_000, 1e6, 10_000))
    behind = np.concatenate([rest, *(block.finish(RunContext()) or ())])
    whole = run(tone, 100)
    first = int(np.ceil(10_000 / 1.0001))
    np.testing.assert_array_equal(before[:9900], whole[:9900])
    start = int(np.ceil(20_000 / 1.0001))
    inner = behind[first - before.size + 20 :]
    np.testing.assert_allclose(inner[: whole.size - start - 20], whole[start + 20 :], atol=1e-6)

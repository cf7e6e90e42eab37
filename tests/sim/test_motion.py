"""Motion of tiles between two frames."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from semcom.sim.mirror import mirrored
from semcom.sim.motion import REACH, estimate_motion, moved
from semcom.sim.tiles import Grid


def texture(height: int, width: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    smooth = gaussian_filter(rng.standard_normal((height, width, 3)), (1.5, 1.5, 0))
    return np.clip(128 + 60 * smooth / smooth.std(), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shift", [(0, 0), (3, -5), (-7, 7), (1, 0)])
def test_a_shift_of_whole_pixels_is_found_and_made_up_for(shift: tuple[int, int]) -> None:
    """What was at p + v is now at p."""
    large, (down, right) = texture(160, 192), shift
    before, now = large[16:-16, 16:-16], large[16 + down : 144 + down, 16 + right : 176 + right]
    grid = Grid(128, 160, 32)
    motion = estimate_motion(before, now, grid)
    inside = np.array([5 * row + column for row in (1, 2) for column in (1, 2, 3)])
    np.testing.assert_array_equal(motion.vectors[inside], np.tile([2 * down, 2 * right], (6, 1)))
    assert motion.error[inside].max() == 0
    got = moved(before.astype(np.float32), grid, motion.vectors)
    np.testing.assert_array_equal(got[inside], grid.cut(now)[inside])


def test_half_a_pixel_is_the_mean_of_two() -> None:
    ramp = np.broadcast_to(4 * np.arange(48, dtype=np.float32)[None, :, None], (32, 48, 3))
    got = moved(np.ascontiguousarray(ramp), Grid(32, 48, 16), np.full((6, 2), (0, 3)))
    np.testing.assert_array_equal(got[0, 5, :, 0], 4 * np.arange(16) + 6)  # 1.5 pixels to the right, 4 a pixel


def test_vectors_are_bounded_and_edges_go_on() -> None:
    rng = np.random.default_rng(2)
    noise = rng.integers(0, 256, (2, 45, 50, 3), dtype=np.uint8)
    motion = estimate_motion(noise[0], noise[1], Grid(45, 50, 16))
    assert np.abs(motion.vectors).max() <= 2 * REACH
    flat = np.full((45, 50, 3), 9, np.float32)
    for vector in ((14, 14), (-14, -13), (13, -14)):
        assert (moved(flat, Grid(45, 50, 16), np.tile(vector, (12, 1))) == 9).all()


@pytest.mark.parametrize("number", range(4))
def test_mirroring_twice_is_none(number: int) -> None:
    picture = texture(20, 30)
    once = mirrored(picture, number)
    np.testing.assert_array_equal(mirrored(once, number), picture)
    assert np.array_equal(once, picture) == (number == 0)

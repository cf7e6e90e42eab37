"""Pictures as tiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from semcom.sim.tiles import Grid, choose_tiles, cut_whole, packed_sides, refreshed_each_frame, tile_change


@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from([16, 32]))
def test_tiles_join_to_the_picture_they_were_cut_from(height: int, width: int, side: int) -> None:
    picture = np.random.default_rng(height * 71 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    grid = Grid(height, width, side)
    tiles = grid.cut(picture)
    assert tiles.shape == (grid.size, side, side, 3)
    np.testing.assert_array_equal(grid.join(tiles), picture)


def test_a_tile_is_where_it_was() -> None:
    picture = np.arange(64 * 48 * 3, dtype=np.uint32).astype(np.uint8).reshape(64, 48, 3)
    np.testing.assert_array_equal(cut_whole(picture, 16)[4], picture[16:32, 16:32])  # three columns: row 1, column 1
    np.testing.assert_array_equal(Grid(60, 40, 16).cut(picture[:60, :40])[11][-1, -1], picture[59, 39])


@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 150))
def test_the_packed_picture_is_the_largest_rectangle_that_may_be_sent(rows: int, columns: int, most: int) -> None:
    high, wide = packed_sides(rows, columns, most)
    fitting = [r * c for r in range(1, rows + 1) for c in range(1, columns + 1) if r * c <= most]
    assert high <= rows
    assert wide <= columns
    assert high * wide == max(fitting)


def test_the_change_of_a_tile_is_its_squared_difference() -> None:
    tiles = np.zeros((2, 16, 16, 3), np.uint8)
    other = tiles.copy()
    other[1] = 3
    other[0, 5, 5, 1] = 255
    np.testing.assert_array_equal(tile_change(tiles, other), [255**2, 16 * 16 * 3 * 9])


@pytest.mark.parametrize(
    ("change", "age", "count", "oldest", "chosen"),
    [
        ([5, 9, 1, 7], [1, 1, 1, 1], 2, 0, [1, 3]),  # what changed most
        ([5, 9, 1, 7], [1, 1, 8, 1], 2, 1, [1, 2]),  # the oldest first, then what changed most
        ([0, 0, 0, 0], [2, 3, 1, 3], 2, 0, [1, 3]),  # nothing changed: the oldest
        ([np.inf, 9, np.inf, 7], [99, 1, 99, 1], 3, 1, [0, 1, 2]),  # never sent is changed without bound
    ],
)
def test_which_tiles_are_chosen(
    change: list[float], age: list[int], count: int, oldest: int, chosen: list[int]
) -> None:
    assert choose_tiles(np.array(change, float), np.array(age), count, oldest).tolist() == chosen


@given(st.integers(1, 40), st.integers(1, 30))
def test_no_tile_waits_longer_than_the_refresh(count: int, refresh_frames: int) -> None:
    """Whatever changes: one just sent stands behind count - 1 others; a frame takes ceil(count / N)."""
    rng = np.random.default_rng(count * 31 + refresh_frames)
    oldest = refreshed_each_frame(count, refresh_frames)
    sent = min(oldest + int(rng.integers(0, 3)), count)
    age = np.full(count, 1000)
    for frame in range(4 * refresh_frames):
        chosen = choose_tiles(rng.random(count) * 10.0 ** rng.integers(0, 6, count), age, sent, oldest)
        age += 1
        age[chosen] = 1
        if frame >= refresh_frames - 1:
            assert age.max() <= refresh_frames

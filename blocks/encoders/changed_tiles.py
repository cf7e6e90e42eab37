"""`encoders/changed_tiles`."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from ...errors import SignalError
from ...models.ratio import Ratio
from ...sim.side_information.frame_number import FIRST_FRAME, frame_after
from ...sim.side_information.tile_map import TileMap
from ...sim.tiles import Grid, choose_tiles, join_whole, packed_sides, refreshed_each_frame, tile_change
from ..block import Block
from ..envelope import Out
from ..params import BlockParams
from ..ports import Image

__all__ = ["ChangedTiles"]

_NEVER = 1 << 40  # frames since a tile was sent that never was


def _at_most_all(share: float | str) -> float | str:
    if Fraction(share) > 1:
        raise ValueError(f"expected a share of at most 1, got {share!r}")
    return share


class ChangedTiles(Block):
    r"""Sends of each frame of a video the tiles that changed most, packed into a smaller picture.

    .. math:: d_i[t] = \sum_{p \in \mathrm{tile}_i} (x_p[t] - x_p[t_i])^2, \quad t_i \text{: when tile } i
        \text{ was last sent}

    Conditional replenishment, around any codec of pictures: what comes out is a picture for ``encoders/...``, and
    ``decoders/changed_tiles`` behind the decoder pastes its tiles over the frame it has. Each frame takes K tiles, the
    greatest number that fill a rectangle of up to ``share`` of its pixels, and one at least, so that a codec of
    constant rate has constant channel uses a frame, but for those of the map: the ceil(n / refresh_frames) of n that
    were sent longest ago, and of the others those of the greatest d. So each is sent at least once in refresh_frames.
    The first frames have no more than that either: the receiver's picture builds up over ceil(n / K) frames. Tiles are
    packed row by row: neighbours of a row stay side by side where a row of the packed picture does not end between
    them.

    Input:   image: uint8 ``[H, W, 3]``, a frame of the video, sides of at most 65535.
    Output:  uint8 ``[r tile, c tile, 3]``, r c = K; header: TileMap, 44 bits and the map.
    Raises:  SignalError: ``refresh_frames`` frames do not hold all tiles; a frame has no pixel, a side is longer, or
             there are more than 65536 tiles.
    State:   of each tile what was last sent, and when; a frame of another size begins anew.
    Source:  Mounts, A video encoding system with conditional picture-element replenishment, Bell Syst. Tech. J. 48(7),
             1969.
    Example: ``tiles: {use: encoders/changed_tiles, share: 1/2, refresh_frames: 16}``
    """

    class Params(BlockParams):
        """Parameters."""

        share: Annotated[Ratio, AfterValidator(_at_most_all)] = Field(
            "1/2", description="Pixels sent of each frame, over all: a number, or a fraction as a text."
        )
        refresh_frames: int = Field(
            16, ge=1, le=10_000, description="Each tile is sent at least once in so many frames: what a loss lasts."
        )
        tile: int = Field(
            64,
            ge=16,
            le=128,
            multiple_of=16,
            description="Side of a tile in pixels; codecs pay for the borders.",
        )

    params: Params
    writes_header = (TileMap,)

    def start(self) -> None:
        """Begin a video."""
        self._grid: Grid | None = None
        self._frame = FIRST_FRAME

    def work(self, image: Image) -> Out[Image]:
        """Choose and pack the tiles of one frame."""
        p = self.params
        grid = Grid(image.shape[0], image.shape[1], p.tile)
        if grid != self._grid:
            if not 0 < min(grid[:2]) <= max(grid[:2]) <= 65535:
                raise SignalError(
                    f"encoders/changed_tiles: expected sides of 1 to 65535 pixels, got {grid.height} x {grid.width}"
                )
            self._shape = self._sides(grid)
            self._grid, self._frame = grid, FIRST_FRAME
            self._before: NDArray[np.uint8] = np.zeros((grid.size, p.tile, p.tile, 3), np.uint8)
            self._age: NDArray[np.int64] = np.full(grid.size, _NEVER)
        tiles = grid.cut(image)
        change = np.where(self._age >= _NEVER, np.inf, tile_change(tiles, self._before))
        oldest = refreshed_each_frame(grid.size, p.refresh_frames)
        chosen = choose_tiles(change, self._age, math.prod(self._shape), oldest)
        self._before[chosen] = tiles[chosen]
        self._age += 1
        self._age[chosen] = 1
        sent = np.zeros(grid.size, np.uint8)
        sent[chosen] = 1
        field = TileMap(grid.height, grid.width, p.tile, self._frame, sent.tobytes())
        self._frame = frame_after(self._frame)
        return Out(join_whole(tiles[chosen], *self._shape), header=field)

    def _sides(self, grid: Grid) -> tuple[int, int]:
        """Rows and columns of the packed picture. Raises SignalError where the refresh needs more tiles a frame."""
        p = self.params
        most = math.floor(Fraction(p.share) * grid.height * grid.width / p.tile**2)
        shape = packed_sides(grid.rows, grid.columns, max(most, 1))
        count = math.prod(shape)
        if count < refreshed_each_frame(grid.size, p.refresh_frames):
            raise SignalError(
                f"encoders/changed_tiles: a share of {p.share} of {grid.height} x {grid.width} pixels is {count} of "
                f"{grid.size} tiles a frame, and {p.refresh_frames} frames do not hold them all: expected "
                f"refresh_frames of at least {-(-grid.size // count)}; raise it or share"
            )
        return shape

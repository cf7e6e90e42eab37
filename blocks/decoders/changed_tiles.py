"""`decoders/changed_tiles`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ...sim.mean_colour import MEAN_COLOUR
from ...sim.side_information.frame_number import FIRST_FRAME, frames_missing
from ...sim.side_information.tile_map import TileMap
from ...sim.tiles import Grid, cut_whole
from ..block import Block
from ..envelope import Header, Identity, State
from ..ports import Image

__all__ = ["ChangedTiles"]

_NOTHING_N0 = 1e3  # of a symbol that was not received: Es/N0 of -30 dB, the lowest that channels take


class ChangedTiles(Block):
    r"""Pastes the tiles that came over the last frame: the receiver of ``encoders/changed_tiles``.

    .. math:: \hat x_i[t] = \begin{cases} \text{tile } i \text{ of the picture that came} & i \text{ was sent} \\
        \hat x_i[t - 1] & \text{else} \end{cases}

    Tiles that never came have the mean colour of photographs. A frame that is lost leaves its tiles as they were until
    they are sent again, and no other is touched by it: since the transmitter sends each at least once in its
    refresh_frames, pictures are from so many frames after the loss on those of a run without it. A frame came and is
    lost when the receiver's state says so: a check sum that did not hold, or an n0 of all symbols of 1000 or more, an
    Es/N0 of -30 dB (all erased). In ``run.json`` are counted: ``missing_frames``, which never came though one before
    them did, by the number in TileMap; ``failed_frames``, which came and are lost.

    Input:   image: uint8 ``[r tile, c tile, 3]``, as decoded; header: TileMap; state: crc_ok and n0, if there are any.
    Output:  uint8 sRGB ``[H, W, 3]``, the whole frame.
    Raises:  SignalError: the picture has another number of tiles than TileMap says.
    State:   the frame as it is at the receiver, and the number of the last one; another size begins anew.
    Source:  Mounts, A video encoding system with conditional picture-element replenishment, Bell Syst. Tech. J. 48(7),
             1969.
    Example: ``paste: {use: decoders/changed_tiles}``
    """

    reads_header = (TileMap,)

    def start(self) -> None:
        """Begin a video."""
        self._grid: Grid | None = None
        self._last = FIRST_FRAME

    def work(self, image: Image, header: Header, state: State, identity: Identity) -> Image:
        """Paste the tiles of one frame."""
        told = header.read(TileMap)
        grid = Grid(told.height, told.width, told.tile)
        if grid != self._grid:
            self._grid = grid
            self._tiles: NDArray[np.uint8] = np.empty((grid.size, told.tile, told.tile, 3), np.uint8)
            self._tiles[:] = MEAN_COLOUR
        else:
            self.count(missing_frames=frames_missing(self._last, told.frame))
        self._last = told.frame
        sent = np.frombuffer(told.sent, np.uint8) == 1
        height, width = image.shape[:2]
        if height % told.tile or width % told.tile or height * width != int(sent.sum()) * told.tile**2:
            raise SignalError(
                f"decoders/changed_tiles: expected a picture of {sent.sum()} tiles of {told.tile} x {told.tile}, as "
                f"TileMap says, got {height} x {width}; put it right behind the decoder of the pictures"
            )
        if state.crc_ok is False or (state.n0 is not None and bool(np.all(np.asarray(state.n0) >= _NOTHING_N0))):
            self.count_items(failed_frames=identity.seq)
        else:
            self._tiles[sent] = cut_whole(image, told.tile)
        return grid.join(self._tiles)

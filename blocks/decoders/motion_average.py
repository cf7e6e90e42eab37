"""`decoders/motion_average`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import SignalError
from ...sim.mean_colour import MEAN_COLOUR
from ...sim.mirror import mirrored
from ...sim.motion import moved
from ...sim.side_information.frame_number import FIRST_FRAME, frames_missing
from ...sim.side_information.motion_map import LEVELS, MotionMap
from ...sim.tiles import Grid
from ..block import Block
from ..envelope import Header, Identity, State
from ..ports import Image

__all__ = ["MotionAverage"]

_NOTHING_N0 = 1e3  # of a symbol that was not received: Es/N0 of -30 dB, the lowest that channels take
_LONGEST = 16  # frames that an average may count
_GREATEST = 4.0 ** np.arange(LEVELS)  # mean squared error of a prediction, by its level


class MotionAverage(Block):
    r"""Averages each frame of a video with what was received before, moved as ``encoders/motion_average`` says.

    .. math:: \hat x_i[t] = y_i[t] + \frac{E}{E + P} (\hat x_{i + v}[t - 1] - y_i[t]), \quad P = r E + D_i, \quad
        r \leftarrow \frac{P}{E + P}

    A Kalman filter of each tile. E is the mean squared error that a frame has of its own, noise and what else changes
    from frame to frame. It is measured, :math:`E = \max(S - D, 0) / (1 + r)`, of S, the mean squared difference of
    what came and its prediction, and the greatest D of its step: no end needs to know the channel. r is the error of
    the average over E: 1 after one frame, 1/16 at least. A lost frame does not spoil those after it: the picture before
    stays, and the next frame begins anew, as one by itself. A frame came and is lost when the receiver's state says so:
    a check sum that did not hold, or an n0 of all symbols of 1000 or more. In ``run.json`` are counted
    ``missing_frames``, which never came, by the number in MotionMap, and ``failed_frames``, which came and are lost.

    Input:   image: uint8 ``[H, W, 3]``, as decoded; header: MotionMap; state: crc_ok and n0, if there are any.
    Output:  uint8 sRGB ``[H, W, 3]``.
    Raises:  SignalError: the picture is not of the size that MotionMap says.
    State:   the average, r of each tile, and the number of the last frame.
    Source:  Dubois & Sabri, Noise reduction in image sequences using motion-compensated temporal filtering, IEEE Trans.
             Commun. 32(7), 1984.
    Example: ``average: {use: decoders/motion_average}``
    """

    reads_header = (MotionMap,)

    def start(self) -> None:
        """Begin a video."""
        self._average: NDArray[np.float32] | None = None
        self._shown: NDArray[np.uint8] | None = None
        self._last = FIRST_FRAME

    def work(self, image: Image, header: Header, state: State, identity: Identity) -> Image:
        """Average one frame."""
        told = header.read(MotionMap)
        if image.shape[:2] != (told.height, told.width):
            raise SignalError(
                f"decoders/motion_average: expected a picture of {told.height} x {told.width}, as MotionMap says, got "
                f"{image.shape[0]} x {image.shape[1]}; put it right behind the decoder of the pictures"
            )
        if self._shown is None or self._shown.shape != image.shape:
            self._average, self._shown = None, np.empty_like(image)
            self._shown[:] = MEAN_COLOUR
        elif missing := frames_missing(self._last, told.frame):
            self._average = None
            self.count(missing_frames=missing)
        self._last = told.frame
        if state.crc_ok is False or (state.n0 is not None and bool(np.all(np.asarray(state.n0) >= _NOTHING_N0))):
            self._average = None
            self.count_items(failed_frames=identity.seq)
        else:
            self._add(mirrored(image, told.frame), told)
        return self._shown.copy()

    def _add(self, image: NDArray[np.uint8], told: MotionMap) -> None:
        """Take up a frame that came."""
        grid = Grid(told.height, told.width, told.tile)
        levels = np.frombuffer(told.levels, np.uint8)
        vectors = np.array(told.vectors, np.int64).reshape(-1, 2)
        came = image.astype(np.float32)
        if self._average is None or told.frame == FIRST_FRAME:
            self._average, self._r, self._shown = came, np.ones(grid.size), image
            return
        tiles = moved(came, grid, np.zeros_like(vectors))
        before = moved(self._average, grid, vectors)
        r, greatest = self._r[_tile_there(grid, vectors)], _GREATEST[levels]
        squared = np.square(tiles - before).mean(axis=(1, 2, 3), dtype=np.float64)
        own = np.maximum((squared - greatest) / (1 + r), 0)
        predicted = r * own + greatest / 2
        weight = np.where(levels < LEVELS - 1, own / (own + predicted), 0)
        self._r = np.maximum(1 - weight, 1 / _LONGEST)
        tiles += weight.astype(np.float32)[:, None, None, None] * (before - tiles)
        self._average = joined = grid.join(tiles)
        self._shown = np.clip(np.rint(joined), 0, 255).astype(np.uint8)


def _tile_there(grid: Grid, vectors: NDArray[np.int64]) -> NDArray[np.intp]:
    """The tile in which the middle of each lay."""
    row, column = np.divmod(np.arange(grid.size), grid.columns)
    middle = np.stack([row, column], axis=1) * grid.side + grid.side // 2 + vectors // 2
    there = np.clip(middle // grid.side, 0, (grid.rows - 1, grid.columns - 1))
    return there[:, 0] * grid.columns + there[:, 1]

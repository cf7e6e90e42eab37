"""`encoders/motion_average`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...errors import SignalError
from ...sim.mirror import mirrored
from ...sim.motion import estimate_motion
from ...sim.side_information.frame_number import FIRST_FRAME, frame_after
from ...sim.side_information.motion_map import LEVELS, MotionMap
from ...sim.tiles import Grid
from ..block import Block
from ..envelope import Out
from ..params import BlockParams
from ..ports import Image

__all__ = ["MotionAverage"]

_BOUNDS = 4.0 ** np.arange(LEVELS - 1)  # of the mean squared error, between the levels


class MotionAverage(Block):
    r"""Tells the receiver of a video what its last frame says of this one: where each tile was, and how well that fits.

    .. math:: D_i[t] = \min_v \frac{1}{|i|} \sum_{p \in \mathrm{tile}_i} (x_p[t] - x_{p + v}[t - 1])^2

    The frame itself goes on whole, to any codec of pictures; ``decoders/motion_average`` behind the decoder averages
    it with what was received before. Vectors are in half pixels, of at most 7 pixels; D is told in seven steps of
    6 dB. Frames are mirrored by turns, up and down and left and right, so that the errors of a codec differ from frame
    to frame more than by the channel's noise.

    Input:   image: uint8 ``[H, W, 3]``, a frame of the video, sides of at most 65535.
    Output:  uint8 ``[H, W, 3]``, mirrored or not; header: MotionMap, 43 bits and the map.
    Raises:  SignalError: a frame has no pixel, a side is longer, or there are more than 65536 tiles.
    State:   the frame before; one of another size begins anew.
    Source:  Dubois & Sabri, Noise reduction in image sequences using motion-compensated temporal filtering, IEEE Trans.
             Commun. 32(7), 1984.
    Example: ``motion: {use: encoders/motion_average, tile: 48}``
    """

    class Params(BlockParams):
        """Parameters."""

        tile: int = Field(48, ge=16, le=128, multiple_of=16, description="Side of a tile in pixels.")

    params: Params
    writes_header = (MotionMap,)

    def start(self) -> None:
        """Begin a video."""
        self._before: NDArray[np.uint8] | None = None
        self._frame = FIRST_FRAME

    def work(self, image: Image) -> Out[Image]:
        """Look for the motion, and mirror the frame."""
        height, width = image.shape[:2]
        if not 0 < min(height, width) <= max(height, width) <= 65535:
            raise SignalError(f"encoders/motion_average: expected sides of 1 to 65535 pixels, got {height} x {width}")
        grid = Grid(height, width, self.params.tile)
        levels = np.full(grid.size, LEVELS - 1)
        vectors = np.zeros((grid.size, 2), np.int64)
        if self._before is None or self._before.shape != image.shape:
            self._frame = FIRST_FRAME
        else:
            motion = estimate_motion(self._before, image, grid)
            levels = np.searchsorted(_BOUNDS, motion.error, side="right")
            vectors = np.where(levels[:, None] < LEVELS - 1, motion.vectors, 0)
        field = MotionMap(
            height,
            width,
            grid.side,
            self._frame,
            levels.astype(np.uint8).tobytes(),
            tuple(vectors.reshape(-1).tolist()),
        )
        sent = mirrored(image, self._frame)
        self._before, self._frame = image, frame_after(self._frame)
        return Out(sent, header=field)

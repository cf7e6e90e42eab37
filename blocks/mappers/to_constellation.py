"""`mappers/to_constellation`."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from ...errors import SignalError
from ...sim.constellations.assignment import frame_scale, nearest_level
from ...sim.constellations.gaussian import gaussian_grid
from ...sim.constellations.spreading import spread
from ...sim.side_information.constellation_frame import ConstellationFrame, ConstellationOrder
from ..block import Block
from ..envelope import Out
from ..params import BlockParams, Live
from ..ports import Features, Symbols

__all__ = ["ToConstellation"]

_LARGEST = float(np.finfo(np.float16).max)


class ToConstellation(Block):
    r"""Puts real features on the points of a square QAM, so that a digital modulator can send them.

    .. math:: s[n] = g_M\, Q_M(u[2n] / a) + j\, g_M\, Q_M(u[2n+1] / a), \quad u = \mathrm{spread}(x)

    Q_M takes the nearest level. The points are those of M-QAM times a constant of each order, and the scale a is chosen
    such that the frame has unit mean energy: within 0.3 % for frames of a thousand symbols and more. The constant is
    above 1, since inner points are used more often (M = 4: 1, 16: 1.186, 64: 1.369, 256: 1.554). ``spreading: frame``
    mixes all features of the frame first, by an orthonormal transform of Hadamard matrices and fixed permutations: each
    value on a point is then a sum of many, so that a few strong features do not fill the outer points, and the error of
    rounding is white noise to the decoder. Without it a network must have been trained for the very points. A frame of
    zeros is sent on the inner points.

    Input:   features: float32, any shape; taken in C order.
    Output:  complex64 ``[ceil(values / 2)]``, on points; header: ConstellationFrame, 20 bits.
    Raises:  SignalError: a value is not finite, or the scale does not fit half precision.
    State:   none.
    Source:  Tung, Burth Kurka, Jankowski & Gunduz, DeepJSCC-Q, IEEE J. Sel. Areas Inf. Theory 3(4), 2022; Max,
             Quantizing for minimum distortion, IRE Trans. Inf. Theory 6(1), 1960; points: TS 38.211 section 5.1.
    Example: ``map: {use: mappers/to_constellation, bits_per_symbol: 4}``
    """

    class Params(BlockParams):
        """Parameters."""

        bits_per_symbol: Live[ConstellationOrder] = Field(
            4, description="2 (QPSK), 4 (16-QAM), 6, 8, 10 or 12 (4096-QAM)."
        )
        spreading: Literal["frame", "none"] = Field(
            "frame", description="Mix the features of the whole frame before, or put each on a level by itself."
        )

    params: Params
    writes_header = (ConstellationFrame,)

    def work(self, features: Features) -> Out[Symbols]:
        """Map one frame."""
        p = self.params
        values = features.reshape(-1).astype(np.float64)
        padded = values.size % 2 == 1
        if padded:
            values = np.append(values, 0.0)
        if not np.isfinite(values).all():
            raise SignalError("mappers/to_constellation: expected finite features, got NaN or infinity")
        grid = gaussian_grid(p.bits_per_symbol)
        mixed = spread(values) if p.spreading == "frame" else values
        exact = float(frame_scale(mixed, grid)[0]) if values.size else 0.0
        if exact > _LARGEST:
            raise SignalError(
                f"mappers/to_constellation: expected features whose scale is at most {_LARGEST:g}, got {exact:g}"
            )
        scale = float(np.float16(exact))
        index = nearest_level(mixed / scale if scale else np.full(mixed.shape, 1e-9), grid)
        sent = (index - (grid.levels.size - 1) / 2) * (grid.step * grid.gain * 0.5**0.5)
        header = ConstellationFrame(scale, p.bits_per_symbol, p.spreading, padded)
        return Out(np.ascontiguousarray(sent, np.float32).view(np.complex64), header=header)
